#pragma once

#include "quicksilver/pipeline/http_client.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quicksilver {

/// A ZIP archive made while it is read, in memory that does not grow with it. One thread.
class ZipStream {
public:
    /// Name in the archive and file.
    using Entries = std::vector<std::pair<std::string, std::filesystem::path>>;

    explicit ZipStream(Entries entries);
    ~ZipStream();

    /// A body of unknown length; this outlives it.
    HttpBodySource source();

private:
    struct Archive;
    std::unique_ptr<Archive> archive_;
};

}  // namespace quicksilver
