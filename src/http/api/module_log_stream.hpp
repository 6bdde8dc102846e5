#pragma once

#include "quicksilver/http/message.hpp"

#include "api.hpp"
#include "live_stream.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quicksilver::api {

/// Without the begin of a letter (UTF-8) at the end, whose rest is to come.
std::string_view complete_letters(std::string_view text);

/// The last lines of a text.
std::string last_lines(const std::string& text, std::int64_t lines);

/// The place in a module's output as the id of an event, and back; without the task and step, which the address has.
std::string event_id_of(const ModuleLogPlace& place);
std::optional<ModuleLogPlace> place_of_event_id(std::string_view id, const std::string& task_id, std::int64_t step);

/// What the module of a step says, as server-sent events, from its last lines on until it has ended: `log` with
/// {"text"}, `reset` before a run that is told from its beginning, and `end`. It reads from the store what the module
/// has said since it looked last, so a slow client costs no memory. Io thread.
class ModuleLogStream final : public BodySource {
public:
    struct From {
        std::string task_id;
        std::int64_t step = 0;
        std::int64_t tail = 0;      ///< lines to begin with …
        ModuleLogPlace place = {};  ///< … unless somebody goes on behind a place
    };
    /// Throws ProblemError 503 when too many streams are open.
    ModuleLogStream(const Api& api, const Call& call, From from);

    boost::asio::awaitable<std::optional<std::string>> next() override;

    static constexpr std::size_t piece_bytes = 256 * 1024;  ///< of a file
    static constexpr std::size_t tail_bytes = 512 * 1024;   ///< of the lines to begin with
    static constexpr std::chrono::milliseconds look_interval{500};
    /// Looks without news after which a run that has ended counts as told: what it said last is written within a
    /// second.
    static constexpr int quiet_looks = 4;

private:
    /// On a reader's thread.
    ModuleLogNews look(const ModuleLogPlace& from) const;
    std::string last_of_now();

    const ApiServices& services_;
    LiveStream live_;
    From from_;
    bool begun_ = false;
    bool ended_ = false;
    int quiet_ = 0;
    SteadyTime told_at_{};
};

}  // namespace quicksilver::api
