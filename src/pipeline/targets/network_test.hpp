#pragma once

#include "quicksilver/pipeline/targets/target_test.hpp"

#include <cstdint>
#include <string>

namespace quicksilver {

/// A connected blocking TCP socket that closes itself.
class TestSocket {
public:
    TestSocket() = default;
    explicit TestSocket(int descriptor) : descriptor_(descriptor) {}
    TestSocket(TestSocket&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
    TestSocket& operator=(TestSocket&& other) noexcept;
    ~TestSocket();

    int descriptor() const { return descriptor_; }

private:
    int descriptor_ = -1;
};

/// The steps `dns` and `tcp`: finds the address of a host and connects to it. The socket is connected when both are ok.
TestSocket test_connection(TargetTest& test, const std::string& host, std::uint16_t port);

}  // namespace quicksilver
