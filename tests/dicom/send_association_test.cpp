#include "quicksilver/dicom/send_association.hpp"

#include "quicksilver/dicom/phantom.hpp"

#include "dicom_environment.hpp"
#include "dicom_files.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <dcmtk/dcmdata/dcdeftag.h>

using namespace quicksilver;
using namespace quicksilver::dicom;

TEST_CASE("A status of C-STORE is classed as the standard says", "[dicom][send]") {
    struct Case {
        std::uint16_t status;
        StoreOutcome outcome;
    };
    const Case cases[] = {
        {0x0000, StoreOutcome::stored},  {0xB000, StoreOutcome::warning}, {0xB006, StoreOutcome::warning},
        {0xB007, StoreOutcome::warning}, {0x0107, StoreOutcome::warning}, {0x0116, StoreOutcome::warning},
        {0xA700, StoreOutcome::refused}, {0xA7FF, StoreOutcome::refused}, {0xA900, StoreOutcome::failed},
        {0xC000, StoreOutcome::failed},  {0x0111, StoreOutcome::failed},  {0x0122, StoreOutcome::failed},
        {0x0124, StoreOutcome::failed},
    };
    for (const Case& c : cases) {
        CAPTURE(c.status);
        CHECK(classify_store_status(c.status) == c.outcome);
    }
}

TEST_CASE("Files are planned into associations of not too many contexts, unreadable ones set apart", "[dicom][send]") {
    test::require_dicom();
    test::TemporaryFolder folder;
    std::vector<std::filesystem::path> files;
    for (std::size_t i = 0; i <= SendAssociation::max_contexts; ++i) {
        files.push_back(folder / (std::to_string(i) + ".dcm"));
        test::write_dicom(files.back(), [i](DcmFileFormat& file) {
            const std::string uid = "1.2.840.99999." + std::to_string(i);
            file.getDataset()->putAndInsertString(DCM_SOPClassUID, uid.c_str());
        });
    }
    files.push_back(files.front());
    test::write_file(folder / "note.txt", "not DICOM");
    files.push_back(folder / "note.txt");
    const SendPlan plan = plan_sending(files);
    REQUIRE(plan.groups.size() == 2);
    CHECK(plan.groups[0].contexts.size() == SendAssociation::max_contexts);
    CHECK(plan.groups[1].contexts.size() == 2);
    CHECK(plan.groups[0].files.size() + plan.groups[1].files.size() == SendAssociation::max_contexts + 2);
    REQUIRE(plan.unreadable.size() == 1);
    CHECK(plan.unreadable[0].reason.find("note.txt") != std::string::npos);
}

TEST_CASE("An address where nobody listens is named in the error", "[dicom][send]") {
    test::require_dicom();
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor taken(context,
                                         boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    Destination destination;
    destination.host = "127.0.0.1";
    destination.port = taken.local_endpoint().port();
    destination.called_ae = "PACS";
    taken.close();
    const StopFlag stop{false};
    const auto association = SendAssociation::open(destination, {}, stop);
    REQUIRE_FALSE(association.ok());
    CHECK(association.error().code == Errc::network);
    CHECK(association.error().message.find("PACS at 127.0.0.1:") != std::string::npos);
}

TEST_CASE("A peer that accepts the connection and says nothing is a time-out", "[dicom][send]") {
    test::require_dicom();
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor silent(context,
                                          boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    Destination destination;
    destination.host = "127.0.0.1";
    destination.port = silent.local_endpoint().port();
    destination.association_timeout = std::chrono::seconds(1);
    const StopFlag stop{false};
    const auto association = SendAssociation::open(destination, {}, stop);
    REQUIRE_FALSE(association.ok());
    CHECK(association.error().code == Errc::timed_out);
}
