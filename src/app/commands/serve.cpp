#include "quicksilver/app/server.hpp"

#include "commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace quicksilver {

namespace {

bool same_file(int a, int b) {
    struct stat first {};
    struct stat second {};
    return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/// The line that a script can wait for, on whichever stream it reads.
void print_ready(const ServerOptions::Addresses& addresses) {
    const std::string line = fmt::format("ready dicom={} http={}\n", addresses.dicom, addresses.http);
    std::fputs(line.c_str(), stderr);
    if (!same_file(STDOUT_FILENO, STDERR_FILENO)) {
        std::fputs(line.c_str(), stdout);
        std::fflush(stdout);
    }
}

int serve(const ConfigOptions& config, const LogOptions& log, const std::string& web_folder) {
    auto resolved = resolve(config);
    if (!resolved) return fail(resolved.error().message);
    const auto recent_log = log.make_ring();
    ServerOptions options{std::move(resolved->sources),
                          resolved->create,
                          Log(recent_log, "quicksilver"),
                          print_ready,
                          recent_log,
                          web_folder};
    if (auto ran = run_server(std::move(options)); !ran) return fail(ran.error().message);
    return 0;
}

}  // namespace

void add_serve_command(CLI::App& app, int& status) {
    auto* command =
        app.add_subcommand("serve", "Run the server until SIGTERM or SIGINT; SIGHUP reloads its configuration");
    const auto config = std::make_shared<ConfigOptions>();
    const auto log = std::make_shared<LogOptions>();
    config->add_to(*command);
    log->add_to(*command);
    const auto web_folder = std::make_shared<std::string>();
    command
        ->add_option("--web", *web_folder,
                     "Serve the web interface from this folder, for those who develop it, instead of from the program")
        ->check(CLI::ExistingDirectory);
    command->callback([config, log, web_folder, &status] { status = serve(*config, *log, *web_folder); });
}

}  // namespace quicksilver
