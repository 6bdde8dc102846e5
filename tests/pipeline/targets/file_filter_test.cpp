#include "pipeline/targets/file_filter.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;

namespace {

std::vector<std::string> names_of(const std::filesystem::path& folder, const char* filter = "") {
    std::vector<std::string> names;
    const auto files = files_to_hand_over(folder, FileFilter(filter));
    REQUIRE(files.ok());
    for (const HandedFile& file : *files) names.push_back(file.name + (file.is_tags ? "!" : ""));
    return names;
}

}  // namespace

TEST_CASE("A filter leaves out what one of its patterns matches", "[pipeline][targets]") {
    struct Case {
        const char *list, *file;
        bool excluded;
    };
    const Case cases[] = {
        {"", "a.dcm", false},
        {"*.tags", "a.tags", true},
        {"*.tags", "a.tags2", false},
        {" *.tags , task.json ", "task.json", true},
        {",,", "a", false},
        {"a?.dcm", "a1.dcm", true},
        {"a?.dcm", "a12.dcm", false},
        {"[ab]*", "b#1.dcm", true},
        {"my file.pdf", "my file.pdf", true},
    };
    for (const Case& c : cases) {
        CAPTURE(c.list, c.file);
        CHECK(FileFilter(c.list).excludes(c.file) == c.excluded);
    }
}

TEST_CASE("All files are handed over but markers, with tags beside each instance", "[pipeline][targets]") {
    test::TemporaryFolder root;
    for (const char* name : {"b.dcm", "a.dcm", "a.tags", "task.json", "result.pdf", "sent.log", "sent.txt", ".lock"}) {
        test::write_file(root / name, "x");
    }
    std::filesystem::create_directory(root / "folder");
    CHECK(names_of(root.path()) ==
          std::vector<std::string>({"a.dcm", "a.tags", "b.dcm", "b.tags!", "result.pdf", "task.json"}));
    CHECK(names_of(root.path(), "*.tags,*.pdf") == std::vector<std::string>({"a.dcm", "b.dcm", "task.json"}));
    CHECK_FALSE(files_to_hand_over(root / "absent", FileFilter("")).ok());
}

TEST_CASE("What lies in folders goes too, and filters know it by either name", "[pipeline][targets]") {
    test::TemporaryFolder root;
    for (const char* name : {"a.dcm", "masks/liver/1.nii", "masks/b.dcm", ".cache/c.dcm", "masks/.hidden"}) {
        test::write_file(root / name, "x");
    }
    CHECK(names_of(root.path()) ==
          std::vector<std::string>({"a.dcm", "a.tags!", "masks/b.dcm", "masks/b.tags!", "masks/liver/1.nii"}));
    CHECK(names_of(root.path(), "*.tags,masks/*") == std::vector<std::string>({"a.dcm"}));
    CHECK(names_of(root.path(), "*.tags,*.nii") == std::vector<std::string>({"a.dcm", "masks/b.dcm"}));
}

TEST_CASE("A file that is no DICOM has no tags", "[pipeline][targets]") {
    test::TemporaryFolder root;
    test::write_file(root / "a.dcm", "no DICOM");
    CHECK_FALSE(tags_content(HandedFile{"a.tags", root / "a.dcm", true}, {}).has_value());
}
