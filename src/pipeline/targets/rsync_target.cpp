#include "quicksilver/core/peer_text.hpp"
#include "quicksilver/core/unique_id.hpp"

#include "builtin_targets.hpp"
#include "file_filter.hpp"
#include "network_test.hpp"
#include "run_program.hpp"
#include "settings.hpp"
#include "ssh_settings.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace quicksilver {

namespace {

namespace fs = std::filesystem;

constexpr const char* complete_marker = ".complete";
constexpr const char* complete_script = "mercure_complete.sh";
/// A script may work for hours without a word; ssh notices when the host is gone.
constexpr std::chrono::seconds never_silent_too_long{0};

/// A folder of this machine that goes with all in it.
class ScratchFolder {
public:
    static Result<ScratchFolder> make() {
        std::error_code error;
        std::string name = (fs::temp_directory_path(error) / "quicksilver-XXXXXX").string();
        if (error || ::mkdtemp(name.data()) == nullptr) {
            return Error{Errc::io, fmt::format("cannot make a temporary folder {}", name)};
        }
        return ScratchFolder(name);
    }
    ScratchFolder(ScratchFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    ScratchFolder& operator=(ScratchFolder&&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    const fs::path& path() const { return path_; }

private:
    explicit ScratchFolder(fs::path path) : path_(std::move(path)) {}
    fs::path path_;
};

bool write_file(const fs::path& path, const std::string& content) {
    std::ofstream file(path, std::ios::binary);
    file << content;
    return file.good();
}

/// For a shell on the other side, where single quotes hide everything but themselves.
std::string shell_word(const std::string& text) {
    std::string word = "'";
    for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

/// The line that gives the reason: the last of ssh or of the program there, else the first of rsync, whose later ones
/// only say that it ends.
std::string reason_in(const std::string& output) {
    std::string of_rsync, of_others;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
        if (line.empty() || line.starts_with("Warning: Permanently added")) continue;
        if (!line.starts_with("rsync")) of_others = line;
        if (line.starts_with("rsync") && of_rsync.empty()) of_rsync = line;
    }
    if (!of_others.empty()) return peer_text(of_others);
    return of_rsync.empty() ? "no reason given" : of_rsync;
}

std::string ssh_hint(const Error& error) {
    const auto says = [&error](const char* text) { return error.message.find(text) != std::string::npos; };
    if (error.code == Errc::not_found) return "install the packages rsync and openssh-client on this machine";
    if (says("Host key verification failed")) {
        return "if the host got a new key on purpose, remove its line from the known_hosts file; a host that was never "
               "seen is refused when trust_on_first_use is off";
    }
    if (says("Permission denied")) {
        return "check `user`, and `password` or `private_key`, whose public half must be in the host's "
               "authorized_keys, and the rights on the folder";
    }
    if (says("No such file")) return "make the folder there, or check `folder`";
    if (says("not found")) return "install rsync on that host, too";
    return "";
}

/// A folder of another host, by the rsync program over ssh: what arrived in part goes on where it stopped.
class RsyncTarget final : public Target {
public:
    RsyncTarget(SshSettings settings, std::string filter, bool run_on_complete, dicom::TagReadOptions tag_options)
        : settings_(std::move(settings)),
          filter_(filter),
          run_on_complete_(run_on_complete),
          tag_options_(std::move(tag_options)) {}

    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        const auto scratch = ScratchFolder::make();
        if (!scratch) return scratch.error();
        const auto files = files_to_hand_over(delivery.folder, filter_);
        if (!files) return files.error();
        if (auto gathered = gather(*files, scratch->path() / "files"); !gathered) return gathered.error();

        const std::string folder = fmt::format("{}/{}", settings_.folder, delivery.task.id);
        if (auto copied = copy(*scratch, folder, stop); !copied) return copied.error();
        const std::string marker = shell_word(fmt::format("{}/{}", folder, complete_marker));
        if (auto marked = ssh(*scratch, "touch -- " + marker, "mark the task as complete", stop); !marked)
            return marked.error();
        if (run_on_complete_) {
            if (auto ran = run_script(*scratch, folder, stop); !ran) return ran.error();
        }
        return confirm(delivery, *files, progress);
    }

    void test(TargetTest& test) override {
        test_connection(test, settings_.host, settings_.port);
        auto scratch = ScratchFolder::make();
        const auto command = [&](const std::string& words, const char* doing, std::string found) {
            return [&, words, doing, found]() -> Result<std::string> {
                if (!scratch) return scratch.error();
                if (auto done = ssh(*scratch, words, doing, test.stop()); !done) return done.error();
                return found;
            };
        };
        const std::string folder = shell_word(settings_.folder);
        test.step("auth", command("true", "log in", fmt::format("logged in as {}", settings_.user)), ssh_hint);
        if (!test.is_full()) return;
        test.step("rsync", command("rsync --version", "run rsync", "rsync is there"), ssh_hint);
        test.step("folder", command("cd -- " + folder, "find the folder", fmt::format("{} is there", settings_.folder)),
                  ssh_hint);
        const std::string probe = shell_word(fmt::format("{}/.quicksilver-test-{}", settings_.folder, make_task_id()));
        test.step("write",
                  command(fmt::format("touch -- {0} && rm -- {0}", probe), "write to the folder", "can be written to"),
                  ssh_hint);
        if (!run_on_complete_) return;
        const std::string script = shell_word(fmt::format("{}/{}", settings_.folder, complete_script));
        test.step("script", command("test -x " + script, "find mercure_complete.sh", "mercure_complete.sh is there"),
                  "put an executable mercure_complete.sh into the folder, or turn run_on_complete off");
    }

private:
    /// A folder of links to exactly what is to arrive.
    Result<void> gather(const std::vector<HandedFile>& files, const fs::path& to) const {
        std::error_code error;
        fs::create_directory(to, error);
        for (const HandedFile& file : files) {
            if (error) break;
            fs::create_directories((to / file.name).parent_path(), error);
            if (!error && !file.is_tags) {
                fs::create_symlink(file.source, to / file.name, error);
                continue;
            }
            const auto tags = tags_content(file, tag_options_);
            if (tags && !write_file(to / file.name, *tags)) error = std::make_error_code(std::errc::io_error);
        }
        if (!error) return {};
        return Error{Errc::io, fmt::format("cannot make {}: {}", to.string(), error.message())};
    }

    Result<void> copy(const ScratchFolder& scratch, const std::string& folder, const StopFlag& stop) const {
        std::string shell;
        for (const std::string& word : ssh_words()) shell += (shell.empty() ? "" : " ") + shell_word(word);
        const bool is_v6 = settings_.host.find(':') != std::string::npos;
        ProgramCall call;
        // -L: the links are ours, the files are meant. -s: the path is no command line on the other side. It says
        // nothing while it copies, so it watches the time itself.
        call.words = {
            "rsync",
            "-rtLsz",
            "--partial",
            "--timeout=120",
            "--chmod=D770,F660",
            "-e",
            shell,
            "--",
            (scratch.path() / "files").string() + "/",
            fmt::format("{}@{}:{}/", settings_.user, is_v6 ? "[" + settings_.host + "]" : settings_.host, folder)};
        call.silence = never_silent_too_long;
        return run(call, scratch, "copy the files", stop);
    }

    /// mercure calls it with the folder and the literal word "rsync"; its manual promises the name of the target.
    Result<void> run_script(const ScratchFolder& scratch, const std::string& folder, const StopFlag& stop) const {
        const std::string script = shell_word(fmt::format("{}/{}", settings_.folder, complete_script));
        return ssh(scratch, fmt::format("{} {} {}", script, shell_word(folder), shell_word(settings_.target)),
                   "run mercure_complete.sh", stop, never_silent_too_long);
    }

    Result<void> ssh(const ScratchFolder& scratch, const std::string& command, const char* doing, const StopFlag& stop,
                     std::chrono::seconds silence = ProgramCall().silence) const {
        ProgramCall call;
        call.silence = silence;
        call.words = ssh_words();
        call.words.insert(call.words.end(), {"-l", settings_.user, "--", settings_.host, command});
        return run(call, scratch, doing, stop);
    }

    std::vector<std::string> ssh_words() const {
        const bool has_password = !settings_.password.empty();
        std::vector<std::string> words = {
            "ssh",
            "-F",
            "none",
            "-p",
            std::to_string(settings_.port),
            "-o",
            "ConnectTimeout=10",
            "-o",
            "ServerAliveInterval=15",
            "-o",
            fmt::format("UserKnownHostsFile=\"{}\"", settings_.known_hosts.string()),
            "-o",
            fmt::format("StrictHostKeyChecking={}", settings_.trust_on_first_use ? "accept-new" : "yes"),
            "-o",
            fmt::format("BatchMode={}", has_password ? "no" : "yes"),
            "-o",
            "NumberOfPasswordPrompts=1"};
        if (!settings_.private_key.empty()) words.insert(words.end(), {"-i", settings_.private_key.string()});
        return words;
    }

    Result<void> run(ProgramCall& call, const ScratchFolder& scratch, const char* doing, const StopFlag& stop) const {
        if (!settings_.password.empty()) {
            // ssh asks a program for the password, and gets it from its environment: never on a command line, where
            // every user of this machine could read it.
            const fs::path ask = scratch.path() / "ask";
            if (!write_file(ask, "#!/bin/sh\nprintf '%s\\n' \"$QUICKSILVER_SSH_PASSWORD\"\n") ||
                ::chmod(ask.c_str(), 0700) != 0) {
                return Error{Errc::io, fmt::format("cannot make {}", ask.string())};
            }
            call.environment = {{"SSH_ASKPASS", ask.string()},
                                {"SSH_ASKPASS_REQUIRE", "force"},
                                {"DISPLAY", ":"},
                                {"QUICKSILVER_SSH_PASSWORD", settings_.password}};
        }
        const auto done = run_program(call, stop);
        const auto failed = [&](Errc code, const std::string& reason) {
            return Error{
                code, fmt::format("target {}: cannot {} on {}: {}", settings_.target, doing, settings_.host, reason)};
        };
        if (!done) return failed(done.error().code, done.error().message);
        if (done->status == 0) return {};
        constexpr int ssh_failed = 255;  // of ssh itself, also when rsync runs it
        constexpr int rsync_time_out = 30;
        const std::string reason = reason_in(done->output);
        const bool unreachable = done->status == ssh_failed && reason.find("denied") == std::string::npos &&
                                 reason.find("verification failed") == std::string::npos;
        if (done->status == rsync_time_out) return failed(Errc::timed_out, reason);
        return failed(unreachable ? Errc::network : Errc::refused, reason);
    }

    static Receipt confirm(const Delivery& delivery, const std::vector<HandedFile>& files, const Progress& progress) {
        Receipt receipt;
        for (const HandedFile& file : files) {
            if (file.is_tags) continue;
            std::error_code ignored;
            const auto size = fs::file_size(file.source, ignored);
            if (!ignored) receipt.bytes += size;
            if (file.source.extension() == ".dcm") ++receipt.instances;
            if (!delivery.confirmed.contains(file.name)) progress(file.name, 0);
        }
        return receipt;
    }

    const SshSettings settings_;
    const FileFilter filter_;
    const bool run_on_complete_;
    const dicom::TagReadOptions tag_options_;
};

}  // namespace

Result<std::unique_ptr<Target>> make_rsync_target(const TargetConfig& target, const Config& config) {
    auto settings = read_ssh_settings(target, config);
    if (!settings) return settings.error();
    const TargetSettings values(target);
    dicom::TagReadOptions tag_options;
    tag_options.additional_tags = config.dicom.additional_tags;
    return std::unique_ptr<Target>(std::make_unique<RsyncTarget>(
        std::move(*settings), values.text("file_filter"), values.flag("run_on_complete"), std::move(tag_options)));
}

}  // namespace quicksilver
