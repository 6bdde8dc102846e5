#include "quicksilver/core/config_loader.hpp"
#include "quicksilver/core/config_report.hpp"

#include "config_fixtures.hpp"
#include "support/catch.hpp"

#include <random>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

/// It either loads, or says why not; and what loads can be shown.
void check_answer(const LoadedConfig& loaded) {
    if (loaded.ok()) {
        CHECK_FALSE(config_show_text(loaded).empty());
    } else {
        CHECK_FALSE(lines_of(loaded, ProblemSeverity::error).empty());
    }
    CHECK_FALSE(config_check_text(loaded, "mercure.json").empty());
}

}  // namespace

TEST_CASE("A file that ends too early is refused with a message, wherever it ends", "[config]") {
    const std::string whole = rich_mercure_json();
    const std::size_t end = whole.rfind('}');
    for (std::size_t length = 0; length <= end; ++length) {
        const auto loaded = load_text(whole.substr(0, length));
        if (!loaded.ok() && lines_of(loaded, ProblemSeverity::error).size() == 1) continue;
        FAIL("cut after " << length << " bytes: " << all_lines(loaded));
    }
    CHECK(load_text(whole).ok());
}

TEST_CASE("A thousand damaged files neither crash it nor leave it without a word", "[config]") {
    constexpr unsigned seed = 20261122;
    const std::string whole = rich_mercure_json();
    std::mt19937 random(seed);
    for (int round = 0; round < 1000; ++round) {
        std::string damaged = whole;
        const int changes = 1 + static_cast<int>(random() % 4);
        for (int i = 0; i < changes; ++i) damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
        CAPTURE(seed, round);
        check_answer(load_text(damaged));
    }
}

TEST_CASE("A value of any kind at any place is answered", "[config]") {
    using Json = nlohmann::ordered_json;
    const Json whole = Json::parse(rich_mercure_json(), nullptr, true, true);
    const std::vector<Json> values{nullptr,
                                   true,
                                   -1,
                                   1e300,
                                   "",
                                   "x",
                                   "\xc3\xa4",
                                   Json::array(),
                                   Json::array({1, "a"}),
                                   Json::object(),
                                   Json{{"a", nullptr}}};
    const Json flat = whole.flatten();
    std::size_t answers = 0;
    for (const auto& [pointer, old] : flat.items()) {
        // Every value at the place itself would take half a minute; the next place goes on where this one stopped.
        for (int i = 0; i < 3; ++i) {
            Json::json_pointer at(pointer);
            if (answers % 5 == 0) at.pop_back();
            const Json& value = values[answers++ % values.size()];
            Json changed = whole;
            if (!at.empty()) changed[at] = value;
            CAPTURE(at.to_string(), value.dump());
            check_answer(load_text(changed.dump()));
        }
    }
    CHECK(answers > 400);
}
