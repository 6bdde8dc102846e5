#pragma once

#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/dicom/listener.hpp"
#include "quicksilver/dicom/send_association.hpp"

#include "dicom_environment.hpp"
#include "memory_store.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <thread>

namespace quicksilver::test {

/// A listener on a free port of loopback with an io thread of its own.
class RunningListener {
public:
    explicit RunningListener(const std::function<void(Config&)>& change = {}, dicom::ListenerLimits limits = {}) {
        require_dicom();
        auto made = std::make_shared<Config>();
        made->dicom.address = "127.0.0.1";
        made->dicom.port = 0;
        made->dicom.accept_compressed_images = true;
        if (change) change(*made);
        config_ = made;
        listener_ = std::make_unique<dicom::Listener>(
            io_.get_executor(), associations_, [this] { return config_; }, store, store, silent_log(), limits);
        const auto opened = listener_->open();
        if (!opened) throw std::runtime_error(opened.error().message);
        group_ = std::make_unique<CoroutineGroup>(io_.get_executor(), nullptr);
        group_->start("listener", listener_->run());
        thread_ = std::thread([this] { io_.run(); });
    }

    ~RunningListener() {
        boost::asio::post(io_, [this] {
            listener_->close();
            work_.reset();
        });
        thread_.join();
        listener_->abort();
        associations_.join();
    }

    std::uint16_t port() const { return listener_->port(); }
    dicom::Listener& listener() { return *listener_; }
    boost::asio::io_context& io() { return io_; }

    dicom::Destination destination() const {
        dicom::Destination destination;
        destination.host = "127.0.0.1";
        destination.port = port();
        destination.called_ae = "ANY";
        destination.calling_ae = "TEST";
        destination.association_timeout = std::chrono::seconds(10);
        destination.response_timeout = std::chrono::seconds(10);
        return destination;
    }

    MemoryStore store;

private:
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
    boost::asio::thread_pool associations_{16};
    std::shared_ptr<const Config> config_;
    std::unique_ptr<dicom::Listener> listener_;
    std::unique_ptr<CoroutineGroup> group_;
    std::thread thread_;
};

}  // namespace quicksilver::test
