#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/dicom/send_association.hpp"
#include "quicksilver/dicom/startup.hpp"

#include "commands.hpp"
#include "peer_address.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

struct SendOptions {
    std::vector<std::string> paths;
    std::string to;
    std::string called = "ANY-SCP";
    std::string calling = "QUICKSILVER";
    unsigned jobs = 1;
};

Result<dicom::Destination> destination_of(const SendOptions& options) {
    const auto address = parse_peer_address(options.to);
    if (!address) return address.error();
    dicom::Destination destination;
    destination.host = address->host;
    destination.port = address->port;
    destination.called_ae = options.called;
    destination.calling_ae = options.calling;
    return destination;
}

Result<std::vector<fs::path>> collect_files(const std::vector<std::string>& paths) {
    std::vector<fs::path> files;
    for (const std::string& path : paths) {
        std::error_code error;
        if (!fs::is_directory(path, error)) {
            if (!fs::exists(path, error)) return Error{Errc::not_found, fmt::format("there is no {}", path)};
            files.emplace_back(path);
            continue;
        }
        for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
            if (entry->is_regular_file()) files.push_back(entry->path());
        }
        if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", path, error.message())};
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// Counts what came of each file, from several threads, and shows it on a terminal.
class Tally {
public:
    explicit Tally(std::size_t total) : total_(total), began_(std::chrono::steady_clock::now()) {}

    void add(const dicom::StoreReply& reply, const fs::path& file) {
        const std::lock_guard lock(mutex_);
        ++done_;
        bytes_ += reply.bytes;
        if (reply.outcome == dicom::StoreOutcome::unsent) {
            note(file, reply.text);
            ++by_status_["not sent"];
        } else {
            ++by_status_[fmt::format("0x{:04X} {}", reply.status, describe(reply))];
            const bool stored =
                reply.outcome == dicom::StoreOutcome::stored || reply.outcome == dicom::StoreOutcome::warning;
            if (!stored) note(file, fmt::format("status 0x{:04X} {}", reply.status, reply.text));
        }
        show_progress();
    }
    void unreadable(const dicom::UnreadableFile& file) {
        const std::lock_guard lock(mutex_);
        ++done_;
        ++by_status_["not a DICOM file"];
        if (first_problem_.empty()) first_problem_ = file.reason;
    }
    void lost(const std::string& reason) {
        const std::lock_guard lock(mutex_);
        if (first_problem_.empty()) first_problem_ = reason;
        broken_ = true;
    }

    int summarise() const {
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        if (::isatty(STDERR_FILENO)) fmt::print(stderr, "\r\033[K");
        for (const auto& [status, count] : by_status_) fmt::print("{:>8}  {}\n", count, status);
        if (done_ < total_) fmt::print("{:>8}  not tried\n", total_ - done_);
        fmt::print("{} of {} files in {:.1f} s, {:.0f} a second, {:.1f} MB/s\n", done_, total_, seconds,
                   static_cast<double>(done_) / seconds, static_cast<double>(bytes_) / 1e6 / seconds);
        const bool all_stored = !broken_ && done_ == total_ && first_problem_.empty();
        return all_stored ? 0 : fail(first_problem_);
    }

private:
    static std::string describe(const dicom::StoreReply& reply) {
        switch (reply.outcome) {
            case dicom::StoreOutcome::stored:
                return "stored";
            case dicom::StoreOutcome::warning:
                return "stored with a warning";
            case dicom::StoreOutcome::refused:
                return "refused: out of resources";
            default:
                return "failed";
        }
    }
    void note(const fs::path& file, const std::string& reason) {
        if (first_problem_.empty()) first_problem_ = file.string() + ": " + reason;
    }
    void show_progress() {
        const auto now = std::chrono::steady_clock::now();
        if (!::isatty(STDERR_FILENO) || now - shown_ < std::chrono::milliseconds(100)) return;
        shown_ = now;
        constexpr std::size_t width = 40;
        const std::size_t filled = done_ * width / std::max<std::size_t>(1, total_);
        fmt::print(stderr, "\r[{:#<{}}{:.<{}}] {}/{} ", "", filled, "", width - filled, done_, total_);
        std::fflush(stderr);
    }

    const std::size_t total_;
    const std::chrono::steady_clock::time_point began_;
    std::mutex mutex_;  // guards the rest
    std::chrono::steady_clock::time_point shown_{};
    std::map<std::string, std::size_t> by_status_;
    std::size_t done_ = 0;
    std::uint64_t bytes_ = 0;
    std::string first_problem_;
    bool broken_ = false;
};

/// Several associations take the files of a group one by one.
void send_group(const dicom::Destination& destination, const dicom::SendGroup& group, unsigned jobs, Tally& tally) {
    const StopFlag stop{false};
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        auto association = dicom::SendAssociation::open(destination, group.contexts, stop);
        if (!association) return tally.lost(association.error().message);
        for (std::size_t i = next++; i < group.files.size(); i = next++) {
            const auto reply = (*association)->store(group.files[i]);
            if (!reply) return tally.lost(reply.error().message);
            tally.add(*reply, group.files[i]);
        }
        (*association)->release();
    };
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < std::min<std::size_t>(jobs, group.files.size()); ++i) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
}

int send(const SendOptions& options) {
    const auto destination = destination_of(options);
    if (!destination) return fail(destination.error().message);
    const auto files = collect_files(options.paths);
    if (!files) return fail(files.error().message);
    if (files->empty()) return fail("there are no files to send");
    const auto dicom = dicom::Startup::begin(Log(make_silent_log(), "send"));
    if (!dicom) return fail(dicom.error().message);

    Tally tally(files->size());
    const dicom::SendPlan plan = dicom::plan_sending(*files);
    for (const dicom::UnreadableFile& file : plan.unreadable) tally.unreadable(file);
    for (const dicom::SendGroup& group : plan.groups) send_group(*destination, group, options.jobs, tally);
    return tally.summarise();
}

/// Finds the address and opens a TCP connection, to tell these failures from those of DICOM.
Result<void> try_connection(const dicom::Destination& destination) {
    namespace asio = boost::asio;
    using asio::ip::tcp;
    asio::io_context context;
    boost::system::error_code error;
    tcp::resolver resolver(context);
    const auto addresses = resolver.resolve(destination.host, std::to_string(destination.port), error);
    if (error) {
        return Error{Errc::not_found, fmt::format("name: {} is not known ({}); check the spelling or use an IP address",
                                                  destination.host, error.message())};
    }
    tcp::socket socket(context);
    bool connected = false;
    asio::async_connect(socket, addresses, [&](const boost::system::error_code& failed, const tcp::endpoint&) {
        error = failed;
        connected = !failed;
    });
    context.run_for(std::chrono::seconds(10));
    if (connected) return {};
    return Error{
        Errc::network,
        fmt::format("connection: {}:{}: {}; is the server running, and does a firewall allow it?", destination.host,
                    destination.port, error ? error.message() : std::string("no answer within 10 s"))};
}

int echo(const SendOptions& options) {
    const auto destination = destination_of(options);
    if (!destination) return fail(destination.error().message);
    const auto dicom = dicom::Startup::begin(Log(make_silent_log(), "echo"));
    if (!dicom) return fail(dicom.error().message);
    if (auto connected = try_connection(*destination); !connected) return fail(connected.error().message);
    const auto began = std::chrono::steady_clock::now();
    const StopFlag stop{false};
    auto association = dicom::SendAssociation::open(*destination, {}, stop);
    if (!association) return fail("association: " + association.error().message);
    if (auto echoed = (*association)->echo(); !echoed) return fail("C-ECHO: " + echoed.error().message);
    (*association)->release();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    fmt::print("{} at {}:{} answers C-ECHO in {:.0f} ms\n", destination->called_ae, destination->host,
               destination->port, took.count());
    return 0;
}

void add_peer_options(CLI::App& command, SendOptions& options) {
    command.add_option("--called", options.called, "Called AE title: the peer's (default: ANY-SCP)");
    command.add_option("--calling", options.calling, "Calling AE title: ours (default: QUICKSILVER)");
}

}  // namespace

void add_send_command(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("send", "Send DICOM files and folders by C-STORE");
    const auto options = std::make_shared<SendOptions>();
    command->add_option("PATH", options->paths, "Files and folders")->required();
    command->add_option("--to", options->to, "HOST:PORT of the receiver")->required();
    add_peer_options(*command, *options);
    command->add_option("--jobs", options->jobs, "Associations at the same time")->check(CLI::Range(1, 64));
    command->callback([options, &status] { status = send(*options); });
}

void add_echo_command(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("echo", "Ask a DICOM peer whether it is there (C-ECHO)");
    const auto options = std::make_shared<SendOptions>();
    command->add_option("PEER", options->to, "HOST:PORT")->required();
    add_peer_options(*command, *options);
    command->callback([options, &status] { status = echo(*options); });
}

}  // namespace quicksilver
