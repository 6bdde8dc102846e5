#include "pipeline/runners/tag_edits.hpp"

#include "quicksilver/dicom/phantom.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
using Json = nlohmann::json;

namespace {

struct Editing {
    test::TemporaryFolder folder;
    std::filesystem::path file;

    Editing() {
        test::require_dicom();
        dicom::PhantomOptions options;
        options.patient_name = "Doe^Jane";
        options.patient_id = "4711";
        options.study_description = "Head";
        options.instances = 1;
        const auto series = dicom::write_phantom_series(options, folder / "series");
        REQUIRE(series.ok());
        file = series->front();
    }
    /// What `path` is after these changes, or why they could not be made.
    std::string after(const Json& edits, const std::string& path) const {
        std::vector<SettingProblem> problems;
        const auto parsed = parse_tag_edits({{"edits", edits}}, problems);
        for (const SettingProblem& problem : problems) return problem.path + ": " + problem.message;
        auto opened = dicom::EditableFile::open(file);
        REQUIRE(opened.ok());
        if (const auto done = apply_tag_edits(parsed, *opened, {}); !done) return done.error().message;
        return opened->element(path).value_or("(absent)");
    }
};

}  // namespace

TEST_CASE("Tags are set, removed, copied and appended to, one change after the other", "[runners][edit]") {
    const Editing editing;
    const auto [edits, path, expected] = GENERATE(table<std::string, std::string, std::string>({
        {R"([{"set": "StudyDescription", "text": "Trial 7"}])", "StudyDescription", "Trial 7"},
        {R"([{"set": "StudyDescription", "value": "'Trial ' + tags.PatientID"}])", "StudyDescription", "Trial 4711"},
        {R"([{"set": "SeriesNumber", "value": "int(tags.PatientID) + 1"}])", "SeriesNumber", "4712"},
        {R"([{"set": "ImageType", "value": "['DERIVED', 'SECONDARY']"}])", "ImageType", "DERIVED\\SECONDARY"},
        {R"([{"set": "RequestAttributesSequence[0].ScheduledProcedureStepID", "text": "7"}])",
         "RequestAttributesSequence[0].ScheduledProcedureStepID", "7"},
        {R"([{"set": "PatientComments", "text": "ä"}, {"set": "StudyID", "value": "tags.PatientComments * 0 + '7'"}])",
         "StudyID", "7"},
        {R"([{"remove": "PatientName"}])", "PatientName", "(absent)"},
        {R"([{"remove": ["PatientName", "0010,0020"]}])", "PatientID", "(absent)"},
        {R"([{"remove": "private"}])", "PatientName", "Doe^Jane"},
        {R"([{"remove": "PatientID", "everywhere": true}])", "PatientID", "(absent)"},
        {R"([{"copy": "PatientID", "to": "OtherPatientIDs"}])", "OtherPatientIDs", "4711"},
        {R"([{"copy": "PatientComments", "to": "StudyID", "default": "none"}])", "StudyID", "none"},
        {R"([{"append": "StudyDescription", "text": "fast", "separator": ", "}])", "StudyDescription", "Head, fast"},
        {R"([{"append": "PatientComments", "text": "first", "separator": ", "}])", "PatientComments", "first"},
        {R"([{"set": "PatientID", "text": "A"}, {"set": "StudyID", "value": "tags.PatientID + 'B'"}])", "StudyID",
         "AB"},
        {R"([{"set": "StudyID", "text": "x", "if": "tags.PatientID == '4711'"}])", "StudyID", "x"},
        {R"([{"set": "StudyDescription", "text": "x", "if": "tags.PatientID == '1'"}])", "StudyDescription", "Head"},
        {R"([{"set": "StudyDescription", "text": "x", "if": "tags.NoSuchTag == '1'"}])", "StudyDescription", "Head"},
    }));
    CAPTURE(edits);
    CHECK(editing.after(Json::parse(edits), path) == expected);
}

TEST_CASE("A change that cannot be made is named, without the patient's data", "[runners][edit]") {
    const Editing editing;
    const auto [edits, expected] = GENERATE(table<std::string, std::string>({
        {R"([{"copy": "PatientComments", "to": "StudyID"}])", "edits[0]: PatientComments is missing"},
        {R"([{"set": "StudyID", "text": "x"}, {"set": "StudyDate", "value": "tags.PatientName"}])",
         "edits[1]: the value does not fit StudyDate"},
        {R"([{"set": "StudyID", "value": "tags.NoSuchTag"}])", "edits[0]: "},
    }));
    CAPTURE(edits);
    const std::string why = editing.after(Json::parse(edits), "StudyID");
    CHECK(why.starts_with(expected));
    CHECK(why.find("Jane") == std::string::npos);
}

TEST_CASE("Settings that are wrong are named by their path, all at once", "[runners][edit]") {
    test::require_dicom();
    const auto [settings, path] = GENERATE(table<std::string, std::string>({
        {R"({})", "edits"},
        {R"({"edits": []})", "edits"},
        {R"({"edits": [{"set": "PatientNmae", "text": "x"}]})", "edits[0].set"},
        {R"({"edits": [{"set": "PatientName"}]})", "edits[0]"},
        {R"({"edits": [{"set": "PatientName", "text": "x", "value": "'y'"}]})", "edits[0]"},
        {R"({"edits": [{"set": "PatientName", "value": "1 +"}]})", "edits[0].value"},
        {R"({"edits": [{"set": "PatientName", "text": "x", "if": "("}]})", "edits[0].if"},
        {R"({"edits": [{"set": "Rows", "text": "1"}]})", "edits[0].set"},
        {R"({"edits": [{"remove": "PixelData"}]})", "edits[0].remove"},
        {R"({"edits": [{"remove": 7}]})", "edits[0].remove"},
        {R"({"edits": [{"copy": "PatientID"}]})", "edits[0].to"},
        {R"({"edits": [{"set": "A", "remove": "B"}]})", "edits[0]"},
        {R"({"edits": [{"set": "StudyID", "text": "x", "sperator": ","}]})", "edits[0].sperator"},
        {R"({"edits": ["set"]})", "edits[0]"},
        {R"({"edit": []})", "edits"},
    }));
    CAPTURE(settings);
    const auto problems = check_step_settings(edit_tags_step, Json::parse(settings));
    REQUIRE_FALSE(problems.empty());
    CHECK(problems.front().path == path);
}
