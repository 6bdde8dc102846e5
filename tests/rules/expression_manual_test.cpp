// Runs every example of docs/rules.md.

#include "quicksilver/rules/completion.hpp"
#include "quicksilver/rules/template.hpp"

#include "support.hpp"
#include "support/catch.hpp"

#include <fstream>
#include <map>

using namespace quicksilver;
using namespace quicksilver::rules;

namespace {

using Cells = std::vector<std::string>;

std::string trimmed(std::string text) {
    text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

Cells cells_of(const std::string& line) {
    Cells cells(1);
    for (std::size_t i = 1; i < line.size(); ++i) {
        if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|')
            cells.back() += line[++i];
        else if (line[i] == '|')
            cells.emplace_back();
        else
            cells.back() += line[i];
    }
    cells.pop_back();
    for (std::string& cell : cells) cell = trimmed(cell);
    return cells;
}

/// What stands in the first pair of backquotes.
std::string code_in(const std::string& cell) {
    const std::size_t begin = cell.find('`');
    const std::size_t end = cell.find('`', begin + 1);
    return begin == std::string::npos || end == std::string::npos ? "" : cell.substr(begin + 1, end - begin - 1);
}

/// The rows of all tables that have this column, by the names of their columns.
std::vector<std::map<std::string, std::string>> rows_with(const std::string& column) {
    std::ifstream manual(QUICKSILVER_MANUAL);
    REQUIRE(manual);
    std::vector<std::map<std::string, std::string>> rows;
    Cells header;
    for (std::string line; std::getline(manual, line);) {
        if (line.empty() || line[0] != '|') {
            header.clear();
            continue;
        }
        const Cells cells = cells_of(line);
        if (header.empty()) {
            header = cells;
            continue;
        }
        std::map<std::string, std::string> row;
        for (std::size_t i = 0; i < header.size() && i < cells.size(); ++i) row[header[i]] = cells[i];
        if (row.count(column) != 0 && row[column].find("---") == std::string::npos) rows.push_back(std::move(row));
    }
    return rows;
}

Tags series() {
    return tags_of({{"Modality", "MR"},
                    {"SeriesDescription", "CINE 2ch"},
                    {"SliceThickness", "1.5"},
                    {"PatientName", "Müller^Jürgen"},
                    {"StationName", ""},
                    {"ImageType", "ORIGINAL\\PRIMARY"},
                    {"ReceiverAET", "RESEARCH"}});
}

}  // namespace

TEST_CASE("Every example of an expression in the manual has the result that stands beside it", "[manual]") {
    unsigned examples = 0;
    for (auto& row : rows_with("Example")) {
        if (row.count("Received") != 0) continue;
        CAPTURE(row["Example"]);
        const std::string expression = code_in(row["Example"]);
        CHECK(result_of(expression, series()) == code_in(row["Result"]));
        const std::string warning = code_in(row["Warning"]);
        if (!warning.empty()) {
            const Evaluation evaluation = evaluate(Expression::compile(expression), series());
            REQUIRE(evaluation.warnings.size() == 1);
            CHECK(evaluation.warnings[0].code == warning);
        }
        ++examples;
    }
    CHECK(examples > 110);
}

TEST_CASE("Every example of a complete study in the manual is right", "[manual]") {
    unsigned examples = 0;
    for (auto& row : rows_with("Received")) {
        CAPTURE(row["Example"]);
        std::vector<std::string> received;
        for (std::string rest = row["Received"]; !code_in(rest).empty();) {
            received.push_back(code_in(rest));
            rest.erase(0, rest.find('`', rest.find('`') + 1) + 1);
        }
        CHECK(evaluate_completion(code_in(row["Example"]), received).complete == (row["Result"] == "complete"));
        CHECK_FALSE(check_completion(code_in(row["Example"])));
        ++examples;
    }
    CHECK(examples == 4);
}

TEST_CASE("Every template in the manual renders what stands beside it", "[manual]") {
    const nlohmann::json variables{
        {"rule", "chest-ai"}, {"event", "COMPLETED"}, {"details", ""}, {"targets", {"pacs", "archive"}}};
    unsigned examples = 0;
    for (auto& row : rows_with("Template")) {
        CAPTURE(row["Template"]);
        const Result<Template> parsed = Template::parse(code_in(row["Template"]));
        REQUIRE(parsed);
        CHECK(parsed->render(variables).value() == code_in(row["Result"]));
        ++examples;
    }
    CHECK(examples == 10);
}

TEST_CASE("Every limit that the manual names is one", "[manual]") {
    unsigned limits = 0;
    for (auto& row : rows_with("Limit")) {
        const std::string example = code_in(row["Limit"]);
        if (!example.empty()) CHECK(result_of(example) == code_in(row["Error"]));
        ++limits;
    }
    CHECK(limits == 8);
}
