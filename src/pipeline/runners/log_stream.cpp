#include "log_stream.hpp"

#include <algorithm>

namespace quicksilver {

namespace {
constexpr std::size_t header_size = 8;
}

bool LogStream::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (payload_left_ == 0) {
            const std::size_t missing = std::min(header_size - header_.size(), bytes.size());
            header_ += bytes.substr(0, missing);
            bytes.remove_prefix(missing);
            if (header_.size() < header_size) return true;
            const auto byte = [this](std::size_t at) { return static_cast<unsigned char>(header_[at]); };
            if (byte(0) > 2 || byte(1) != 0 || byte(2) != 0 || byte(3) != 0) return false;
            stream_ = byte(0);
            for (std::size_t at = 4; at < header_size; ++at) payload_left_ = (payload_left_ << 8) + byte(at);
            header_.clear();
            continue;
        }
        const std::size_t count = std::min(payload_left_, bytes.size());
        take(stream_, bytes.substr(0, count));
        payload_left_ -= count;
        bytes.remove_prefix(count);
    }
    return true;
}

void LogStream::take(std::size_t stream, std::string_view payload) {
    std::string& line = lines_.at(stream);
    line += payload;
    const auto last = line.rfind('\n');
    if (last != std::string::npos) {
        sink_(std::string_view(line).substr(0, last + 1));
        line.erase(0, last + 1);
    } else if (line.size() >= line_max) {
        line += '\n';
        sink_(line);
        line.clear();
    }
}

void LogStream::finish() {
    for (std::string& line : lines_) {
        if (line.empty()) continue;
        line += '\n';
        sink_(line);
        line.clear();
    }
}

}  // namespace quicksilver
