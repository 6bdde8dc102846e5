#include "file.hpp"

#include "quicksilver/core/config_loader.hpp"

#include "fields.hpp"
#include "parse.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

Error io_error(std::string_view doing, const std::filesystem::path& what) {
    const int reason = errno;
    return Error{reason == ENOSPC   ? Errc::no_space
                 : reason == ENOENT ? Errc::not_found
                                    : Errc::io,
                 fmt::format("{} {}: {}", doing, what.string(), std::strerror(reason))};
}

/// An open file that is closed whatever happens.
class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int get() const { return fd_; }
    bool ok() const { return fd_ >= 0; }

private:
    const int fd_;
};

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

Result<void> sync_folder(const std::filesystem::path& folder) {
    const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor.ok() || ::fsync(descriptor.get()) != 0) return io_error("cannot sync the folder", folder);
    return {};
}

/// The mode and owner that the replaced file has, so that whoever could read it still can.
void take_over_mode(int fd, const std::filesystem::path& old_file) {
    struct stat old {};
    if (::stat(old_file.c_str(), &old) != 0) return;
    // The owner can only be kept by root; everybody else has the file as their own, which is what they want.
    [[maybe_unused]] const int kept = ::fchown(fd, old.st_uid, old.st_gid);
    ::fchmod(fd, old.st_mode & 07777);
}

}  // namespace

Result<std::string> read_config_file(const std::filesystem::path& file) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored)) {
        return Error{Errc::invalid, fmt::format("{} is a folder, not a configuration file", file.string())};
    }
    std::ifstream in(file, std::ios::binary);
    if (!in) return io_error("cannot read", file);
    // One byte more than allowed is enough for the parser to refuse it, even if the file has no end.
    std::string text;
    std::array<char, 64 * 1024> piece{};
    while (in && text.size() <= config_size_max) {
        in.read(piece.data(), piece.size());
        text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) return io_error("cannot read", file);
    return text;
}

ConfigFileStamp config_file_stamp(const std::filesystem::path& file) {
    struct stat status {};
    if (file.empty() || ::stat(file.c_str(), &status) != 0) return {};
    return {.modified_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
            .size = static_cast<std::uint64_t>(status.st_size),
            .inode = status.st_ino};
}

std::string config_text(const Json& source) {
    // What is no UTF-8 never came through the parser, but a caller may have put it there.
    return source.dump(4, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<void> write_config_file(const std::filesystem::path& given, std::string_view text) {
    // A symbolic link stays one: what it points to is replaced.
    std::error_code unknown;
    const std::filesystem::path resolved = std::filesystem::canonical(given, unknown);
    const std::filesystem::path file = unknown ? std::filesystem::absolute(given) : resolved;
    const std::filesystem::path folder = file.parent_path();
    std::filesystem::create_directories(folder, unknown);
    if (unknown) {
        return Error{Errc::io, fmt::format("cannot make the folder {}: {}", folder.string(), unknown.message())};
    }

    std::string temporary = (folder / fmt::format(".{}.XXXXXX", file.filename().string())).string();
    const Descriptor out(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!out.ok()) return io_error("cannot write into", folder);
    take_over_mode(out.get(), file);
    const bool written =
        write_all(out.get(), text) && ::fsync(out.get()) == 0 && ::rename(temporary.c_str(), file.c_str()) == 0;
    if (!written) {
        Error error = io_error("cannot write", file);
        ::unlink(temporary.c_str());
        return error;
    }
    return sync_folder(folder);
}

std::string first_config_text() {
    Json document = Json::object();
    const auto add_default = [&document](std::string_view key) {
        const ConfigField* field = find_field(setting_fields(), key);
        Json* here = &document;
        for (std::size_t dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.')) {
            here = &(*here)[std::string(key.substr(0, dot))];
            key.remove_prefix(dot + 1);
        }
        (*here)[std::string(key)] = default_value(*field);
    };
    for (const std::string_view key : {"appliance_name", "port", "accept_compressed_images", "dicom.ae_title",
                                       "http.address", "http.port", "series_complete_trigger", "retry_delay",
                                       "retry_max", "retention", "disk_free_min", "targets", "rules", "modules"}) {
        add_default(key);
    }
    document["accept_compressed_images"] = true;
    return config_text(document);
}

Result<bool> create_first_config(const std::filesystem::path& file) {
    std::error_code unknown;
    if (std::filesystem::exists(file, unknown)) return false;
    auto written = write_config_file(file, first_config_text());
    if (!written) return std::move(written).error();
    return true;
}

}  // namespace quicksilver
