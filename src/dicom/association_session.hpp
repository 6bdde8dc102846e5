#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/log.hpp"
#include "quicksilver/dicom/instance_store.hpp"
#include "quicksilver/dicom/listener.hpp"

#include <atomic>
#include <memory>
#include <string>

struct T_ASC_Network;

namespace quicksilver::dicom {

/// What all incoming associations of a listener share. Outlives them.
struct SessionContext {
    InstanceStore& store;
    ReceptionObserver& observer;
    Log log;
    ListenerLimits limits;
    T_ASC_Network* network = nullptr;
    std::atomic<bool> stopping{false};
};

/// Runs one association from its A-ASSOCIATE-RQ, which has arrived on `socket` already, to its end. Blocks the calling
/// thread; owns `socket`. `before_close` is called while the descriptor is still this connection.
void run_association(SessionContext& context, std::shared_ptr<const Config> config, int socket,
                     const std::string& peer_address, const std::function<void()>& before_close);

}  // namespace quicksilver::dicom
