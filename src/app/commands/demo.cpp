#include "quicksilver/app/server.hpp"
#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/dicom/phantom.hpp"
#include "quicksilver/dicom/send_association.hpp"

#include "commands.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr auto delivery_limit = std::chrono::seconds(60);

struct DemoFolders {
    fs::path data;
    fs::path config() const { return data / "config" / "quicksilver.json"; }
    fs::path delivered() const { return data / "delivered"; }
    fs::path setup_code() const { return data / "run" / "setup-code"; }
    fs::path phantoms() const { return data / "phantoms"; }
};

void say(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
}

std::string demo_config(const DemoFolders& folders) {
    nlohmann::ordered_json config;
    config["appliance_name"] = "demonstration";
    config["accept_compressed_images"] = true;
    config["series_complete_trigger"] = 1;
    config["targets"]["archive"] = {{"target_type", "folder"}, {"folder", folders.delivered().string()}};
    config["rules"]["ct-and-mr"] = {{"rule", "tags.Modality == 'CT' or tags.Modality == 'MR'"},
                                    {"target", nlohmann::json::array({"archive"})},
                                    {"comment", "Every CT and MR series goes to the folder target"}};
    return config_text(config);
}

bool is_free(const char* address, std::uint16_t port) {
    namespace asio = boost::asio;
    using asio::ip::tcp;
    asio::io_context context;
    boost::system::error_code error;
    tcp::acceptor acceptor(context);
    acceptor.open(tcp::v4(), error);
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    acceptor.bind(tcp::endpoint(asio::ip::make_address(address), port), error);
    return !error;
}

/// The usual ports, or free ones where somebody has them.
std::vector<std::string> port_settings() {
    std::vector<std::string> settings;
    if (!is_free("0.0.0.0", 11112)) settings.emplace_back("port=0");
    if (!is_free("127.0.0.1", 8000)) settings.emplace_back("http.port=0");
    return settings;
}

/// Walks through the demonstration beside the running server, on a thread of its own.
class Guide {
public:
    Guide(const DemoFolders& folders, ServerOptions::Addresses addresses, const StopFlag& stop)
        : folders_(folders), addresses_(std::move(addresses)), stop_(stop) {}

    void walk() {
        say("");
        say(fmt::format("Quicksilver {} is running: DICOM on {}, dashboard at {}", program_version(), addresses_.dicom,
                        addresses_.http));
        say("  rule    ct-and-mr: tags.Modality == 'CT' or tags.Modality == 'MR'");
        say(fmt::format("  target  archive: the folder {}", folders_.delivered().string()));
        const bool arrived = show(dicom::PhantomModality::ct, "CT", 24) && show(dicom::PhantomModality::mr, "MR", 16);
        if (stop_) return;
        say("");
        if (arrived) say(fmt::format("Your series arrived in {}", folders_.delivered().string()));
        say(fmt::format("The server stays up. See it work: {}", addresses_.http));
        // Nobody has an account yet; the page asks for this once.
        std::string code;
        if (std::getline(std::ifstream(folders_.setup_code()), code))
            say("To sign in, the page asks for the code " + code);
        say(fmt::format("Send your own images:  quicksilver send FOLDER --to 127.0.0.1:{}", addresses_.dicom_port));
        say("Ctrl+C stops it.");
    }

private:
    bool show(dicom::PhantomModality modality, const char* name, unsigned instances) {
        dicom::PhantomOptions options;
        options.modality = modality;
        options.instances = instances;
        options.rows = options.columns = 256;
        options.series_description = std::string("Demonstration ") + name;
        // Another series at each run, so that nothing counts as a repetition.
        options.seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
        const auto files = dicom::write_phantom_series(options, folders_.phantoms() / name);
        if (!files) return complain(files.error().message);
        say("");
        say(fmt::format("{}  1. made a series of {} images (a drawn phantom, nobody's head)", name, instances));

        const auto began = std::chrono::steady_clock::now();
        const auto sent = send(*files);
        if (!sent) return complain(sent.error().message);
        say(fmt::format("{}  2. sent it over DICOM in {:.0f} ms; each image was on disk before it was acknowledged",
                        name, milliseconds_since(began)));
        say(fmt::format("{}  3. waiting until the series has been quiet for a second …", name));
        const auto delivered = wait_for(files->front().stem().string());
        if (!delivered) return stop_ ? false : complain("the series did not arrive; the log above says why");
        say(fmt::format("{}  4. rule ct-and-mr sent it to archive: {} after {:.1f} s", name, delivered->string(),
                        milliseconds_since(began) / 1000));
        std::error_code ignored;
        fs::remove_all(folders_.phantoms(), ignored);
        return true;
    }

    Result<void> send(const std::vector<fs::path>& files) const {
        dicom::Destination destination;
        destination.host = "127.0.0.1";
        destination.port = addresses_.dicom_port;
        destination.calling_ae = "DEMO";
        for (const dicom::SendGroup& group : dicom::plan_sending(files).groups) {
            auto association = dicom::SendAssociation::open(destination, group.contexts, stop_);
            if (!association) return association.error();
            for (const fs::path& file : group.files) {
                const auto reply = (*association)->store(file);
                if (!reply) return reply.error();
                if (reply->outcome != dicom::StoreOutcome::stored) return Error{Errc::refused, reply->text};
            }
            (*association)->release();
        }
        return {};
    }

    /// The delivered folder that holds an instance of this UID.
    std::optional<fs::path> wait_for(const std::string& sop_instance_uid) const {
        const std::string suffix = "#" + sop_instance_uid + ".dcm";
        const auto deadline = std::chrono::steady_clock::now() + delivery_limit;
        while (!stop_ && std::chrono::steady_clock::now() < deadline) {
            std::error_code ignored;
            for (const auto& folder : fs::directory_iterator(folders_.delivered(), ignored)) {
                for (const auto& file : fs::directory_iterator(folder.path(), ignored)) {
                    const bool being_made = folder.path().filename().native().front() == '.';
                    if (!being_made && file.path().filename().native().ends_with(suffix)) return folder.path();
                }
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return std::nullopt;
    }

    static double milliseconds_since(std::chrono::steady_clock::time_point began) {
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
    }
    static bool complain(const std::string& reason) {
        fail(reason);
        return false;
    }

    const DemoFolders folders_;
    const ServerOptions::Addresses addresses_;
    const StopFlag& stop_;
};

int demo(const fs::path& data, const LogOptions& log) {
    auto found = find_data_folder(data, process_environment(), false);
    if (!found) return fail(found.error().message);
    // Without --data the demonstration leaves the real data folder alone.
    const DemoFolders folders{data.empty() ? *found / "demo" : *found};
    std::error_code error;
    fs::create_directories(folders.delivered(), error);
    if (!error) fs::create_directories(folders.config().parent_path(), error);
    if (error) return fail(fmt::format("cannot make {}: {}", folders.delivered().string(), error.message()));
    if (auto written = write_config_file(folders.config(), demo_config(folders)); !written) {
        return fail(written.error().message);
    }

    StopFlag stop{false};
    std::thread guide;
    ServerOptions options{{folders.config(), folders.data, {}, port_settings()}, false, log.make_log(), {}, {}};
    options.on_ready = [&](const ServerOptions::Addresses& addresses) {
        guide = std::thread([&folders, &stop, addresses] { Guide(folders, addresses, stop).walk(); });
    };
    const auto ran = run_server(std::move(options));
    stop = true;
    if (guide.joinable()) guide.join();
    return ran ? 0 : fail(ran.error().message);
}

}  // namespace

void add_demo_command(CLI::App& app, int& status) {
    auto* command = app.add_subcommand(
        "demo", "A guided demonstration: a server with a rule and a folder target, and two series that are sent to it");
    const auto data = std::make_shared<fs::path>();
    const auto log = std::make_shared<LogOptions>();
    log->level = "warn";
    command->add_option("--data", *data, "Data folder (default: ~/.local/share/quicksilver/demo)");
    log->add_to(*command);
    command->callback([data, log, &status] { status = demo(*data, *log); });
}

}  // namespace quicksilver
