#pragma once

#include "quicksilver/core/config_handle.hpp"
#include "quicksilver/core/log_ring.hpp"
#include "quicksilver/http/event_hub.hpp"
#include "quicksilver/http/sign_in_watch.hpp"
#include "quicksilver/http/status_source.hpp"
#include "quicksilver/store/journal.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

namespace quicksilver {

/// What live events tell of the pipeline: what was written down as it happens, and now and then what has changed of
/// stages, targets, storage, open problems and the log. Never patient data. Io thread only.
class LiveNews {
public:
    struct Sources {
        EventHub& events;
        const StatusSource& status;
        const ConfigHandle& config;
        const Clock& clock;
        std::shared_ptr<const SignInWatch> sign_ins;
        std::shared_ptr<const LogRing> log;  ///< null: nothing of the log
    };
    explicit LiveNews(Sources sources) : sources_(std::move(sources)) {}

    void tell(const JournalEntry& entry);
    /// Twice a second while somebody listens.
    void look();

    static constexpr std::size_t log_lines_each_time = 50;

    static constexpr std::size_t tasks_max = 20'000;  ///< whose series are known

private:
    class Teller;
    void learn(const std::string& task_id, std::string series);
    void tell_if_changed(const std::string& key, const char* topic, const char* name, const nlohmann::json& data);
    void tell_log();

    Sources sources_;
    std::map<std::string, std::string> told_;            // what → as it was told last
    std::map<std::string, std::string> series_of_task_;  // UIDs, `\` between them
    std::deque<std::string> tasks_;                      // of these, the oldest first
    std::uint64_t revision_ = 0;                         // of what is told of series: grows with each change
    std::uint64_t log_told_ = 0;
    bool log_begun_ = false;
    unsigned looks_ = 0;
};

}  // namespace quicksilver
