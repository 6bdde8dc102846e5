// Sends files by C-STORE with as little work of its own as possible, so that the receiver is what is measured:
//     store_load [--rate N] HOST PORT CLIENTS FOLDER…
// Speaks the upper layer protocol itself (PS3.8 §9.3): one send an instance, nothing is parsed beyond the file meta
// information. The files, sorted by path, are dealt out to the clients in equal runs. With a rate, all clients together
// send that many instances a second, or fewer. Prints the seconds between the moment when every association stands and
// the last response.

#include "upper_layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fs = std::filesystem;
using quicksilver::bench::Association;
using quicksilver::bench::Instance;

namespace {

std::vector<Instance> read_instances(int count, char* folders[]) {
    std::vector<fs::path> files;
    for (int i = 0; i < count; ++i) {
        for (const auto& entry : fs::recursive_directory_iterator(folders[i])) {
            if (entry.is_regular_file()) files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<Instance> instances;
    for (const fs::path& file : files) {
        auto meta = quicksilver::dicom::read_file_meta(file);
        if (!meta) throw std::runtime_error(meta.error().message);
        instances.push_back({file, std::move(*meta)});
    }
    if (instances.empty()) throw std::runtime_error("there are no files to send");
    return instances;
}

/// The first failure of any client.
class Failure {
public:
    void set(const std::string& reason) {
        const std::lock_guard lock(mutex_);
        if (reason_.empty()) reason_ = reason;
    }
    const std::string& reason() const { return reason_; }

private:
    std::mutex mutex_;
    std::string reason_;
};

/// Waits before an instance so that the client's share of the rate is not exceeded.
class Pace {
public:
    /// `rate` = instances a second; 0 = as fast as it goes.
    explicit Pace(double rate) : interval_(rate > 0 ? 1 / rate : 0) {}

    void begin() { next_ = std::chrono::steady_clock::now(); }
    void wait() {
        std::this_thread::sleep_until(next_);
        next_ += std::chrono::duration_cast<std::chrono::steady_clock::duration>(interval_);
    }

private:
    std::chrono::duration<double> interval_;
    std::chrono::steady_clock::time_point next_;
};

/// Where to, and how fast.
struct Load {
    const char* host;
    std::uint16_t port;
    std::size_t clients;
    double rate;
};

double send_all(const std::vector<Instance>& instances, const Load& load) {
    const std::size_t clients = load.clients;
    std::barrier ready(static_cast<std::ptrdiff_t>(clients + 1));
    std::barrier done(static_cast<std::ptrdiff_t>(clients + 1));
    Failure failure;
    const auto send = [&](std::size_t client) {
        std::unique_ptr<Association> association;
        Pace pace(load.rate / static_cast<double>(clients));
        try {
            association = std::make_unique<Association>(load.host, load.port, instances.front().meta);
        } catch (const std::exception& e) {
            failure.set(e.what());
        }
        ready.arrive_and_wait();
        pace.begin();
        try {
            const std::size_t end = instances.size() * (client + 1) / clients;
            for (std::size_t i = instances.size() * client / clients; association && i < end; ++i) {
                pace.wait();
                association->store(instances[i]);
            }
        } catch (const std::exception& e) {
            failure.set(e.what());
        }
        done.arrive_and_wait();
        if (association) association->release();
    };
    std::vector<std::thread> threads;
    for (std::size_t client = 0; client < clients; ++client) threads.emplace_back(send, client);
    ready.arrive_and_wait();
    const auto began = std::chrono::steady_clock::now();
    done.arrive_and_wait();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    for (std::thread& thread : threads) thread.join();
    if (!failure.reason().empty()) throw std::runtime_error(failure.reason());
    return took.count();
}

}  // namespace

int main(int argc, char* argv[]) {
    const bool has_rate = argc > 2 && std::string_view(argv[1]) == "--rate";
    char** const words = argv + (has_rate ? 3 : 1);
    const int count = argc - (has_rate ? 3 : 1);
    if (count < 4) {
        fmt::print(stderr, "usage: store_load [--rate N] HOST PORT CLIENTS FOLDER…\n");
        return 2;
    }
    try {
        const auto instances = read_instances(count - 3, words + 3);
        const Load load{words[0], static_cast<std::uint16_t>(std::strtoul(words[1], nullptr, 10)),
                        std::max(1UL, std::strtoul(words[2], nullptr, 10)),
                        has_rate ? std::strtod(argv[2], nullptr) : 0};
        fmt::print("{:.6f}\n", send_all(instances, load));
        return 0;
    } catch (const std::exception& e) {
        fmt::print(stderr, "store_load: {}\n", e.what());
        return 1;
    }
}
