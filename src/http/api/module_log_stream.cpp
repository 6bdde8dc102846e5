#include "module_log_stream.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/module_control.hpp"
#include "quicksilver/store/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <utility>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

/// JSON, so that nothing that a module prints can look like an event of its own.
std::string log_event(const std::string& text, const ModuleLogPlace& place) {
    const Json data = {{"text", text}};
    return fmt::format("id: {}\nevent: log\ndata: {}\n\n", event_id_of(place),
                       data.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string read_file(const std::string& path, std::uint64_t offset, std::size_t bytes) {
    std::ifstream file(path, std::ios::binary);
    std::string text(bytes, '\0');
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(text.data(), static_cast<std::streamsize>(bytes));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
    return text;
}

}  // namespace

std::string_view complete_letters(std::string_view text) {
    constexpr std::size_t letter_bytes_max = 4;
    for (std::size_t back = 1; back <= std::min(letter_bytes_max, text.size()); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if ((byte & 0xC0) == 0x80) continue;  // within a letter
        const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return length > back ? text.substr(0, text.size() - back) : text;
    }
    return text;
}

std::string last_lines(const std::string& text, std::int64_t lines) {
    std::size_t begin = text.size();
    if (text.ends_with('\n')) --begin;
    while (begin > 0 && begin != std::string::npos) {
        if (--lines < 0) break;
        begin = begin == 0 ? std::string::npos : text.rfind('\n', begin - 1);
    }
    return begin == std::string::npos || begin == 0 ? text : text.substr(begin + 1);
}

std::string event_id_of(const ModuleLogPlace& place) {
    const std::string attempt = place.run.substr(place.run.rfind('/') + 1);
    return fmt::format("{}.{}.{}", attempt, place.part, place.offset);
}

std::optional<ModuleLogPlace> place_of_event_id(std::string_view id, const std::string& task_id, std::int64_t step) {
    const auto second = id.rfind('.');
    const auto first = second == std::string_view::npos || second == 0 ? second : id.rfind('.', second - 1);
    if (first == std::string_view::npos || first == 0 || first == second) return std::nullopt;
    ModuleLogPlace place;
    const auto is_number = [](std::string_view text, auto& number) {
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
        return failed == std::errc() && end == text.data() + text.size();
    };
    if (!is_number(id.substr(first + 1, second - first - 1), place.part) || place.part < 0) return std::nullopt;
    if (!is_number(id.substr(second + 1), place.offset)) return std::nullopt;
    place.run = fmt::format("{}/{}/{}", task_id, step, id.substr(0, first));
    return place;
}

ModuleLogStream::ModuleLogStream(const Api& api, const Call& call, From from)
    : services_(api.services()), live_(api, call), from_(std::move(from)) {}

ModuleLogNews ModuleLogStream::look(const ModuleLogPlace& from) const {
    ModuleLogNews news = services_.history.ask(
        [&](History& history) { return history.module_log_after(from_.task_id, from_.step, from); });
    if (news.file.empty()) return news;
    news.text = read_file(news.file, news.next.offset, piece_bytes);
    news.next.offset += news.text.size();
    return news;
}

/// The lines that the stream begins with; what follows is told from there on. On a reader's thread.
std::string ModuleLogStream::last_of_now() {
    std::string text;
    for (;;) {
        ModuleLogNews news = look(from_.place);
        if (news.is_anew) text.clear();
        from_.place = std::move(news.next);
        if (news.text.empty()) break;
        text += news.text;
        if (text.size() > 2 * tail_bytes) text.erase(0, text.size() - tail_bytes);
    }
    const std::size_t whole = complete_letters(text).size();
    from_.place.offset -= std::min<std::uint64_t>(from_.place.offset, text.size() - whole);
    text.resize(whole);
    if (text.size() > tail_bytes) text.erase(0, text.find('\n', text.size() - tail_bytes) + 1);
    return last_lines(text, from_.tail);
}

asio::awaitable<std::optional<std::string>> ModuleLogStream::next() {
    if (ended_) co_return std::nullopt;
    if (!std::exchange(begun_, true)) {
        told_at_ = services_.clock.now();
        std::string greeting = "retry: 2000\n\n";
        if (from_.place.run.empty()) {
            auto begin = [this] { return last_of_now(); };
            const std::string text = co_await run_blocking(services_.readers_pool, begin);
            if (!text.empty()) greeting += log_event(text, from_.place);
        }
        co_return greeting;
    }
    for (;;) {
        const bool goes_on = co_await live_.may_go_on();
        if (!goes_on) co_return std::nullopt;
        // Asked before the look, which so sees all that was said until then.
        const bool runs = services_.modules.may_say_more(from_.task_id, from_.step);
        auto ask = [this] { return look(from_.place); };
        ModuleLogNews news = co_await run_blocking(services_.readers_pool, ask);
        std::string told = news.is_anew ? "event: reset\ndata: {}\n\n" : "";
        // What is cut off here is read again with the next look.
        const std::string_view shown = complete_letters(news.text);
        news.next.offset -= std::min<std::uint64_t>(news.next.offset, news.text.size() - shown.size());
        from_.place = news.next;
        if (!shown.empty()) told += log_event(std::string(shown), from_.place);
        quiet_ = told.empty() ? quiet_ + 1 : 0;
        if (told.empty() && !runs && quiet_ > quiet_looks) {
            ended_ = true;
            told = "event: end\ndata: {}\n\n";
        }
        if (told.empty() && services_.clock.now() - told_at_ >= LiveStream::heartbeat) told = ": hb\n\n";
        if (!told.empty()) {
            told_at_ = services_.clock.now();
            co_return told;
        }
        co_await services_.clock.wait_for(look_interval);
    }
}

}  // namespace quicksilver::api
