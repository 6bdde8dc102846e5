#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/log.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/instance_store.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace quicksilver::dicom {

struct ListenerLimits {
    std::chrono::milliseconds request_timeout{30'000};  ///< from connection to a whole A-ASSOCIATE-RQ
    std::chrono::seconds idle_timeout{600};             ///< association without a command
    std::chrono::seconds data_timeout{60};              ///< silence in the middle of a message
    std::size_t connections_without_request = 1024;     ///< silent peers that are waited for at the same time
};

/// Listens for DICOM associations and runs each on a thread of the associations pool.
/// A connection costs no thread until its whole A-ASSOCIATE-RQ is there, so a silent peer delays nobody.
/// Io thread only; the store and the observer are called from association threads.
class Listener {
public:
    /// The configuration that an association begins with is the one it keeps.
    using ConfigSource = std::function<std::shared_ptr<const Config>()>;

    Listener(boost::asio::any_io_executor executor, boost::asio::thread_pool& associations, ConfigSource config,
             InstanceStore& store, ReceptionObserver& observer, Log log, ListenerLimits limits = {});
    ~Listener();

    /// Takes the address and port of the configuration; port 0 picks a free one.
    Result<void> open();
    std::uint16_t port() const;
    /// Of the encrypted port (`dicom.tls`); 0 without one.
    std::uint16_t encrypted_port() const;
    /// Associations that are running now.
    std::size_t associations() const;

    /// Accepts until close().
    boost::asio::awaitable<void> run();
    /// The same for the encrypted port; ends at once without one.
    boost::asio::awaitable<void> run_encrypted();
    /// While paused, peers that ask for an association are told to try again later; running ones go on.
    void set_paused(bool paused);
    /// No new associations; running ones finish the instance in hand and then refuse.
    void close();
    /// Ends what close() left, at once: every open connection is shut down.
    void abort();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace quicksilver::dicom
