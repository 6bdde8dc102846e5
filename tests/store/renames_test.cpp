#include "quicksilver/store/renames.hpp"

#include "quicksilver/store/config_history.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using Ordered = nlohmann::ordered_json;

namespace {

Ordered renamed(Ordered document, const std::string& from, const std::string& to) {
    Ordered targets = Ordered::object();
    for (const auto& [name, target] : document["targets"].items()) targets[name == from ? to : name] = target;
    document["targets"] = std::move(targets);
    remember_former_name(document, "targets", from, to);
    return document;
}

std::string told(const Ordered& before, const Ordered& after) {
    std::string text;
    for (const journal::Renamed& one : renames_in(config_diff(before, after))) {
        text += (one.kind == journal::Renamed::Kind::target ? "" : "?") + one.from + ">" + one.to + " ";
    }
    return text;
}

}  // namespace

TEST_CASE("Former names lead to the object, however often it is renamed", "[store][config]") {
    const Ordered first = Ordered::parse(R"({"targets": {"a": {}, "other": {}}})");
    const Ordered second = renamed(first, "a", "b");
    CHECK(second["former_names"]["targets"].dump() == R"({"a":"b"})");
    CHECK(told(first, second) == "a>b ");
    const Ordered third = renamed(second, "b", "c");
    CHECK(third["former_names"]["targets"].dump() == R"({"a":"c","b":"c"})");
    CHECK(told(second, third) == "a>c b>c ");
    // Back again: its own name is no former one.
    const Ordered fourth = renamed(third, "c", "a");
    CHECK(fourth["former_names"]["targets"].dump() == R"({"b":"a","c":"a"})");
    CHECK(told(third, fourth) == "b>a c>a ");
}

TEST_CASE("Former names of objects that are gone are forgotten", "[store][config]") {
    Ordered document = renamed(Ordered::parse(R"({"targets": {"a": {}, "other": {}}})"), "a", "b");
    document["targets"].erase("b");
    CHECK(renamed(document, "other", "new")["former_names"]["targets"].dump() == R"({"other":"new"})");
}
