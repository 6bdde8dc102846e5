#include "quicksilver/store/database.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver::database;
using namespace quicksilver::test;
using quicksilver::Errc;

namespace {

struct DatabaseFixture {
    TemporaryFolder folder;
    std::filesystem::path file = folder / "test.sqlite";
    Connection connection{file, Mode::read_write};

    DatabaseFixture() { connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT) STRICT"); }

    void insert(const std::string& name) { connection.statement("INSERT INTO t (name) VALUES (?1)").bind(name).run(); }
    std::int64_t count() { return connection.number("SELECT COUNT(*) FROM t"); }
};

}  // namespace

TEST_CASE("A new database is in write-ahead mode, safe against a crash, and checks foreign keys", "[store][database]") {
    DatabaseFixture f;
    CHECK(f.connection.text("PRAGMA journal_mode") == "wal");
    CHECK(f.connection.number("PRAGMA synchronous") == 1);
    CHECK(f.connection.number("PRAGMA foreign_keys") == 1);
    CHECK(f.connection.number("PRAGMA busy_timeout") == 5000);
}

TEST_CASE("Values are bound and read back as they were", "[store][database]") {
    DatabaseFixture f;
    auto query = f.connection.statement("SELECT ?1, ?2, ?3, ?4, ?5");
    query.bind(std::int64_t{-5}, std::string("a\0b", 3), std::string_view(), nullptr, std::optional<std::string>());
    REQUIRE(query.step());
    CHECK(query.integer(0) == -5);
    CHECK(query.text(1) == std::string("a\0b", 3));
    CHECK_FALSE(query.is_null(2));
    CHECK(query.text(2).empty());
    CHECK(query.is_null(3));
    CHECK(query.is_null(4));
    CHECK_FALSE(query.step());
}

TEST_CASE("One place in the source prepares its statement once and starts afresh each time", "[store][database]") {
    DatabaseFixture f;
    for (const char* name : {"a", "b", "c"}) f.insert(name);
    const auto first_of = [&f](std::optional<std::string> name) {
        auto query = f.connection.statement("SELECT id FROM t WHERE name = ?1");
        if (name) query.bind(*name);
        return query.step() ? query.integer(0) : 0;
    };
    CHECK(first_of("b") == 2);
    CHECK(first_of("c") == 3);
    CHECK(first_of({}) == 0);  // not the value bound before
}

TEST_CASE("A statement may be used again while its first use still reads", "[store][database]") {
    DatabaseFixture f;
    for (const char* name : {"a", "b"}) f.insert(name);
    std::string pairs;
    const auto all = [&f] { return f.connection.statement("SELECT name FROM t ORDER BY id"); };
    for (auto outer = all(); outer.step();) {
        for (auto inner = all(); inner.step();) pairs += outer.text(0) + inner.text(0) + ' ';
    }
    CHECK(pairs == "aa ab ba bb ");
}

TEST_CASE("A transaction that is not committed leaves nothing", "[store][database]") {
    DatabaseFixture f;
    {
        Transaction transaction(f.connection);
        f.insert("x");
    }
    CHECK(f.count() == 0);
    {
        Transaction transaction(f.connection);
        f.insert("x");
        transaction.commit();
    }
    CHECK(f.count() == 1);
}

TEST_CASE("A reader sees what is committed while somebody writes, and cannot write itself", "[store][database]") {
    DatabaseFixture f;
    f.insert("x");
    Connection reader(f.file, Mode::read_only);
    Transaction transaction(f.connection);
    f.insert("y");
    CHECK(reader.number("SELECT COUNT(*) FROM t") == 1);
    CHECK_THROWS_AS(reader.execute("DELETE FROM t"), DatabaseError);
    transaction.commit();
    CHECK(reader.number("SELECT COUNT(*) FROM t") == 2);
}

TEST_CASE("A reader that was forgotten half-way does not hold the write-ahead log", "[store][database]") {
    DatabaseFixture f;
    for (int i = 0; i < 10; ++i) f.insert("x");
    Connection reader(f.file, Mode::read_only);
    {
        auto query = reader.statement("SELECT id FROM t");
        REQUIRE(query.step());
    }
    for (int i = 0; i < 10; ++i) f.insert("y");
    f.connection.checkpoint();
    CHECK(std::filesystem::file_size(f.file.string() + "-wal") == 0);
}

TEST_CASE("Errors carry what was done and a code to choose by", "[store][database]") {
    DatabaseFixture f;
    try {
        f.connection.execute("SELEKT 1");
        FAIL("no error");
    } catch (const DatabaseError& error) {
        CHECK(error.to_error().code == Errc::invalid);
        CHECK(std::string(error.what()).find("SELEKT") != std::string::npos);
        CHECK_FALSE(error.is_corruption());
    }
    write_file(f.folder / "text", std::string(5000, 'x'));
    try {
        Connection connection(f.folder / "text", Mode::read_write);
        FAIL("no error");
    } catch (const DatabaseError& error) {
        CHECK(error.is_corruption());
    }
    CHECK_THROWS_AS(Connection(f.folder / "none", Mode::read_only), DatabaseError);
}
