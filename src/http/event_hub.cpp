#include "quicksilver/http/event_hub.hpp"

#include "quicksilver/http/peer_words.hpp"
#include "quicksilver/store/secrets.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

/// Of one piece; a client far behind gets the rest in the next.
constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::size_t latest_kept_max = 5000;

/// Without what peers said: everybody gets the same events, also those who may not see patients.
std::string as_text(const nlohmann::json& data) {
    constexpr auto replace = nlohmann::json::error_handler_t::replace;
    std::string text = data.dump(-1, ' ', false, replace);
    if (!has_peer_words(text)) return text;
    nlohmann::json masked = data;
    remove_peer_words(masked);
    return masked.dump(-1, ' ', false, replace);
}

bool is_among(std::string_view uid, std::string_view uids) {
    while (!uids.empty()) {
        const std::string_view one = uids.substr(0, uids.find('\\'));
        if (one == uid) return true;
        uids.remove_prefix(std::min(one.size() + 1, uids.size()));
    }
    return false;
}

std::size_t size_of(const LiveEvent& event) {
    return sizeof event + event.topic.size() + event.name.size() + event.data.size() + event.series.size();
}

}  // namespace

EventHub::EventHub(asio::any_io_executor io, std::size_t kept_max)
    : io_(std::move(io)),
      kept_max_(kept_max),
      boot_(secrets::digest(secrets::random_text()).substr(0, 8)),
      wake_timer_(io_),
      latest_timer_(io_) {}

EventHub::~EventHub() = default;

void EventHub::publish(std::string topic, std::string name, const nlohmann::json& data, std::string series) {
    append(LiveEvent{0, std::move(topic), std::move(name), as_text(data), std::move(series)});
}

void EventHub::publish_latest(const std::string& key, std::string topic, std::string name, const nlohmann::json& data,
                              std::string series) {
    if (closed_) return;
    // More wait than can be told for a while: the ring has a bound, this has none.
    if (latest_.size() >= latest_kept_max && !latest_.contains(key)) {
        return publish(std::move(topic), std::move(name), data, std::move(series));
    }
    latest_[key] = LiveEvent{0, std::move(topic), std::move(name), as_text(data), std::move(series)};
    if (std::exchange(latest_is_due_, true)) return;
    latest_timer_.expires_after(latest_interval);
    latest_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) tell_latest();
    });
}

void EventHub::tell_latest() {
    latest_is_due_ = false;
    for (std::size_t told = 0; !latest_.empty() && told < latest_each_time; ++told) {
        append(std::move(latest_.begin()->second));
        latest_.erase(latest_.begin());
    }
    if (latest_.empty()) return;
    latest_is_due_ = true;
    latest_timer_.expires_after(latest_interval);
    latest_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) tell_latest();
    });
}

void EventHub::append(LiveEvent event) {
    if (closed_) return;
    event.number = next_number_++;
    ring_bytes_ += size_of(event);
    ring_.push_back(std::move(event));
    while (ring_.size() > kept_max_ || (ring_bytes_ > kept_bytes_max && ring_.size() > 1)) {
        ring_bytes_ -= size_of(ring_.front());
        ring_.pop_front();
    }
    wake_soon();
}

/// Not each event by itself: with many clients the waking would cost more than the telling.
void EventHub::wake_soon() {
    if (clients_.empty() || std::exchange(wake_is_due_, true)) return;
    wake_timer_.expires_after(wake_interval);
    wake_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) wake_all();
    });
}

void EventHub::wake_all() {
    wake_is_due_ = false;
    for (Client* client : clients_) client->wakeup_.cancel();
}

std::unique_ptr<EventHub::Client> EventHub::join(std::set<std::string> topics, std::string series,
                                                 std::string_view last_event_id) {
    if (closed_ || clients_.size() >= clients_max) return nullptr;
    std::uint64_t next = next_number_;
    bool replayed = true;
    if (!last_event_id.empty()) {
        const std::string_view boot = last_event_id.substr(0, last_event_id.find('-'));
        const std::string_view number = last_event_id.substr(std::min(boot.size() + 1, last_event_id.size()));
        std::uint64_t seen = 0;
        const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), seen);
        const std::uint64_t oldest = ring_.empty() ? next_number_ : ring_.front().number;
        replayed = boot == boot_ && failed == std::errc() && end == number.data() + number.size() &&
                   seen < next_number_ && seen + 1 >= oldest;
        if (replayed) next = seen + 1;
    }
    auto client = std::make_unique<Client>(*this, std::move(topics), std::move(series), next);
    client->replayed_ = replayed;
    return client;
}

void EventHub::close() {
    closed_ = true;
    wake_timer_.cancel();
    latest_timer_.cancel();
    for (Client* client : clients_) client->wakeup_.cancel();
}

EventHub::Client::Client(EventHub& hub, std::set<std::string> topics, std::string series, std::uint64_t next)
    : hub_(hub), topics_(std::move(topics)), series_(std::move(series)), next_(next), wakeup_(hub.io_) {
    hub_.clients_.insert(this);
}

EventHub::Client::~Client() {
    hub_.clients_.erase(this);
}

std::string EventHub::Client::greeting(std::string_view version, std::string_view server_time, bool lost) const {
    const nlohmann::json hello = {
        {"boot", hub_.boot_}, {"seq", next_ - 1}, {"server_time", server_time}, {"version", version}};
    std::string text =
        fmt::format("retry: 2000\n\nid: {}-{}\nevent: hello\ndata: {}\n\n", hub_.boot_, next_ - 1, hello.dump());
    if (lost) text += "event: reset\ndata: {}\n\n";
    return text;
}

asio::awaitable<std::optional<std::string>> EventHub::Client::next(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (hub_.closed_) co_return std::nullopt;
        std::string piece = take();
        if (!piece.empty()) co_return piece;
        wakeup_.expires_at(deadline);
        boost::system::error_code woken;
        co_await wakeup_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        // Waking up early is a cancelled timer; so is the end of the connection, which throws at the next wait.
        if (!woken) co_return ": hb\n\n";
    }
}

bool EventHub::Client::wants(const LiveEvent& event) const {
    if (!topics_.contains(event.topic)) return false;
    // Each step of each series would drown the rest for those who look at them all.
    if (series_.empty()) return event.name != "timeline";
    return event.series.empty() || is_among(series_, event.series);
}

std::string EventHub::Client::take() {
    std::string piece;
    const std::deque<LiveEvent>& ring = hub_.ring_;
    if (!ring.empty() && next_ < ring.front().number) {
        next_ = hub_.next_number_;
        return fmt::format("id: {}-{}\nevent: reset\ndata: {{}}\n\n", hub_.boot_, next_ - 1);
    }
    while (next_ < hub_.next_number_ && piece.size() < piece_bytes) {
        const LiveEvent& event = ring.at(next_ - ring.front().number);
        ++next_;
        if (!wants(event)) continue;
        piece += fmt::format("id: {}-{}\nevent: {}\ndata: {}\n\n", hub_.boot_, event.number, event.name, event.data);
    }
    return piece;
}

}  // namespace quicksilver
