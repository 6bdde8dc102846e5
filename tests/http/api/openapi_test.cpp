#include "http/api/history_fixture.hpp"
#include "http/api/operation_examples.hpp"
#include "support/catch.hpp"

#include <random>
#include <set>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

/// Requests made up from the description: mostly what a schema wants, now and then something else.
class MadeUp {
public:
    MadeUp(const json& definitions, unsigned seed) : definitions_(definitions), random_(seed) {}

    json value(const json& schema, int depth = 0) {
        if (one_in(8) || depth > 4) return nonsense();
        if (schema.contains("$ref")) {
            const std::string name =
                schema["$ref"].get<std::string>().substr(std::string("#/components/schemas/").size());
            return value(definitions_.at(name), depth + 1);
        }
        if (schema.contains("anyOf")) return value(any_of(schema["anyOf"]), depth + 1);
        if (schema.contains("enum")) return any_of(schema["enum"]);
        const json type = schema.value("type", json("object"));
        const std::string name = type.is_array() ? any_of(type).get<std::string>() : type.get<std::string>();
        if (name == "object") return object(schema, depth);
        if (name == "array") return json::array({value(schema.value("items", json::object()), depth + 1)});
        if (name == "string") return text();
        if (name == "boolean") return one_in(2);
        if (name == "integer")
            return number(schema.value("minimum", std::int64_t{-5}), schema.value("maximum", std::int64_t{500}));
        if (name == "number") return 1.5;
        return nullptr;
    }

    /// As it stands in an address.
    std::string word() {
        static const char* words[] = {"ct",
                                      "pacs",
                                      "1.2.0001",
                                      "task-1",
                                      "0",
                                      "%2e%2e%2fetc",
                                      "%00",
                                      "-1",
                                      "true",
                                      "x",
                                      "%F0%9F%98%80",
                                      "%C3%28",
                                      "99999999999999999999999",
                                      "%27"};
        return words[random_() % std::size(words)];
    }

    bool one_in(unsigned n) { return random_() % n == 0; }

private:
    json object(const json& schema, int depth) {
        json made = json::object();
        const json properties = schema.value("properties", json::object());
        for (const auto& [name, member] : properties.items()) {
            if (!one_in(6)) made[name] = value(member, depth + 1);
        }
        if (one_in(10)) made["unknown"] = nonsense();
        return made;
    }
    json nonsense() {
        const json all[] = {nullptr,
                            5,
                            -1e300,
                            "",
                            "x",
                            json::array(),
                            json::object(),
                            true,
                            std::string(5000, 'x'),
                            {{"a", {{"b", {1, 2, 3}}}}}};
        return all[random_() % std::size(all)];
    }
    std::string text() {
        static const char* texts[] = {"",
                                      "x",
                                      "anna",
                                      "tags.Modality == 'CT'",
                                      "1.2.0001",
                                      "2026-01-01T00:00:00.000Z",
                                      "../../etc/passwd",
                                      "ü\n\t\"'",
                                      "seven quiet otters",
                                      "%s%n",
                                      "'; DROP TABLE users"};
        return texts[random_() % std::size(texts)];
    }
    std::int64_t number(std::int64_t low, std::int64_t high) {
        const std::int64_t choices[] = {low, high, 1, 2, 50};
        return choices[random_() % std::size(choices)];
    }
    json any_of(const json& list) { return list.at(random_() % list.size()); }

    const json& definitions_;
    std::mt19937 random_;
};

std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    return text;
}

}  // namespace

TEST_CASE("Whatever is asked, the answer is described and never the server's fault", "[http][api][openapi]") {
    HistoryApi api;
    for (int n = 0; n < 3; ++n) api.add_series(n);
    const json document = api.call("GET", "/openapi.json").body;
    const json& definitions = document.at("components").at("schemas");
    constexpr int rounds = 6;
    MadeUp made_up(definitions, 20261122);
    std::set<std::string> asked;
    for (const auto& [path, methods] : document.at("paths").items()) {
        for (const auto& [method, operation] : methods.items()) {
            for (int round = 0; round < rounds; ++round) {
                const std::string id = operation.at("operationId");
                asked.insert(id);
                // A stream has no end, and without its administrator the rest would be 401.
                if (id == "streamEvents" || id == "removeUser") break;
                std::string target = path.substr(std::string("/api/v1").size());
                for (std::size_t at = target.find('{'); at != std::string::npos; at = target.find('{')) {
                    target.replace(at, target.find('}') - at + 1, made_up.word());
                }
                char separator = '?';
                for (const json& parameter : operation.at("parameters")) {
                    if (parameter.at("in") != "query" || made_up.one_in(2)) continue;
                    target += separator + parameter.at("name").get<std::string>() + "=" + made_up.word();
                    separator = '&';
                }
                ApiFixture::Headers headers = {api.with_patients};
                const auto shown = api.call("GET", target, nullptr, headers);
                if (shown.headers.contains("etag")) headers.emplace_back("If-Match", shown.headers.at("etag"));
                json body;
                if (operation.contains("requestBody")) {
                    body = made_up.value(operation["requestBody"]["content"].begin().value().at("schema"));
                }
                const auto answer = api.call(upper(method), target, body, headers);
                INFO(method << " " << target << " " << body.dump().substr(0, 300) << "\n"
                            << answer.text.substr(0, 500));
                CHECK(complaint_about(operation, definitions, answer) == "");
                api.advance(std::chrono::seconds(1));
            }
        }
    }
    std::set<std::string> exemplified;
    for (const OperationExample& example : operation_examples()) exemplified.insert(example.id);
    CHECK(asked == exemplified);
}
