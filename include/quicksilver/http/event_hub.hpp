#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace quicksilver {

/// One thing that happened, as the live stream tells it. Never patient data: clients ask for the object by its id.
struct LiveEvent {
    std::uint64_t number = 0;  ///< grows by one
    std::string topic;         ///< pipeline, series, config, log …: what clients choose by
    std::string name;          ///< of the event in the stream
    std::string data;          ///< JSON
    std::string series;        ///< UIDs of the series that it is about, `\` between them, or ""
};

/// Live events for any number of clients. All share one bounded ring, and a client is no more than a place in it: one
/// that is too slow loses its place and is told so, and costs no memory meanwhile. Io thread only.
class EventHub {
public:
    explicit EventHub(boost::asio::any_io_executor io, std::size_t kept_max = 20'000);
    ~EventHub();
    EventHub(const EventHub&) = delete;
    EventHub& operator=(const EventHub&) = delete;

    void publish(std::string topic, std::string name, const nlohmann::json& data, std::string series = "");
    /// For what changes often: within a quarter of a second only the last one of a key is told, and at most 50 keys.
    void publish_latest(const std::string& key, std::string topic, std::string name, const nlohmann::json& data,
                        std::string series = "");

    class Client;
    /// `last_event_id`: where a client was before, or "". Nothing when the limit of clients is reached.
    std::unique_ptr<Client> join(std::set<std::string> topics, std::string series, std::string_view last_event_id);

    std::size_t clients() const { return clients_.size(); }
    std::uint64_t last_number() const { return next_number_ - 1; }
    const std::string& boot() const { return boot_; }
    /// Ends every stream.
    void close();
    bool is_closed() const { return closed_; }

    static constexpr std::size_t clients_max = 200;
    static constexpr std::size_t latest_each_time = 50;
    static constexpr std::chrono::milliseconds wake_interval{50};
    static constexpr std::chrono::milliseconds latest_interval{250};
    static constexpr std::size_t kept_bytes_max = 32 * 1024 * 1024;

private:
    void append(LiveEvent event);
    void wake_soon();
    void wake_all();
    void tell_latest();

    boost::asio::any_io_executor io_;
    std::size_t kept_max_;
    std::string boot_;
    std::deque<LiveEvent> ring_;
    std::size_t ring_bytes_ = 0;
    std::uint64_t next_number_ = 1;
    std::map<std::string, LiveEvent> latest_;
    std::set<Client*> clients_;
    boost::asio::steady_timer wake_timer_;
    boost::asio::steady_timer latest_timer_;
    bool wake_is_due_ = false;
    bool latest_is_due_ = false;
    bool closed_ = false;
};

/// One stream. Outlived by its hub.
class EventHub::Client {
public:
    Client(EventHub& hub, std::set<std::string> topics, std::string series, std::uint64_t next);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// What a client is told first: who it talks to, and whether it has to ask for everything anew.
    std::string greeting(std::string_view version, std::string_view server_time, bool lost) const;
    /// The next events in the form of server-sent events, some at once; a comment when there was none for `patience`;
    /// nothing when the hub closes.
    boost::asio::awaitable<std::optional<std::string>> next(std::chrono::milliseconds patience);
    /// Whether the place that the client asked for was still there.
    bool was_replayed() const { return replayed_; }

private:
    friend class EventHub;
    std::string take();
    bool wants(const LiveEvent& event) const;

    EventHub& hub_;
    std::set<std::string> topics_;
    std::string series_;
    std::uint64_t next_;  // number of the next event to look at
    bool replayed_ = true;
    boost::asio::steady_timer wakeup_;
};

}  // namespace quicksilver
