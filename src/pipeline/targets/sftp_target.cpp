#include "quicksilver/core/unique_id.hpp"

#include "builtin_targets.hpp"
#include "file_filter.hpp"
#include "network_test.hpp"
#include "settings.hpp"
#include "sftp_session.hpp"

#include <fmt/format.h>

namespace quicksilver {

namespace {

constexpr const char* complete_marker = ".complete";

std::string sftp_hint(const Error& error) {
    const auto says = [&error](const char* text) { return error.message.find(text) != std::string::npos; };
    if (says("host key")) return "if the host got a new key on purpose, remove its line from the known_hosts file";
    if (says("log in")) {
        return "check `user`, and `password` or `private_key`, whose public half must be in the host's "
               "authorized_keys; "
               "some hosts refuse RSA keys of older clients, an ed25519 key works";
    }
    if (says("may not")) return "give the user the right to write there";
    if (error.code == Errc::timed_out) return "the host, or the network to it, is overloaded";
    return "";
}

/// A folder of another host, over SFTP. Each file is written under a temporary name and renamed, and `.complete` comes
/// last, so that a receiver never takes half of anything.
class SftpTarget final : public Target {
public:
    SftpTarget(SshSettings settings, FileFilter filter, dicom::TagReadOptions tag_options)
        : settings_(std::move(settings)), filter_(std::move(filter)), tag_options_(std::move(tag_options)) {}

    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        const auto files = files_to_hand_over(delivery.folder, filter_);
        if (!files) return files.error();
        SftpSession session(settings_, stop);
        const std::string folder = fmt::format("{}/{}", settings_.folder, delivery.task.id);
        Receipt receipt;
        for (const HandedFile& file : *files) {
            if (delivery.confirmed.contains(file.name)) continue;
            const auto bytes = put(session, file, fmt::format("{}/{}", folder, file.name));
            if (!bytes) return bytes.error();
            receipt.bytes += *bytes;
            if (!file.is_tags && file.source.extension() == ".dcm") ++receipt.instances;
            progress(file.name, 0);
        }
        if (auto done = session.put_text("", fmt::format("{}/{}", folder, complete_marker)); !done) return done.error();
        return receipt;
    }

    void test(TargetTest& test) override {
        test_connection(test, settings_.host, settings_.port);
        SftpSession session(settings_, test.stop());
        const auto log_in = [&]() -> Result<std::string> {
            if (auto listed = session.list("/"); !listed) return listed.error();
            return fmt::format("logged in as {}", settings_.user);
        };
        const auto find = [&]() -> Result<std::string> {
            if (auto listed = session.list(settings_.folder); !listed) return listed.error();
            return fmt::format("{} is there", settings_.folder);
        };
        const auto write = [&]() -> Result<std::string> {
            const std::string probe = fmt::format("{}/.quicksilver-test-{}", settings_.folder, make_task_id());
            if (auto written = session.put_text("test\n", probe); !written) return written.error();
            if (auto removed = session.remove(probe); !removed) return removed.error();
            return fmt::format("{} can be written to", settings_.folder);
        };
        test.step("auth", log_in, sftp_hint);
        if (!test.is_full()) return;
        test.step("folder", find,
                  "make the folder there, or check `folder`; one that does not begin with / is in the user's home");
        test.step("write", write, sftp_hint);
    }

private:
    Result<std::uint64_t> put(SftpSession& session, const HandedFile& file, const std::string& path) const {
        if (!file.is_tags) return session.put_file(file.source, path);
        const auto tags = tags_content(file, tag_options_);
        if (!tags) return std::uint64_t{0};
        if (auto done = session.put_text(*tags, path); !done) return done.error();
        return std::uint64_t{tags->size()};
    }

    const SshSettings settings_;
    const FileFilter filter_;
    const dicom::TagReadOptions tag_options_;
};

}  // namespace

Result<std::unique_ptr<Target>> make_sftp_target(const TargetConfig& target, const Config& config) {
    auto settings = read_ssh_settings(target, config);
    if (!settings) return settings.error();
    dicom::TagReadOptions tag_options;
    tag_options.additional_tags = config.dicom.additional_tags;
    return std::unique_ptr<Target>(std::make_unique<SftpTarget>(
        std::move(*settings), FileFilter(TargetSettings(target).text("file_filter")), std::move(tag_options)));
}

}  // namespace quicksilver
