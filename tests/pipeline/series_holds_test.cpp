#include "quicksilver/pipeline/series_holds.hpp"

#include "stage_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;

namespace {

struct Fixture : test::StageFixture {
    std::unique_ptr<SeriesHolds> holds = std::make_unique<SeriesHolds>(context());

    using Names = Result<std::vector<std::string>>;

    void make(const std::string& folder) { test::write_file(root / folder / "1.2#1.dcm", "image"); }
    bool is_held(const std::string& folder) const { return TaskFolders::holds_of(root / folder).has_value(); }
    Names hold(std::vector<std::string> tasks, const std::string& uid = "1.2") {
        Names names = Error{};
        const KnownSeries series{uid, "", std::move(tasks)};
        auto ask = [&]() -> boost::asio::awaitable<void> { names = co_await holds->hold(series, "anna"); };
        test::run_coroutine(io, ask());
        return names;
    }
    Names release(std::vector<std::string> tasks) {
        Names names = Error{};
        const KnownSeries series{"1.2", "", std::move(tasks)};
        auto ask = [&]() -> boost::asio::awaitable<void> { names = co_await holds->release(series); };
        test::run_coroutine(io, ask());
        return names;
    }
    void restart() {
        holds = std::make_unique<SeriesHolds>(context());
        test::run_coroutine(io, holds->recover());
    }
};

}  // namespace

TEST_CASE("A held series is held in all its folders until it is released", "[pipeline][hold]") {
    Fixture f;
    f.make("success/a");
    f.make("error/b");
    CHECK(f.hold({"a", "b", "gone"}).value() == std::vector<std::string>{"a", "b"});
    CHECK((f.is_held("success/a") && f.is_held("error/b")));
    CHECK(f.holds->all()->at("1.2").user == "anna");
    CHECK(f.release({"a", "b"}).value() == std::vector<std::string>{"a", "b"});
    CHECK_FALSE((f.is_held("success/a") || f.is_held("error/b")));
    CHECK(f.holds->all()->empty());
    CHECK(f.release({"a", "b"}).error().code == Errc::invalid);
}

TEST_CASE("A copy of a held series that the history does not know yet is released as well", "[pipeline][hold]") {
    Fixture f;
    f.make("success/a");
    REQUIRE(f.hold({"a"}).ok());
    std::filesystem::copy(f.root / "success/a", f.root / "success/copy");
    CHECK(f.release({"a"}).value() == std::vector<std::string>{"a", "copy"});
    CHECK_FALSE(f.is_held("success/copy"));
}

TEST_CASE("Holds are known after a restart from the folders alone, and can be released by them", "[pipeline][hold]") {
    Fixture f;
    f.make("discard/a");
    f.make("incoming/1.2");
    REQUIRE(f.hold({"a"}).ok());
    f.restart();
    CHECK(f.holds->all()->contains("1.2"));
    // As if the database were lost: nobody knows the tasks.
    CHECK(f.release({}).value() == std::vector<std::string>{"1.2", "a"});
    CHECK_FALSE((f.is_held("discard/a") || f.is_held("incoming/1.2")));
    f.restart();
    CHECK(f.holds->all()->empty());
}

TEST_CASE("A series without files cannot be held, one that is being handed over not yet", "[pipeline][hold]") {
    Fixture f;
    CHECK(f.hold({"gone"}).error().code == Errc::not_found);
    CHECK(f.hold({"gone"}, "../..").error().code == Errc::not_found);
    f.make("incoming/.routing-x");
    CHECK(f.hold({}).error().code == Errc::busy);
    CHECK(f.holds->all()->empty());
}

TEST_CASE("A hold that cannot be written is none", "[pipeline][hold]") {
    Fixture f;
    f.make("success/a");
    std::filesystem::create_directory(f.root / "success/a/.held");
    std::filesystem::create_directory(f.root / "success/a/.held/in-the-way");
    REQUIRE_FALSE(f.hold({"a"}).ok());
    CHECK(f.holds->all()->empty());
}

TEST_CASE("Tasks that are made of a held series are held, of others not", "[pipeline][hold]") {
    Fixture f;
    f.make("success/a");
    REQUIRE(f.hold({"a"}).ok());
    f.make("outgoing/late");
    f.make("outgoing/other");
    test::run_coroutine(f.io, f.holds->keep(KnownSeries{"1.2", "", {"late"}}));
    test::run_coroutine(f.io, f.holds->keep(KnownSeries{"1.3", "", {"other"}}));
    CHECK(f.is_held("outgoing/late"));
    CHECK_FALSE(f.is_held("outgoing/other"));
    CHECK(f.release({}).value() == std::vector<std::string>{"a", "late"});
}
