#include "dicom/incoming_instance.hpp"

#include "quicksilver/dicom/file_meta.hpp"

#include "dicom_environment.hpp"
#include "dicom_files.hpp"
#include "memory_store.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
using namespace quicksilver::dicom;

namespace {

struct Fixture {
    test::MemoryStore store;
    IncomingInstance::Scratch scratch;
    IncomingInstance::Request request{"", test::instance_uid, "1.2.840.10008.1.2.1", Peer{"A", "B", "192.0.2.1"}};
    std::string data_set;

    Fixture() {
        test::require_dicom();
        test::TemporaryFolder folder;
        test::write_dicom(folder / "a.dcm", [](DcmFileFormat&) {});
        const std::string file = test::read_file(folder / "a.dcm");
        const auto meta = parse_file_meta(std::as_bytes(std::span(file))).value();
        request.sop_class_uid = meta.sop_class_uid;
        data_set = file.substr(meta.data_set_offset);
    }

    Result<StoredInstance> receive(std::size_t fragment) {
        IncomingInstance instance(store, request, scratch);
        for (std::size_t at = 0; at < data_set.size(); at += fragment) {
            instance.add(std::as_bytes(std::span(data_set)).subspan(at, std::min(fragment, data_set.size() - at)));
        }
        return instance.finish();
    }
};

}  // namespace

TEST_CASE("An instance is the same however it is cut into fragments", "[dicom][incoming]") {
    Fixture f;
    std::string first;
    for (const std::size_t fragment : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
        REQUIRE(f.receive(fragment).ok());
        const std::string file = f.store.file(test::instance_uid);
        if (first.empty()) first = file;
        CHECK((file == first));
    }
    CHECK(first.ends_with(f.data_set));
}

TEST_CASE("UIDs of a writer that calls every element UN are read as UIDs", "[dicom][incoming]") {
    Fixture f;
    const auto element = [](const char* tag, std::string value) {
        if (value.size() % 2 != 0) value += '\0';
        const std::string head = std::string(tag, 4) + std::string("UN\0\0", 4);
        return head + static_cast<char>(value.size()) + std::string(3, '\0') + value;
    };
    f.data_set = element("\x08\0\x16\0", f.request.sop_class_uid) + element("\x08\0\x18\0", test::instance_uid) +
                 element("\x20\0\x0d\0", "2.25.1") + element("\x20\0\x0e\0", "2.25.77");
    const auto stored = f.receive(100);
    REQUIRE(stored.ok());
    CHECK(stored->identity.series_instance_uid == "2.25.77");
    CHECK(stored->identity.sop_instance_uid == test::instance_uid);
}

TEST_CASE("A data set of another instance or class than the request names is refused", "[dicom][incoming]") {
    Fixture f;
    f.request.sop_instance_uid = "2.25.999";
    const auto other_instance = f.receive(100);
    REQUIRE_FALSE(other_instance.ok());
    CHECK(other_instance.error().code == Errc::refused);
    f.request.sop_instance_uid = test::instance_uid;
    f.request.sop_class_uid = "1.2.840.10008.5.1.4.1.1.2";
    const auto other_class = f.receive(100);
    REQUIRE_FALSE(other_class.ok());
    CHECK(other_class.error().message.find("SOPClassUID") != std::string::npos);
    CHECK(f.store.size() == 0);
}
