#pragma once

#include "quicksilver/store/file_ops.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quicksilver::test {

/// Thrown where the process would have died.
struct SimulatedCrash {};

/// The real file operations, of which the Nth goes wrong. A write that goes wrong has written half. Nothing is really
/// synced, which would only make the rounds slow.
class FailingFileOps final : public FileOps {
public:
    enum class How {
        once,       ///< the Nth call fails with EIO
        disk_full,  ///< from the Nth call on, whatever needs space fails with ENOSPC, until `heal`
        crash,      ///< the Nth call throws SimulatedCrash, and so does every later one
    };

    /// `at` = 0: nothing fails.
    explicit FailingFileOps(unsigned at = 0, How how = How::once) : at_(at), how_(how) {}

    /// Folders that count as file systems of their own: renames and links between them need a copy.
    void set_file_systems(std::vector<std::filesystem::path> roots) { roots_ = std::move(roots); }
    void heal() { at_ = 0; }
    bool has_failed() const { return failed_; }
    unsigned calls() const { return calls_; }

    Result<OpenFile> create(const std::filesystem::path& path) override {
        if (fails(true)) return failure("create", path);
        return real_->create(path);
    }
    Result<OpenFile> open_append(const std::filesystem::path& path) override {
        if (fails(true)) return failure("open", path);
        return real_->open_append(path);
    }
    Result<OpenFile> open_to_sync(const std::filesystem::path& path) override {
        if (fails(false)) return failure("open", path);
        return real_->open_to_sync(path);
    }
    Result<OpenFile> open_folder(const std::filesystem::path& path) override {
        if (fails(false)) return failure("open the folder", path);
        return real_->open_folder(path);
    }
    Result<void> write(OpenFile& file, std::string_view bytes) override {
        const HalfDone half{*this, [&] { (void)real_->write(file, bytes.substr(0, bytes.size() / 2)); }};
        if (half.fails(true)) return failure("write", file.path());
        return real_->write(file, bytes);
    }
    Result<void> write_at(OpenFile& file, std::string_view bytes, std::uint64_t offset) override {
        const HalfDone half{*this, [&] { (void)real_->write_at(file, bytes.substr(0, bytes.size() / 2), offset); }};
        if (half.fails(true)) return failure("write", file.path());
        return real_->write_at(file, bytes, offset);
    }
    Result<void> sync(OpenFile& file) override {
        if (fails(false)) return failure("sync", file.path());
        return {};
    }
    Result<void> sync_data(OpenFile& file) override {
        if (fails(false)) return failure("sync", file.path());
        return {};
    }
    Result<void> close(OpenFile& file) override {
        if (fails(false)) return failure("close", file.path());
        return real_->close(file);
    }
    Result<Placed> rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
        if (fails(false)) return failure("rename", from);
        if (root_of(from) != root_of(to)) return Placed::needs_copy;
        return real_->rename(from, to);
    }
    Result<Placed> link(const std::filesystem::path& from, const std::filesystem::path& to) override {
        if (fails(true)) return failure("link", from);
        if (root_of(from) != root_of(to)) return Placed::needs_copy;
        return real_->link(from, to);
    }
    Result<void> unlink(const std::filesystem::path& path) override {
        if (fails(false)) return failure("remove", path);
        return real_->unlink(path);
    }
    Result<void> make_folder(const std::filesystem::path& path) override {
        if (fails(true)) return failure("make the folder", path);
        return real_->make_folder(path);
    }
    Result<void> remove_folder(const std::filesystem::path& path) override {
        if (fails(false)) return failure("remove the folder", path);
        return real_->remove_folder(path);
    }
    Result<void> sync_folder(const std::filesystem::path& path) override {
        if (fails(false)) return failure("sync", path);
        return std::filesystem::is_directory(path) ? Result<void>() : real_->sync_folder(path);
    }

private:
    template <class Work>
    struct HalfDone {
        FailingFileOps& ops;
        Work work;
        bool fails(bool needs_space) const {
            if (ops.will_fail(needs_space)) work();
            return ops.fails(needs_space);
        }
    };
    template <class Work>
    HalfDone(FailingFileOps&, Work) -> HalfDone<Work>;

    bool will_fail(bool needs_space) const {
        const unsigned call = calls_ + 1;
        if (at_ == 0 || call < at_) return false;
        return how_ == How::crash || (how_ == How::once ? call == at_ : needs_space);
    }

    bool fails(bool needs_space) {
        const bool failing = will_fail(needs_space);
        ++calls_;
        failed_ = failed_ || failing;
        if (failing && how_ == How::crash) throw SimulatedCrash{};
        return failing;
    }

    Error failure(std::string_view doing, const std::filesystem::path& path) const;

    std::size_t root_of(const std::filesystem::path& path) const {
        for (std::size_t i = 0; i < roots_.size(); ++i) {
            if (path.string().starts_with(roots_[i].string() + '/')) return i;
        }
        return roots_.size();
    }

    std::unique_ptr<FileOps> real_ = make_file_ops();
    std::vector<std::filesystem::path> roots_;
    unsigned at_;
    How how_;
    unsigned calls_ = 0;
    bool failed_ = false;
};

inline Error FailingFileOps::failure(std::string_view doing, const std::filesystem::path& path) const {
    constexpr int io_error = 5, no_space = 28;  // EIO, ENOSPC
    return file_error(doing, path, how_ == How::disk_full ? no_space : io_error);
}

/// Runs `round(ops)` with the first call failing, then the second …, until a round has no failure any more.
template <class Round>
unsigned for_every_failure(FailingFileOps::How how, Round round) {
    for (unsigned at = 1;; ++at) {
        FailingFileOps ops(at, how);
        round(ops);
        if (!ops.has_failed()) return at - 1;
    }
}

}  // namespace quicksilver::test
