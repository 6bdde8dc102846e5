#include "quicksilver/pipeline/runners/builtin_steps.hpp"

#include "quicksilver/dicom/phantom.hpp"
#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/pipeline/runners/module_runner.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

/// Two instances of a patient in `in`, and steps that work on them.
struct Steps {
    test::TemporaryFolder folder;
    std::string log;

    Steps() {
        test::require_dicom();
        fs::create_directory(folder / "data");
        add_series("in", 1);
    }
    void add_series(const std::string& name, unsigned number) const {
        dicom::PhantomOptions options;
        options.patient_name = "Mustermann^Erika";
        options.patient_id = "PID-471108";
        options.series_number = number;
        options.instances = 2;
        REQUIRE(dicom::write_phantom_series(options, folder / name).ok());
    }
    /// One run by runners as a start of the server makes them.
    Result<ModuleEnd> run(std::string_view step, const Json& settings, const std::string& from = "in",
                          const std::string& to = "out") {
        auto config = std::make_shared<Config>();
        config->folders.data = folder / "data";
        RunnerRegistry registry;
        register_builtin_runners(registry, *config);
        ModuleRunner* runner = registry.find(step);
        REQUIRE(runner != nullptr);
        ModuleRun run;
        run.id = {"task", 0, "1"};
        run.module = "step";
        run.settings = settings;
        run.in = folder / from;
        run.out = folder / to;
        run.server = config;
        fs::create_directory(run.out);
        RunProgress progress;
        progress.output = [this](std::string_view lines) { log += lines; };
        if (auto prepared = runner->prepare(run, control, progress); !prepared) return prepared.error();
        auto end = runner->run(run, control, progress);
        CHECK(runner->collect(run).ok());
        return end;
    }
    std::vector<fs::path> files(const std::string& name) const {
        std::vector<fs::path> files;
        for (const auto& entry : fs::recursive_directory_iterator(folder / name)) {
            if (entry.is_regular_file()) files.push_back(entry.path());
        }
        std::sort(files.begin(), files.end());
        return files;
    }
    std::string tag(const fs::path& file, const char* name) const {
        return dicom::read_element(file, name).value_or("(absent)");
    }
    RunControl control;
};

const Json set_study_id = {{"edits", {{{"set", "StudyID"}, {"text", "7"}}}}};

}  // namespace

TEST_CASE("edit-tags writes every instance under its name, and passes other files on", "[runners][edit]") {
    Steps steps;
    test::write_file(steps.folder / "in/report.pdf", "a report");
    test::write_file(steps.folder / "in/task.json", "{}");
    REQUIRE(steps.run(edit_tags_step, set_study_id).ok());
    const auto in = steps.files("in");
    const auto out = steps.files("out");
    REQUIRE(out.size() == 3);  // task.json is made for each step
    CHECK(out[0].filename() == in[0].filename());
    CHECK(steps.tag(out[0], "StudyID") == "7");
    CHECK(test::read_file(steps.folder / "out/report.pdf") == "a report");
    CHECK(steps.log.find("2 instances written") != std::string::npos);
}

TEST_CASE("An instance whose UIDs were changed is named after them", "[runners][edit]") {
    Steps steps;
    const Json edits = {{"edits", {{{"set", "SeriesInstanceUID"}, {"text", "1.2.3"}}}}};
    REQUIRE(steps.run(edit_tags_step, edits).ok());
    for (const fs::path& file : steps.files("out")) {
        CHECK(file.filename() == "1.2.3#" + steps.tag(file, "SOPInstanceUID") + ".dcm");
    }
    const Json same = {{"edits", {{{"set", "SOPInstanceUID"}, {"text", "1.2.3"}}}}};
    const auto end = steps.run(edit_tags_step, same, "in", "same");
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().message.find("same SOPInstanceUID") != std::string::npos);
}

TEST_CASE("De-identified instances have new names and tell nobody who it was", "[runners][deidentify]") {
    Steps steps;
    test::write_file(steps.folder / "in/Mustermann.pdf", "Erika");
    fs::create_directory(steps.folder / "in/Mustermann");
    fs::copy(steps.files("in").front(), steps.folder / "in/Mustermann/copy.dcm");
    const std::string uid = steps.tag(steps.folder / "in/Mustermann/copy.dcm", "SOPInstanceUID");
    REQUIRE(steps.run(deidentify_step, Json::object()).ok());
    const auto out = steps.files("out");
    CHECK(out.size() == 3);
    for (const fs::path& file : out) {
        CHECK(file.filename() ==
              steps.tag(file, "SeriesInstanceUID") + "#" + steps.tag(file, "SOPInstanceUID") + ".dcm");
        const std::string all = file.string() + test::read_file(file);
        for (const std::string& gone : {std::string("Mustermann"), std::string("PID-471108"), uid}) {
            CHECK(all.substr(steps.folder.path().string().size()).find(gone) == std::string::npos);
        }
    }
    CHECK(steps.log.find("1 files that are no images go no further") != std::string::npos);
    CHECK(steps.log.find("Mustermann") == std::string::npos);
}

TEST_CASE("Pseudonyms are the same for every series and after a restart, and others elsewhere",
          "[runners][deidentify]") {
    Steps steps;
    steps.add_series("other", 2);
    REQUIRE(steps.run(deidentify_step, Json::object()).ok());
    REQUIRE(steps.run(deidentify_step, Json::object(), "other", "other-out").ok());
    const fs::path first = steps.files("out").front();
    const fs::path other = steps.files("other-out").front();
    for (const char* name : {"PatientID", "StudyInstanceUID"}) CHECK(steps.tag(first, name) == steps.tag(other, name));
    CHECK(steps.tag(first, "SeriesInstanceUID") != steps.tag(other, "SeriesInstanceUID"));
    fs::remove(steps.folder / "data/deidentification.key");
    REQUIRE(steps.run(deidentify_step, Json::object(), "in", "with-other-key").ok());
    CHECK(steps.tag(first, "PatientID") != steps.tag(steps.files("with-other-key").front(), "PatientID"));
}

TEST_CASE("A file that cannot be read fails the whole run", "[runners][edit]") {
    Steps steps;
    const fs::path last = steps.files("in").back();
    fs::resize_file(last, fs::file_size(last) / 2);
    CHECK_FALSE(steps.run(edit_tags_step, set_study_id).ok());
    CHECK_FALSE(steps.run(deidentify_step, Json::object(), "in", "anonymous").ok());
}

TEST_CASE("A run that is to end stops before the next instance", "[runners][edit]") {
    Steps steps;
    steps.control.interrupt(Interruption::cancelled);
    const auto end = steps.run(edit_tags_step, set_study_id);
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().code == Errc::cancelled);
    CHECK(steps.files("out").empty());
}

TEST_CASE("Wrong settings of a de-identification are named, and it refuses to run", "[runners][deidentify]") {
    Steps steps;
    const auto [settings, path] = GENERATE(table<std::string, std::string>({
        {R"({"retain_uid": true})", "retain_uid"},
        {R"({"retain_uids": "yes"})", "retain_uids"},
        {R"({"days_back_max": 0})", "days_back_max"},
        {R"({"pseudonym_prefix": "a b"})", "pseudonym_prefix"},
        {R"({"safe_private_creators": 7})", "safe_private_creators"},
        {R"({"retain_full_dates": true, "retain_modified_dates": true})", "retain_modified_dates"},
        {R"([])", ""},
    }));
    CAPTURE(settings);
    const auto problems = check_step_settings(deidentify_step, Json::parse(settings));
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().path == path);
    CHECK_FALSE(steps.run(deidentify_step, Json::parse(settings)).ok());
    CHECK_FALSE(fs::exists(steps.folder / "data/deidentification.key"));
}

TEST_CASE("Settings of container modules are their own business", "[runners]") {
    CHECK(check_step_settings("docker", Json::parse(R"({"anything": 1})")).empty());
    CHECK_FALSE(is_builtin_step("docker"));
    CHECK(is_builtin_step(deidentify_step));
}
