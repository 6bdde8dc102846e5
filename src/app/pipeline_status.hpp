#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"
#include "quicksilver/http/status_source.hpp"
#include "quicksilver/pipeline/stage_context.hpp"

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace quicksilver {

class Bookkeeper;
class Cleaner;
class PipelineControl;
class Dispatcher;
class Processor;
class Receiver;
class Router;

/// The file system and the stage folders. Blocks.
StorageStatus measure_storage(const TaskFolders& folders, const DiskReserve& reserve);

/// Tells the HTTP layer how the stages are. Io thread only.
class ServerStatus final : public StatusSource {
public:
    struct Sources {
        const Receiver& receiver;
        const Router& router;
        const Processor& processor;
        const Dispatcher& dispatcher;
        const Cleaner& cleaner;
        const Bookkeeper& books;
        const PipelineControl& control;
        ConfigSource config;
        std::function<bool()> last_reload_ok;
    };

    explicit ServerStatus(Sources sources) : sources_(std::move(sources)) {}

    void set_ready(bool ready) { ready_ = ready; }
    void set_storage(StorageStatus storage) { storage_ = std::move(storage); }

    /// Now and then, for the rates of the last minute.
    void sample(SteadyTime now);

    Readiness readiness() const override;
    PipelineStatus pipeline() const override;
    std::vector<MetricFamily> metrics() const override;

private:
    struct Sample {
        SteadyTime time;
        std::uint64_t routed = 0, processed = 0;
        std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> delivered;  // target → instances, bytes
    };
    void add_rates(TargetStatus& target) const;
    void add_rates(PipelineStatus& status) const;

    Sources sources_;
    std::deque<Sample> samples_;
    StorageStatus storage_;
    bool ready_ = false;
};

}  // namespace quicksilver
