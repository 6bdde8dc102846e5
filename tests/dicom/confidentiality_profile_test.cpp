#include "quicksilver/dicom/confidentiality_profile.hpp"

#include "dicom/dicom_environment.hpp"
#include "dicom/element_path.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>

using namespace quicksilver;
using dicom::Treatment;

namespace {

Treatment treatment(std::uint32_t tag, const dicom::ConfidentialityOptions& options = {}) {
    const auto* row = dicom::find_confidentiality_row(tag);
    REQUIRE(row != nullptr);
    return dicom::treatment_of(*row, options);
}

}  // namespace

TEST_CASE("The table has every attribute of the standard's once, in order", "[dicom][deidentify]") {
    const auto rows = dicom::confidentiality_rows();
    CHECK(rows.size() == 620);  // and private attributes, which are no single tag
    CHECK(std::ranges::is_sorted(rows, {}, &dicom::ConfidentialityRow::tag));
    CHECK(std::ranges::adjacent_find(rows, {}, &dicom::ConfidentialityRow::tag) == rows.end());
    const auto count = [&rows](std::string_view basic) {
        return std::ranges::count(rows, basic, &dicom::ConfidentialityRow::basic);
    };
    CHECK(count("X") == 383);
    CHECK(count("Z") == 42);
    CHECK(count("D") == 92);
    CHECK(count("U") == 54);
    CHECK(count("X/Z") == 11);
    CHECK(count("X/D") == 22);
    CHECK(count("Z/D") == 6);
    CHECK(count("X/Z/D") == 8);
    CHECK(count("X/Z/U*") == 2);
}

TEST_CASE("The option columns of the table have as many entries as the standard's", "[dicom][deidentify]") {
    const auto count = [](std::uint32_t option) {
        return std::ranges::count_if(dicom::confidentiality_rows(),
                                     [option](const auto& row) { return (row.options & option) != 0; });
    };
    CHECK(count(dicom::uids) == 59);
    CHECK(count(dicom::device) == 46);
    CHECK(count(dicom::device_cleaned) == 11);
    CHECK(count(dicom::institution) == 10);
    CHECK(count(dicom::patient) == 9);
    CHECK(count(dicom::patient_cleaned) == 4);
    CHECK(count(dicom::dates) == 165);
    CHECK(count(dicom::descriptors) == 125);
    CHECK(count(dicom::structure) == 3);
    CHECK(count(dicom::graphics) == 4);
}

TEST_CASE("Attributes are treated as the basic profile says", "[dicom][deidentify]") {
    const auto [tag, expected] = GENERATE(table<std::uint32_t, Treatment>({
        {0x00080018, Treatment::uid},     // SOPInstanceUID: U
        {0x00080020, Treatment::empty},   // StudyDate: Z
        {0x00080021, Treatment::dummy},   // SeriesDate: X/D
        {0x00080022, Treatment::empty},   // AcquisitionDate: X/Z
        {0x00080050, Treatment::empty},   // AccessionNumber: Z
        {0x00080080, Treatment::dummy},   // InstitutionName: X/Z/D
        {0x00080090, Treatment::empty},   // ReferringPhysicianName: Z
        {0x00081030, Treatment::remove},  // StudyDescription: X
        {0x00081140, Treatment::keep},    // ReferencedImageSequence: X/Z/U*
        {0x00100010, Treatment::empty},   // PatientName: Z
        {0x00100020, Treatment::dummy},   // PatientID: Z/D
        {0x00101010, Treatment::remove},  // PatientAge: X
        {0x0040a730, Treatment::dummy},   // ContentSequence: D
        {0x50040010, Treatment::remove},  // a curve
        {0x60023000, Treatment::remove},  // an overlay's data
        {0xfffcfffc, Treatment::remove},  // DataSetTrailingPadding
    }));
    CAPTURE(tag);
    CHECK(treatment(tag) == expected);
}

TEST_CASE("Options change what their columns say", "[dicom][deidentify]") {
    dicom::ConfidentialityOptions options;
    SECTION("UIDs") {
        options.retain_uids = true;
        CHECK(treatment(0x0020000d, options) == Treatment::keep);
        CHECK(treatment(0x00100020, options) == Treatment::dummy);
    }
    SECTION("full dates") {
        options.retain_full_dates = true;
        CHECK(treatment(0x00080020, options) == Treatment::keep);
        CHECK(treatment(0x00100030, options) == Treatment::empty);  // a birth date is no longitudinal information
    }
    SECTION("modified dates, those of a retained device too") {
        options.retain_modified_dates = true;
        options.retain_device_identity = true;
        CHECK(treatment(0x00080020, options) == Treatment::clean);
        CHECK(treatment(0x00181200, options) == Treatment::clean);
        CHECK(treatment(0x00181000, options) == Treatment::keep);
    }
    SECTION("patient characteristics, which are kept or cleaned") {
        options.retain_patient_characteristics = true;
        CHECK(treatment(0x00101010, options) == Treatment::keep);
        CHECK(treatment(0x00102110, options) == Treatment::clean);
    }
    SECTION("institution, descriptors, structured content and graphics") {
        options.retain_institution_identity = true;
        options.clean_descriptors = true;
        options.clean_structured_content = true;
        options.clean_graphics = true;
        CHECK(treatment(0x00080080, options) == Treatment::keep);
        CHECK(treatment(0x00081030, options) == Treatment::clean);
        CHECK(treatment(0x0040a730, options) == Treatment::clean);
        CHECK(treatment(0x60003000, options) == Treatment::clean);
    }
}

TEST_CASE("Keywords of the table are those of the data dictionary", "[dicom][deidentify]") {
    test::require_dicom();
    unsigned compared = 0;
    for (const auto& row : dicom::confidentiality_rows()) {
        const std::string name =
            dicom::tag_name(DcmTagKey(static_cast<Uint16>(row.tag >> 16U), static_cast<Uint16>(row.tag)));
        if (name.starts_with('(') || row.tag >> 16U >= 0x5000) continue;  // the dictionary is older than the table
        CHECK(name == row.keyword);
        ++compared;
    }
    CHECK(compared > 550);
}

TEST_CASE("The documented table is the one that is used", "[dicom][deidentify]") {
    const auto manual = std::filesystem::path(QUICKSILVER_SOURCE_FOLDER) / "docs/deidentification.md";
    INFO("write what confidentiality_table_text() returns into docs/deidentification.md");
    CHECK(test::read_file(manual).find(dicom::confidentiality_table_text()) != std::string::npos);
}

TEST_CASE("The safe private attributes are those of the standard's table", "[dicom][deidentify]") {
    std::size_t count = 0;
    for (const dicom::SafePrivateBlock& block : dicom::safe_private_blocks()) {
        INFO(block.creator);
        CHECK(block.group % 2 == 1);
        CHECK(std::ranges::adjacent_find(block.elements, std::ranges::greater_equal()) == block.elements.end());
        count += block.elements.size();
    }
    CHECK(count == 462);
    CHECK(dicom::is_safe_private("ELSCINT1", 0x00e1, 0x50));
    CHECK(dicom::is_safe_private("GEMS_PARM_01", 0x0043, 0x6f));
    CHECK(dicom::is_safe_private("GEMS_HELIOS_01", 0x0045, 0x02));
    CHECK(dicom::is_safe_private("NQHeader", 0x0099, 0x21));
    CHECK(dicom::is_safe_private("Philips Imaging DD 001", 0x2001, 0x83));
    CHECK(dicom::is_safe_private("Philips MR Imaging DD 001", 0x2005, 0x0e));
    CHECK(dicom::is_safe_private("Philips PET Private Group", 0x7053, 0x00));
    CHECK(dicom::is_safe_private("SIEMENS MR HEADER", 0x0019, 0x27));
    CHECK_FALSE(dicom::is_safe_private("ELSCINT1", 0x01e1, 0x50));
    CHECK_FALSE(dicom::is_safe_private("SIEMENS MR HEADER", 0x0019, 0x08));
    CHECK_FALSE(dicom::is_safe_private("SIEMENS MR HEADER", 0x0029, 0x0c));
    CHECK_FALSE(dicom::is_safe_private("siemens mr header", 0x0019, 0x0c));
    CHECK_FALSE(dicom::is_safe_private("", 0x0019, 0x0c));
}
