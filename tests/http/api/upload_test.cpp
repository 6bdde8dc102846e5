#include "http/api/upload.hpp"

#include "quicksilver/http/uploads.hpp"

#include "http/api/problem_error.hpp"
#include "support/catch.hpp"
#include "support/coroutines.hpp"
#include "support/failing_file_ops.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
namespace asio = boost::asio;

namespace {

/// A body of pieces, which breaks off when the test says so.
class Pieces final : public BodyInput {
public:
    explicit Pieces(std::vector<std::string> pieces, bool breaks = false)
        : pieces_(std::move(pieces)), breaks_(breaks) {}

    asio::awaitable<std::optional<std::string>> next() override {
        if (at_ < pieces_.size()) co_return pieces_[at_++];
        if (breaks_) throw BrokenBody("gone");
        co_return std::nullopt;
    }
    std::optional<std::uint64_t> announced_bytes() const override { return announced; }

    std::optional<std::uint64_t> announced;

private:
    std::vector<std::string> pieces_;
    bool breaks_;
    std::size_t at_ = 0;
};

/// So that what is to be removed is.
struct Join {
    asio::thread_pool& pool;
    ~Join() { pool.join(); }
};

struct Uploading {
    void receive(Pieces pieces, FileOps& with, DiskReserve reserve = {0, 0}) {
        boost::asio::io_context context;
        asio::thread_pool pool(1);
        const Join join{pool};
        const auto run = [&]() -> asio::awaitable<void> {
            api::UploadPlace place{with, folder / "uploads", reserve, pool};
            auto upload = co_await api::receive_upload(pieces, std::move(place));
            content = read_file(upload->path());
            bytes = upload->bytes;
        };
        run_coroutine(context, run());
    }
    bool is_empty() const { return std::filesystem::is_empty(folder / "uploads"); }

    TemporaryFolder folder;
    std::unique_ptr<FileOps> ops = make_file_ops();
    std::string content;
    std::uint64_t bytes = 0;
};

}  // namespace

TEST_CASE("An upload is a file as long as somebody needs it", "[http][api][upload]") {
    Uploading uploading;
    const std::string large(3'000'000, 'x');
    uploading.receive(Pieces({"begin ", large, " end"}), *uploading.ops);
    CHECK(uploading.content == "begin " + large + " end");
    CHECK(uploading.bytes == uploading.content.size());
    CHECK(uploading.is_empty());
}

TEST_CASE("An upload that breaks off leaves nothing", "[http][api][upload]") {
    Uploading uploading;
    CHECK_THROWS_AS(uploading.receive(Pieces({std::string(2'000'000, 'x')}, true), *uploading.ops), BrokenBody);
    CHECK(uploading.is_empty());
}

TEST_CASE("Whatever fails while an upload is written, it is refused and leaves nothing", "[http][api][upload]") {
    for (const auto how : {FailingFileOps::How::once, FailingFileOps::How::disk_full}) {
        bool failed = true;
        for (unsigned at = 1; failed; ++at) {
            CAPTURE(at);
            Uploading uploading;
            FailingFileOps ops(at, how);
            try {
                uploading.receive(Pieces({std::string(1'500'000, 'x'), "more"}), ops);
            } catch (const api::ProblemError& refused) {
                CHECK(refused.status() == 503);
            }
            failed = ops.has_failed();
            CHECK(uploading.content.empty() == failed);
            if (std::filesystem::exists(uploading.folder / "uploads")) CHECK(uploading.is_empty());
        }
    }
}

TEST_CASE("What leaves too little room for images is refused before it comes", "[http][api][upload]") {
    Uploading uploading;
    Pieces huge({"x"});
    huge.announced = 1ULL << 60;
    CHECK_THROWS_AS(uploading.receive(huge, *uploading.ops), api::ProblemError);
    CHECK_THROWS_AS(uploading.receive(Pieces({"x"}), *uploading.ops, DiskReserve{0, 100}), api::ProblemError);
    CHECK(uploading.content.empty());
    CHECK(uploading.is_empty());
}

TEST_CASE("What an earlier run left of uploads is removed", "[http][api][upload]") {
    Uploading uploading;
    FolderConfig folders;
    folders.data = uploading.folder.path();
    for (const char* name : {"uploads", ".removing-uploads"}) {
        std::filesystem::create_directory(uploading.folder / name);
        write_file(uploading.folder / name / "old", "x");
    }
    CHECK(remove_stale_uploads(*uploading.ops, folders));
    CHECK(remove_stale_uploads(*uploading.ops, folders));
    CHECK(std::filesystem::is_empty(uploading.folder.path()));
}
