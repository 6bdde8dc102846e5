#include "quicksilver/http/peer_words.hpp"

#include "quicksilver/core/peer_text.hpp"

#include "support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace quicksilver;
using nlohmann::json;

TEST_CASE("What peers said is left out wherever it stands in JSON", "[http][peer]") {
    const std::string said = peer_text("Doe^Jane");
    json content = {{"error", "refused: " + said}, {"list", {1, nullptr, {{"deep", said}}}}, {"own", "words"}};
    CHECK(has_peer_words(content.dump()));
    remove_peer_words(content);
    CHECK(content == json{{"error", "refused: ⟪…⟫"}, {"list", {1, nullptr, {{"deep", "⟪…⟫"}}}}, {"own", "words"}});
    CHECK_FALSE(has_peer_words(R"({"own": "words"})"));
}
