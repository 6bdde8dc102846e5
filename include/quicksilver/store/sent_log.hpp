#pragma once

#include "quicksilver/store/file_ops.hpp"

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// One instance that a target confirmed.
struct SentRecord {
    std::string target;
    std::string file;          ///< name in the task's folder
    std::uint16_t status = 0;  ///< DIMSE status, or 0 where there is none
    std::string time;          ///< RFC 3339
    bool withdrawn = false;    ///< the target has it no longer, or does not commit to keep it: `status` says why
};

/// `sent.log` in a task's folder: what targets confirmed, one JSON object a line, so that a retry sends only the rest.
/// Each line is written at once, so it survives a crash of the program; a power cut may cost the last `sync_every`
/// lines, and these instances are sent again. One thread at a time.
class SentLog {
public:
    static constexpr std::string_view file_name = "sent.log";

    /// Opens it for appending, made when absent.
    static Result<SentLog> open(FileOps& ops, const std::filesystem::path& folder, unsigned sync_every = 64);

    Result<void> append(const SentRecord& record);
    /// Makes all lines durable. Call it at the end unless something else tells that all was sent; the destructor only
    /// closes.
    Result<void> finish();

private:
    SentLog(FileOps& ops, std::filesystem::path folder, OpenFile file, unsigned sync_every, bool torn)
        : ops_(&ops), folder_(std::move(folder)), file_(std::move(file)), sync_every_(sync_every), torn_(torn) {}
    Result<void> sync();

    FileOps* ops_;
    std::filesystem::path folder_;
    OpenFile file_;
    bool named_ = false;  // its name is durable
    unsigned sync_every_;
    unsigned unsynced_ = 0;
    bool torn_;  // the file ends within a line, to which the next one must not be glued
};

/// All whole lines; a torn one is skipped. Empty when there is no log.
Result<std::vector<SentRecord>> read_sent_log(const std::filesystem::path& folder);

/// The file names that this target confirmed and did not withdraw.
Result<std::set<std::string>> confirmed_files(const std::filesystem::path& folder, std::string_view target);

}  // namespace quicksilver
