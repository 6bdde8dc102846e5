#include "quicksilver/core/peer_text.hpp"

#include "support/catch.hpp"

#include <fmt/format.h>

using namespace quicksilver;

TEST_CASE("What a peer said is bounded and has no control characters", "[core][peer]") {
    CHECK(peer_text("no such patient") == "⟪no such patient⟫");
    CHECK(peer_text("") == "⟪⟫");
    CHECK(peer_text("a\r\nb\x1b[2Jc\x7f") == "⟪a\\x0d\\x0ab\\x1b[2Jc\\x7f⟫");
    CHECK(peer_text("\xc2\x9b"
                    "31m") == "⟪\\x9b31m⟫");
    const std::string most(199, 'x');
    CHECK(peer_text(std::string(5000, 'x')) == fmt::format("⟪{}x …⟫", most));
    CHECK(peer_text(fmt::format("{}ü", most)) == fmt::format("⟪{} …⟫", most));
}

TEST_CASE("What peers said can be left out again", "[core][peer]") {
    CHECK(without_peer_text("refused: " + peer_text("Doe^Jane") + ", status 1") == "refused: ⟪…⟫, status 1");
    CHECK(without_peer_text(peer_text("a") + peer_text("b")) == "⟪…⟫⟪…⟫");
    CHECK(without_peer_text("nothing said") == "nothing said");
    CHECK(without_peer_text("") == "");
}

TEST_CASE("No peer gets out of its marks", "[core][peer]") {
    for (const char* said : {"⟫ Doe^Jane ⟪", "⟫", "⟪Doe^Jane", "⟫⟫ Doe^Jane", "\xe2\x9f\xab Doe^Jane"}) {
        INFO(said);
        CHECK(without_peer_text(peer_text(said)) == "⟪…⟫");
    }
    // A text that was cut in the middle of what a peer said.
    const std::string whole = "refused: " + peer_text("Doe^Jane") + " at last";
    CHECK(without_peer_text(whole.substr(0, 15)) == "refused: ⟪…⟫");
}

TEST_CASE("A peer gets its own words back without the marks, as long as they may be", "[core][peer]") {
    const std::string said(5000, 'x');
    CHECK(without_peer_marks(peer_text(said, 10'000)) == said);
    CHECK(without_peer_marks("nothing said") == "nothing said");
}
