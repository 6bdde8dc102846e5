#include "quicksilver/store/audit.hpp"

#include "store/administration_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("The audit is read newest first, in pages, by user, action and object", "[store][audit]") {
    AdministrationFixture f;
    AuditLog audit(*f.administration);
    for (int i = 0; i < 5; ++i) {
        AuditEntry entry;
        entry.user = i % 2 == 0 ? "anna" : "berta";
        entry.action = "putRule";
        entry.object = "/rules/" + std::to_string(i);
        entry.outcome = "done";
        if (i == 3) entry.revision = 7;
        audit.add(entry, f.now);
    }
    const auto all = audit.list({});
    REQUIRE(all.size() == 5);
    CHECK(all[0].object == "/rules/4");
    CHECK(all[1].revision == 7);
    AuditLog::Filter filter;
    filter.user = "anna";
    filter.limit = 2;
    CHECK(audit.list(filter).size() == 2);
    filter.before = audit.list(filter)[1].id;
    CHECK(audit.list(filter).size() == 1);
    AuditLog::Filter object;
    object.object = "rules/3";
    CHECK(audit.list(object).size() == 1);
}

TEST_CASE("Where somebody did something is told once, and not where they failed", "[store][audit]") {
    AdministrationFixture f;
    AuditLog audit(*f.administration);
    const auto add = [&](const char* user, const char* address, const char* action, const char* outcome) {
        AuditEntry entry;
        entry.user = user;
        entry.address = address;
        entry.action = action;
        entry.outcome = outcome;
        audit.add(entry, f.now);
    };
    add("anna", "10.0.0.9", "signIn", "done");
    add("anna", "10.0.0.1", "signIn", "done");
    add("anna", "10.0.0.1", "signIn", "done");
    add("berta", "10.0.0.2", "signIn", "refused");
    add("berta", "10.0.0.3", "putRule", "done");
    using Places = std::vector<AuditLog::Place>;
    CHECK(audit.places("signIn", 100) == Places{{"anna", "10.0.0.1"}, {"anna", "10.0.0.9"}});
    CHECK(audit.places("signIn", 3) == Places{{"anna", "10.0.0.1"}});
}

TEST_CASE("What stands in the audit cannot be changed or removed", "[store][audit]") {
    AdministrationFixture f;
    AuditLog(*f.administration).add({}, f.now);
    CHECK_THROWS(f.administration->connection().execute("DELETE FROM audit"));
    CHECK_THROWS(f.administration->connection().execute("UPDATE audit SET user = 'somebody else'"));
}

TEST_CASE("What the audit need not keep any longer goes piece by piece, and nothing else can", "[store][audit]") {
    AdministrationFixture f;
    AuditLog audit(*f.administration);
    for (int i = 0; i < 5; ++i) audit.add({}, f.now + std::chrono::hours(i));
    const WallTime before = f.now + std::chrono::hours(3);
    CHECK(audit.prune(before, 2) == 2);
    CHECK(audit.prune(before, 2) == 1);
    CHECK(audit.prune(before, 2) == 0);
    CHECK(audit.list({}).size() == 2);
    CHECK_THROWS(f.administration->connection().execute("DELETE FROM audit"));
}
