// What receiving cannot do without: the durable write sequence of IncomingStore and nothing else, from memory.
//     bare_durable_write FOLDER THREADS FILES BYTES
// Each thread fills a folder of its own, as a client that sends one series does. Prints the seconds it took.

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

bool write_durably(const std::string& name, const std::string& content) {
    const std::string part = name + ".part";
    const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0664);
    if (file < 0) return false;
    const bool written = ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size());
    const bool renamed = written && ::rename(part.c_str(), name.c_str()) == 0;
    // On ext4, xfs and btrfs this makes the rename before it durable too.
    const bool synced = renamed && ::fsync(file) == 0;
    return ::close(file) == 0 && synced;
}

}  // namespace

int main(int argc, char* argv[]) {
    if (argc != 5) {
        fmt::print(stderr, "usage: bare_durable_write FOLDER THREADS FILES BYTES\n");
        return 2;
    }
    const std::filesystem::path folder = argv[1];
    const unsigned long threads = std::strtoul(argv[2], nullptr, 10);
    const unsigned long files = std::strtoul(argv[3], nullptr, 10);
    const std::string content(std::strtoul(argv[4], nullptr, 10), 'x');

    std::atomic<bool> failed = false;
    const auto began = std::chrono::steady_clock::now();
    std::vector<std::thread> writers;
    for (unsigned long t = 0; t < threads; ++t) {
        writers.emplace_back([&, t] {
            const std::filesystem::path series = folder / fmt::format("series{}", t);
            std::filesystem::create_directories(series);
            for (unsigned long i = t; i < files && !failed; i += threads) {
                if (!write_durably(series / fmt::format("{}.dcm", i), content)) failed = true;
            }
        });
    }
    for (std::thread& writer : writers) writer.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    if (failed) {
        std::perror("bare_durable_write");
        return 1;
    }
    fmt::print("{:.6f}\n", took.count());
    return 0;
}
