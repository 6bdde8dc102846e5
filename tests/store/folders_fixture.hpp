#pragma once

#include "quicksilver/store/task_folders.hpp"

#include "support/failing_file_ops.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_folder.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace quicksilver::test {

/// Stage folders in a temporary folder.
struct FoldersFixture {
    TemporaryFolder root;
    ManualClock clock;
    FailingFileOps working_ops;  // nothing fails; nothing is really synced either

    FoldersFixture() {
        if (!folders().make_stages()) throw std::runtime_error("cannot make the stage folders");
    }

    FolderConfig config() const {
        FolderConfig config;
        config.data = root.path();
        config.incoming = root / "incoming";
        config.studies = root / "studies";
        config.processing = root / "processing";
        config.outgoing = root / "outgoing";
        config.success = root / "success";
        config.error = root / "error";
        config.discard = root / "discard";
        return config;
    }

    TaskFolders folders() { return TaskFolders(working_ops, clock, config()); }
    TaskFolders folders(FileOps& ops) { return TaskFolders(ops, clock, config()); }

    std::vector<std::filesystem::path> roots() const {
        return {root / "incoming", root / "studies", root / "processing", root / "outgoing",
                root / "success",  root / "error",   root / "discard"};
    }

    /// A folder with these files, name → content.
    std::filesystem::path make(const std::filesystem::path& folder, const std::map<std::string, std::string>& files) {
        std::filesystem::create_directories(folder);
        for (const auto& [name, content] : files) write_file(folder / name, content);
        return folder;
    }

    /// Name → content of the files in a folder.
    static std::map<std::string, std::string> content_of(const std::filesystem::path& folder) {
        std::map<std::string, std::string> content;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            if (entry.is_regular_file()) content[entry.path().filename().string()] = read_file(entry.path());
        }
        return content;
    }

    /// All names in all stages, "stage/name", hidden ones too.
    std::set<std::string> all_names() const {
        std::set<std::string> names;
        for (const auto& stage : roots()) {
            for (const auto& entry : std::filesystem::directory_iterator(stage)) {
                names.insert(stage.filename().string() + '/' + entry.path().filename().string());
            }
        }
        return names;
    }
};

}  // namespace quicksilver::test
