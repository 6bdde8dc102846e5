#include "quicksilver/store/sent_log.hpp"

#include "quicksilver/store/durable_file.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <unistd.h>
#include <utility>

namespace quicksilver {

namespace {

constexpr std::size_t log_bytes_max = 1UL << 30;

/// Whether the last line of the file was cut off by a crash.
bool is_torn(const OpenFile& file) {
    const off_t end = ::lseek(file.descriptor(), 0, SEEK_END);
    char last = '\n';
    return end > 0 && ::pread(file.descriptor(), &last, 1, end - 1) == 1 && last != '\n';
}

std::optional<SentRecord> parse_line(std::string_view line) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object()) return std::nullopt;
    try {
        return SentRecord{object.at("target").get<std::string>(), object.at("file").get<std::string>(),
                          object.at("status").get<std::uint16_t>(), object.at("time").get<std::string>(),
                          object.value("withdrawn", false)};
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

}  // namespace

Result<SentLog> SentLog::open(FileOps& ops, const std::filesystem::path& folder, unsigned sync_every) {
    auto file = ops.open_append(folder / file_name);
    if (!file) return std::move(file).error();
    const bool torn = is_torn(*file);
    return SentLog(ops, folder, std::move(*file), sync_every, torn);
}

Result<void> SentLog::append(const SentRecord& record) {
    nlohmann::ordered_json line = {
        {"target", record.target}, {"file", record.file}, {"status", record.status}, {"time", record.time}};
    if (record.withdrawn) line["withdrawn"] = true;
    std::string text = line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + '\n';
    if (torn_) text.insert(text.begin(), '\n');
    torn_ = true;
    if (auto written = ops_->write(file_, text); !written) return written;
    torn_ = false;
    if (++unsynced_ < sync_every_) return {};
    return sync();
}

Result<void> SentLog::finish() {
    return unsynced_ == 0 ? Result<void>() : sync();
}

Result<void> SentLog::sync() {
    unsynced_ = 0;
    if (auto synced = ops_->sync_data(file_); !synced || named_) return synced;
    named_ = true;
    return ops_->sync_folder(folder_);
}

Result<std::vector<SentRecord>> read_sent_log(const std::filesystem::path& folder) {
    const auto text = read_text_file(folder / SentLog::file_name, log_bytes_max);
    if (!text) {
        if (text.error().code == Errc::not_found) return std::vector<SentRecord>();
        return text.error();
    }
    std::vector<SentRecord> records;
    std::string_view rest = *text;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos) break;
        if (auto record = parse_line(rest.substr(0, end))) records.push_back(std::move(*record));
        rest.remove_prefix(end + 1);
    }
    return records;
}

Result<std::set<std::string>> confirmed_files(const std::filesystem::path& folder, std::string_view target) {
    auto records = read_sent_log(folder);
    if (!records) return std::move(records).error();
    std::set<std::string> files;
    for (SentRecord& record : *records) {
        if (record.target != target) continue;
        if (record.withdrawn) files.erase(record.file);
        if (!record.withdrawn) files.insert(std::move(record.file));
    }
    return files;
}

}  // namespace quicksilver
