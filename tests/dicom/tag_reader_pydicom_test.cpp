#include "quicksilver/dicom/tag_reader.hpp"

#include "dicom/dicom_environment.hpp"
#include "dicom/dicom_files.hpp"
#include "dicom/text_decoder.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace quicksilver;

TEST_CASE("Names in the sample files of every character set are what pydicom reads", "[dicom][charset][samples]") {
    test::require_dicom();
    const auto [name, patient] = GENERATE(table<std::string, std::string>({
        {"chrArab", "قباني^لنزار"},
        {"chrFren", "Buc^Jérôme"},
        {"chrFrenMulti", "Buc^Jérôme"},
        {"chrGerm", "Äneas^Rüdiger"},
        {"chrGreek", "Διονυσιος"},
        {"chrH31", "Yamada^Tarou=山田^太郎=やまだ^たろう"},
        {"chrH32", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"},
        {"chrHbrw", "שרון^דבורה"},
        {"chrI2", "Hong^Gildong=洪^吉洞=홍^길동"},
        {"chrJapMulti", "やまだ^たろう"},
        {"chrJapMultiExplicitIR6", "やまだ^たろう"},
        {"chrKoreanMulti", "김희중"},
        {"chrRuss", "Люкceмбypг"},
        {"chrX1", "Wang^XiaoDong=王^小東="},
        {"chrX2", "Wang^XiaoDong=王^小东="},
    }));
    CAPTURE(name);
    const auto tags = dicom::read_tags(test::pydicom_data() / "charset_files" / (name + ".dcm"));
    REQUIRE(tags.ok());
    CHECK(tags->get("PatientName") == patient);
}

TEST_CASE("Items of sequences have their own character set or that of the data set", "[dicom][charset][samples]") {
    test::require_dicom();
    const std::string name = GENERATE("chrSQEncoding.dcm", "chrSQEncoding1.dcm");
    CAPTURE(name);
    const auto patient = dicom::read_element(test::pydicom_data() / "charset_files" / name,
                                             "RequestedProcedureCodeSequence[0].PatientName");
    CHECK(patient == "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう");
}

TEST_CASE("Every sample file is read or refused, and what is read is valid UTF-8", "[dicom][samples]") {
    test::require_dicom();
    const std::vector<std::string> additional =
        GENERATE(std::vector<std::string>{}, std::vector<std::string>{"Rows", "PixelData", "0029,1010", "7fe1,0010"});
    std::vector<std::string> refused;
    std::size_t read = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(test::pydicom_data())) {
        if (!entry.is_regular_file()) continue;
        const auto tags = dicom::read_tags(entry.path(), {additional, {}});
        if (!tags) {
            if (entry.path().extension() == ".dcm") refused.push_back(entry.path().filename().string());
            continue;
        }
        ++read;
        for (const auto& [key, value] : tags->entries()) {
            CAPTURE(entry.path().string(), key);
            REQUIRE(dicom::is_valid_utf8(value));
        }
    }
    CHECK(read > 150);
    // What is damaged behind the last tag of interest only matters to who asks for more.
    std::vector<std::string> expected = {"no_meta.dcm"};
    if (!additional.empty()) {
        expected.insert(expected.end(), {"MR_truncated.dcm", "SC_rgb_jpeg.dcm", "rtplan_truncated.dcm"});
    }
    std::sort(refused.begin(), refused.end());
    std::sort(expected.begin(), expected.end());
    CHECK(refused == expected);
}
