#pragma once

#include "quicksilver/dicom/file_meta.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace quicksilver::bench {

struct Instance {
    std::filesystem::path file;
    dicom::FileMeta meta;
};

/// One association with one presentation context. Everything throws std::runtime_error when it does not work.
class Association {
public:
    /// Proposes the SOP class and transfer syntax of `example`.
    Association(const char* host, std::uint16_t port, const dicom::FileMeta& example);
    ~Association();
    Association(const Association&) = delete;
    Association& operator=(const Association&) = delete;

    /// Sends one instance and waits until the peer says that it has it.
    void store(const Instance& instance);
    void release();

private:
    void connect(const char* host, std::uint16_t port);
    void request(const dicom::FileMeta& example);
    void send_all(const char* bytes, std::size_t count) const;
    /// The next PDU is then in `pdu_`, without its header; returns its type.
    unsigned char receive_pdu();

    int socket_ = -1;
    std::string sop_class_uid_, transfer_syntax_uid_;
    std::size_t longest_fragment_ = 0;
    std::uint16_t message_id_ = 0;
    std::string message_;   // its room is used again
    std::string received_;  // what came beyond the last PDU
    std::string pdu_;
};

}  // namespace quicksilver::bench
