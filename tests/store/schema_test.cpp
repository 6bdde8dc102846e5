#include "quicksilver/store/schema.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver::database;
using namespace quicksilver::test;

namespace {

const std::vector<Migration> two_steps = {{1, "CREATE TABLE a (x TEXT) STRICT"},
                                          {2, "ALTER TABLE a ADD COLUMN y TEXT; UPDATE a SET y = x || '!'"}};

}  // namespace

TEST_CASE("Migrations are applied from any version, once, in order", "[store][database]") {
    TemporaryFolder folder;
    Connection connection(folder / "db", Mode::read_write);
    migrate(connection, {two_steps[0]});
    connection.execute("INSERT INTO a (x) VALUES ('one')");
    migrate(connection, two_steps);
    migrate(connection, two_steps);
    CHECK(connection.number("PRAGMA user_version") == 2);
    CHECK(connection.text("SELECT y FROM a") == "one!");
}

TEST_CASE("A migration that fails leaves the version before it", "[store][database]") {
    TemporaryFolder folder;
    Connection connection(folder / "db", Mode::read_write);
    const std::vector<Migration> broken = {two_steps[0], {2, "ALTER TABLE a ADD COLUMN y TEXT; SELECT * FROM nothing"}};
    CHECK_THROWS_AS(migrate(connection, broken), DatabaseError);
    CHECK(connection.number("PRAGMA user_version") == 1);
    CHECK(connection.number("SELECT COUNT(*) FROM pragma_table_info('a')") == 1);
    migrate(connection, two_steps);
    CHECK(connection.number("PRAGMA user_version") == 2);
}

TEST_CASE("A database of a newer program is refused and not taken for a damaged one", "[store][database]") {
    TemporaryFolder folder;
    Connection connection(folder / "db", Mode::read_write);
    migrate(connection, two_steps);
    try {
        migrate(connection, {two_steps[0]});
        FAIL("no error");
    } catch (const DatabaseError& error) {
        CHECK_FALSE(error.is_unreadable());
        CHECK(std::string(error.what()).find("version 2, this program knows 1") != std::string::npos);
    }
}

TEST_CASE("The bookkeeper's steps are numbered without gaps", "[store][database]") {
    int number = 0;
    for (const Migration& migration : journal_migrations()) CHECK(migration.number == ++number);
}

TEST_CASE("The bookkeeper's tables have mercure's names and columns", "[store][database]") {
    TemporaryFolder folder;
    Connection connection(folder / "db", Mode::read_write);
    migrate(connection, journal_migrations());
    const auto columns = [&connection](const std::string& table) {
        return connection.text("SELECT group_concat(name, ' ') FROM pragma_table_info('" + table + "')");
    };
    CHECK(columns("mercure_events") == "id time sender event severity description");
    CHECK(columns("webgui_events") == "id time sender event user description");
    CHECK(columns("dicom_files") == "id time filename file_uid series_uid");
    CHECK(columns("dicom_series") ==
          "id time series_uid study_uid tag_patientname tag_patientid tag_accessionnumber tag_seriesnumber tag_studyid "
          "tag_patientbirthdate tag_patientsex tag_acquisitiondate tag_acquisitiontime tag_modality "
          "tag_bodypartexamined tag_studydescription tag_seriesdescription tag_protocolname tag_codevalue "
          "tag_codemeaning tag_sequencename tag_scanningsequence tag_sequencevariant tag_slicethickness "
          "tag_contrastbolusagent tag_referringphysicianname tag_manufacturer tag_manufacturermodelname "
          "tag_magneticfieldstrength tag_deviceserialnumber tag_softwareversions tag_stationname tags");
    CHECK(columns("task_events") == "id task_id time sender event file_count target info client_timestamp");
    CHECK(columns("tasks") == "id parent_id time series_uid study_uid data");
    CHECK(columns("tests") == "id type rule_type time_begin time_end status task_id data");
    CHECK(columns("processor_logs") == "id task_id module_name logs time run chunk file");
    CHECK(columns("processor_outputs") == "id time task_id task_acc task_mrn module index settings output");
    CHECK(connection.number("SELECT COUNT(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 0"
                            " AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'series_search%'") == 0);
}

TEST_CASE("The queries of the archive use an index", "[store][database]") {
    TemporaryFolder folder;
    Connection connection(folder / "db", Mode::read_write);
    migrate(connection, journal_migrations());
    const char* query = GENERATE(
        "SELECT * FROM tasks WHERE acc >= 'A' AND acc < 'B'", "SELECT * FROM tasks WHERE mrn >= '1' AND mrn < '2'",
        "SELECT * FROM tasks WHERE parent_id = 'x'", "SELECT * FROM tasks WHERE study_uid = 'x'",
        "SELECT * FROM task_events WHERE task_id = 'x'", "SELECT * FROM dicom_files WHERE series_uid = 'x'",
        "SELECT * FROM dicom_series WHERE study_uid = 'x'", "SELECT state, COUNT(*) FROM series_state GROUP BY state",
        "SELECT * FROM processor_logs WHERE task_id = 'x'");
    INFO(query);
    constexpr int detail_column = 3;
    auto plan = connection.statement("EXPLAIN QUERY PLAN " + std::string(query));
    REQUIRE(plan.step());
    CHECK(plan.text(detail_column).find("INDEX") != std::string::npos);
}
