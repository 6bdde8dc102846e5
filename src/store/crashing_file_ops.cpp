#include "quicksilver/store/crashing_file_ops.hpp"

#include <atomic>
#include <charconv>
#include <unistd.h>

namespace quicksilver {

namespace {

class CrashingFileOps final : public FileOps {
public:
    CrashingFileOps(std::unique_ptr<FileOps> real, unsigned at) : real_(std::move(real)), at_(at) {}

    Result<OpenFile> create(const std::filesystem::path& path) override {
        count();
        return real_->create(path);
    }
    Result<OpenFile> open_append(const std::filesystem::path& path) override {
        count();
        return real_->open_append(path);
    }
    Result<void> write(OpenFile& file, std::string_view bytes) override {
        count();
        return real_->write(file, bytes);
    }
    Result<void> write_at(OpenFile& file, std::string_view bytes, std::uint64_t offset) override {
        count();
        return real_->write_at(file, bytes, offset);
    }
    Result<void> sync(OpenFile& file) override {
        count();
        return real_->sync(file);
    }
    Result<void> sync_data(OpenFile& file) override {
        count();
        return real_->sync_data(file);
    }
    Result<Placed> rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
        count();
        return real_->rename(from, to);
    }
    Result<Placed> link(const std::filesystem::path& from, const std::filesystem::path& to) override {
        count();
        return real_->link(from, to);
    }
    Result<void> unlink(const std::filesystem::path& path) override {
        count();
        return real_->unlink(path);
    }
    Result<void> make_folder(const std::filesystem::path& path) override {
        count();
        return real_->make_folder(path);
    }
    Result<void> remove_folder(const std::filesystem::path& path) override {
        count();
        return real_->remove_folder(path);
    }
    Result<void> sync_folder(const std::filesystem::path& path) override {
        count();
        return real_->sync_folder(path);
    }
    Result<OpenFile> open_to_sync(const std::filesystem::path& path) override { return real_->open_to_sync(path); }
    Result<OpenFile> open_folder(const std::filesystem::path& path) override { return real_->open_folder(path); }
    Result<void> close(OpenFile& file) override { return real_->close(file); }

private:
    void count() {
        constexpr int as_if_killed = 137;
        if (++calls_ == at_) ::_exit(as_if_killed);
    }

    const std::unique_ptr<FileOps> real_;
    const unsigned at_;
    std::atomic<unsigned> calls_{0};
};

}  // namespace

std::unique_ptr<FileOps> make_crashing_file_ops(std::unique_ptr<FileOps> real, unsigned at) {
    return std::make_unique<CrashingFileOps>(std::move(real), at);
}

std::optional<unsigned> parse_crash_point(std::string_view text) {
    unsigned at = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), at);
    if (error != std::errc{} || end != text.data() + text.size() || at == 0) return std::nullopt;
    return at;
}

}  // namespace quicksilver
