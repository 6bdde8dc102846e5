#include "quicksilver/store/events.hpp"

#include "support/catch.hpp"

#include <string>

using namespace quicksilver;

namespace {

/// All names from the first to the last value of an enumeration.
template <class Type>
std::string names_up_to(Type last) {
    std::string names;
    for (int i = 0; i <= static_cast<int>(last); ++i) {
        if (i != 0) names += ' ';
        names += to_string(static_cast<Type>(i));
    }
    return names;
}

}  // namespace

TEST_CASE("Events are spelt as mercure spells them", "[store]") {
    CHECK(names_up_to(MercureEventType::processing) ==
          "UNKNOWN BOOT SHUTDOWN SHUTDOWN_REQUEST CONFIG_UPDATE PROCESSING");
    CHECK(names_up_to(WebguiEventType::config_edit) ==
          "UNKNOWN LOGIN LOGIN_FAIL LOGOUT USER_CREATE USER_DELETE USER_EDIT RULE_CREATE RULE_DELETE RULE_EDIT "
          "TARGET_CREATE TARGET_DELETE TARGET_EDIT SERVICE_CONTROL CONFIG_EDIT");
    CHECK(
        names_up_to(TaskEventType::process_restart) ==
        "UNKNOWN REGISTER PROCESS_BEGIN PROCESS_COMPLETE DISCARD DISPATCH_BEGIN DISPATCH_COMPLETE CLEAN ERROR SUSPEND "
        "COMPLETE ASSIGN NOTIFICATION DELEGATE MOVE COPY REMOVE PROCESS_MODULE_BEGIN PROCESS_MODULE_COMPLETE "
        "PROCESS_RESTART");
}

TEST_CASE("Each event has the name of its own", "[store]") {
    CHECK(to_string(MercureEventType::config_update) == "CONFIG_UPDATE");
    CHECK(to_string(WebguiEventType::rule_edit) == "RULE_EDIT");
    CHECK(to_string(TaskEventType::registered) == "REGISTER");
    CHECK(to_string(TaskEventType::dispatch_begin) == "DISPATCH_BEGIN");
    CHECK(to_string(TaskEventType::suspend) == "SUSPEND");
    CHECK(to_string(TaskEventType::delegate) == "DELEGATE");
    CHECK(to_string(TaskEventType::process_module_begin) == "PROCESS_MODULE_BEGIN");
    CHECK(static_cast<int>(Severity::critical) == 3);
}
