#include "dicom/presentation_contexts.hpp"

#include "dicom_environment.hpp"
#include "support/catch.hpp"

using namespace quicksilver::dicom;

namespace {

const std::string implicit_little = "1.2.840.10008.1.2";
const std::string explicit_little = "1.2.840.10008.1.2.1";
const std::string explicit_big = "1.2.840.10008.1.2.2";
const std::string deflated = "1.2.840.10008.1.2.1.99";
const std::string jpeg_baseline = "1.2.840.10008.1.2.4.50";
const std::string jpeg_2000 = "1.2.840.10008.1.2.4.90";
const std::string htj2k = "1.2.840.10008.1.2.4.201";
const std::string mpeg_4 = "1.2.840.10008.1.2.4.102";
const std::string rle = "1.2.840.10008.1.2.5";
const std::string private_syntax = "1.2.840.113619.5.2";

}  // namespace

TEST_CASE("The transfer syntax is the peer's first that we take, explicit rather than implicit", "[dicom][contexts]") {
    struct Case {
        std::vector<std::string> proposed;
        bool compressed;
        std::optional<std::string> chosen;
    };
    const Case cases[] = {
        {{implicit_little}, false, implicit_little},
        {{implicit_little, explicit_little}, false, explicit_little},
        {{explicit_big, implicit_little}, false, explicit_big},
        {{deflated}, false, deflated},
        {{jpeg_baseline}, false, std::nullopt},
        {{jpeg_baseline, implicit_little}, false, implicit_little},
        {{jpeg_baseline, explicit_little}, true, jpeg_baseline},
        {{explicit_little, jpeg_baseline}, true, explicit_little},
        {{jpeg_2000}, true, jpeg_2000},
        {{htj2k}, true, htj2k},
        {{mpeg_4}, true, mpeg_4},
        {{rle}, true, rle},
        {{rle}, false, std::nullopt},
        {{private_syntax}, true, std::nullopt},
        {{}, true, std::nullopt},
    };
    for (const Case& c : cases) {
        CAPTURE(c.proposed, c.compressed);
        CHECK(choose_transfer_syntax(c.proposed, c.compressed) == c.chosen);
    }
}

TEST_CASE("Every storage class is taken, known or not, and no service that we do not offer", "[dicom][contexts]") {
    quicksilver::test::require_dicom();
    CHECK(is_storable("1.2.840.10008.5.1.4.1.1.2"));          // CT
    CHECK(is_storable("1.2.840.10008.5.1.4.1.1.104.1"));      // encapsulated PDF
    CHECK(is_storable("1.2.840.10008.5.1.4.1.1.88.11"));      // structured report
    CHECK(is_storable("1.3.12.2.1107.5.9.1"));                // Siemens CSA
    CHECK(is_storable("1.2.840.113619.4.30"));                // a vendor's own
    CHECK_FALSE(is_storable("1.2.840.10008.1.1"));            // verification
    CHECK_FALSE(is_storable("1.2.840.10008.5.1.4.1.2.2.1"));  // study root query
    CHECK_FALSE(is_storable("1.2.840.10008.5.1.4.31"));       // modality worklist
    CHECK_FALSE(is_storable("1.2.840.10008.1.20.1"));         // storage commitment
}
