#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/http/message.hpp"
#include "quicksilver/store/file_ops.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>

/// Bodies that are too large for memory: they go into a file of the data folder while they arrive.
namespace quicksilver::api {

/// A file that somebody has sent. It is removed with the last one who holds this.
class Upload {
public:
    Upload(std::filesystem::path path, boost::asio::thread_pool& pool) : path_(std::move(path)), pool_(pool) {}
    ~Upload();
    Upload(const Upload&) = delete;
    Upload& operator=(const Upload&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::uint64_t bytes = 0;

private:
    const std::filesystem::path path_;
    boost::asio::thread_pool& pool_;
};

/// Where uploads go, and how much of the disk they leave for images.
struct UploadPlace {
    FileOps& ops;
    std::filesystem::path folder;
    DiskReserve reserve;
    boost::asio::thread_pool& pool;  ///< that writes
};

/// Receives all of a body. Throws ProblemError 503 when the disk has no room for it, BrokenBody when it does not come;
/// then nothing is left of it.
boost::asio::awaitable<std::shared_ptr<const Upload>> receive_upload(BodyInput& input, UploadPlace place);

}  // namespace quicksilver::api
