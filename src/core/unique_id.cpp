#include "quicksilver/core/unique_id.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <random>

namespace quicksilver {

namespace {

/// Clock sequence and node of this process: random, with the multicast bit that RFC 4122 §4.5 asks for.
struct Node {
    std::uint64_t node;
    std::uint16_t sequence;
};

Node make_node() {
    std::random_device random;
    const std::uint64_t bits = (static_cast<std::uint64_t>(random()) << 32) | random();
    return Node{(bits & 0xffffffffffffULL) | 0x010000000000ULL, static_cast<std::uint16_t>(random() & 0x3fff)};
}

/// 100 ns ticks since 1582-10-15, never the same twice.
std::uint64_t next_tick() {
    static std::mutex mutex;
    static std::uint64_t last = 0;
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    const auto now =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count() / 100) +
        0x01b21dd213814000ULL;
    const std::lock_guard lock(mutex);
    last = now > last ? now : last + 1;
    return last;
}

}  // namespace

std::string make_task_id() {
    static const Node node = make_node();
    const std::uint64_t tick = next_tick();
    return fmt::format("{:08x}-{:04x}-1{:03x}-{:04x}-{:012x}", tick & 0xffffffffULL, (tick >> 32) & 0xffffULL,
                       (tick >> 48) & 0xfffULL, node.sequence | 0x8000U, node.node);
}

}  // namespace quicksilver
