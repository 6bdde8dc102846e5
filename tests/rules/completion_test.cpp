#include "quicksilver/rules/completion.hpp"

#include "support/catch.hpp"

using namespace quicksilver::rules;

TEST_CASE("A study is complete when the received descriptions make the condition true", "[completion]") {
    struct Row {
        std::string condition;
        std::vector<std::string> received;
        bool complete;
    };
    const std::vector<Row> rows{
        {"'T1' and 'T2'", {"ax T1", "T2 sag"}, true},
        {"'T1' and 'T2'", {"ax T1"}, false},
        {"'SAG' or ('COR' and 'AX')", {"AX T2", "T1-COR"}, true},
        {"'t1' AND 'T2'", {"T1", "t2"}, true},
        {"('A' or 'B')", {"B"}, true},
        {"'A' or b", {"A"}, true},
        {"'B' or b", {"A"}, false},
        {"'ΑΣ'", {"ΚΛΙΝΙΚΗ ΑΣ"}, true},
        {"'größe'", {"GRÖSSE", "GRÖßE"}, true},
        {"'A'", {}, false},
        {"", {"A"}, true},
        {"", {}, false},
        {"''", {"A"}, true},
        {"'A' 'B'", {"A", "B"}, false},
        {"not 'A'", {"B"}, true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.condition);
        CHECK(evaluate_completion(row.condition, row.received).complete == row.complete);
    }
}

TEST_CASE("A condition that cannot be evaluated is not complete and says why", "[completion]") {
    const Completion completion = evaluate_completion("'A' and", {"A"});
    CHECK_FALSE(completion.complete);
    REQUIRE(completion.error);
    CHECK(completion.error->message == "Invalid completion condition: a value is expected where the line ends");
}

TEST_CASE("The texts that no series has are listed", "[completion]") {
    CHECK(evaluate_completion("'T1' and 'FLAIR'", {"t1"}).missing == std::vector<std::string>{"flair"});
}

TEST_CASE("Conditions are checked with mercure's sentences", "[completion]") {
    struct Row {
        std::string condition;
        std::optional<std::string> problem;
    };
    const std::vector<Row> rows{
        {"'A' and ('B' or 'C')", std::nullopt},
        {"('A' or 'B')", std::nullopt},
        {"", "Value cannot be empty"},
        {"A", "Series names must be enclosed by '...'"},
        {"\"A\" or 'B'", "Series names must be enclosed by '...'"},
        {"'A' and 'B", "Series names not properly enclosed by '...'"},
        {"'A' and", "Compare syntax with example shown above."},
        {"'A' AND 'B'", "Compare syntax with example shown above."},
        {"'A' or B", "Invalid entries. Are all series names enclosed?"},
        {"not 'A'", "Invalid entries. Are all series names enclosed?"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.condition);
        CHECK(check_completion(row.condition) == row.problem);
    }
}
