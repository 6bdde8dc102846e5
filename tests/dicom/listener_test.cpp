#include "quicksilver/dicom/listener.hpp"

#include "quicksilver/core/peer_text.hpp"
#include "quicksilver/dicom/file_meta.hpp"
#include "quicksilver/dicom/phantom.hpp"

#include "dicom/command_set.hpp"
#include "dicom/message_reader.hpp"
#include "dicom/message_writer.hpp"
#include "dicom/requested_association.hpp"
#include "dicom_files.hpp"
#include "running_listener.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <dcmtk/dcmdata/dcdeftag.h>

#include <future>

using namespace quicksilver;
using namespace quicksilver::dicom;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

std::vector<std::filesystem::path> make_series(const std::filesystem::path& folder, unsigned instances,
                                               std::uint64_t picture_bytes = 32 * 1024) {
    PhantomOptions options;
    options.instances = instances;
    set_picture_bytes(options, picture_bytes);
    return write_phantom_series(options, folder).value();
}

std::string data_set_of(const std::string& file) {
    const auto meta = parse_file_meta(std::as_bytes(std::span(file)));
    return meta ? file.substr(meta->data_set_offset) : "unreadable";
}

/// Sends one file on an association of its own.
Result<StoreReply> send_one(const Destination& destination, const std::filesystem::path& file) {
    const StopFlag stop{false};
    const auto context = storage_context_of(file);
    if (!context) return context.error();
    auto association = SendAssociation::open(destination, {*context}, stop);
    if (!association) return association.error();
    auto reply = (*association)->store(file);
    if (reply) (*association)->release();
    return reply;
}

Result<void> echo(const Destination& destination) {
    const StopFlag stop{false};
    auto association = SendAssociation::open(destination, {}, stop);
    if (!association) return association.error();
    auto echoed = (*association)->echo();
    (*association)->release();
    return echoed;
}

tcp::socket connect(asio::io_context& context, std::uint16_t port) {
    tcp::socket socket(context);
    socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
    return socket;
}

/// Reads until the peer closes.
std::string read_all(tcp::socket& socket) {
    std::string received;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(received), error);
    return received;
}

}  // namespace

TEST_CASE("An instance arrives bit by bit as it was sent, with its provenance", "[dicom][listener]") {
    test::RunningListener listener;
    test::TemporaryFolder folder;
    const auto file = make_series(folder.path(), 1).front();
    const auto reply = send_one(listener.destination(), file);
    INFO((reply ? reply->text : reply.error().message));
    REQUIRE(reply.ok());
    CHECK(reply->outcome == StoreOutcome::stored);
    CHECK(reply->streamed);

    const std::string uid = file.stem();
    const std::string received = listener.store.file(uid);
    CHECK(data_set_of(received) == data_set_of(test::read_file(file)));
    const auto meta = parse_file_meta(std::as_bytes(std::span(received)));
    REQUIRE(meta.ok());
    CHECK(meta->peer.calling_ae == "TEST");
    CHECK(meta->peer.called_ae == "ANY");
    CHECK(meta->peer.address == "127.0.0.1");
    REQUIRE(listener.store.stored.size() == 1);
    CHECK(listener.store.stored[0].identity.sop_instance_uid == uid);
    CHECK_FALSE(listener.store.stored[0].identity.series_instance_uid.empty());
    CHECK(listener.store.stored[0].bytes == data_set_of(received).size());
}

TEST_CASE("Objects of any size arrive whole, with a checksum that fits", "[dicom][listener]") {
    test::RunningListener listener;
    test::TemporaryFolder folder;
    for (const std::uint64_t size :
         {std::uint64_t{128}, std::uint64_t{1} << 10, std::uint64_t{1} << 18, std::uint64_t{24} << 20}) {
        CAPTURE(size);
        const auto file = make_series(folder / std::to_string(size), 1, size).front();
        REQUIRE(send_one(listener.destination(), file).value().outcome == StoreOutcome::stored);
        const std::string received = listener.store.file(file.stem());
        CHECK((data_set_of(received) == data_set_of(test::read_file(file))));
        test::write_file(folder / "received.dcm", received);
        CHECK(is_whole(folder / "received.dcm").value());
        CHECK(read_file_meta(folder / "received.dcm")->checksum.has_value());
    }
}

TEST_CASE("Silent and half-sent peers delay nobody", "[dicom][listener]") {
    test::RunningListener listener;  // 16 association threads
    asio::io_context context;
    std::vector<tcp::socket> silent;
    const std::string half = std::string("\x01\x00\x00\x00\x01\x00", 6) + std::string(100, 'x');
    for (int i = 0; i < 200; ++i) {
        silent.push_back(connect(context, listener.port()));
        if (i % 2 == 0) asio::write(silent.back(), asio::buffer(half));
    }
    const auto echoed = echo(listener.destination());
    INFO((echoed ? "" : echoed.error().message));
    CHECK(echoed.ok());
    CHECK(listener.listener().associations() <= 1);
}

TEST_CASE("A peer that stays silent for too long is closed", "[dicom][listener]") {
    ListenerLimits limits;
    limits.request_timeout = 100ms;
    test::RunningListener listener({}, limits);
    asio::io_context context;
    tcp::socket silent = connect(context, listener.port());
    CHECK(read_all(silent).empty());
}

TEST_CASE("What is not DICOM is closed at once", "[dicom][listener]") {
    test::RunningListener listener;
    asio::io_context context;
    for (const std::string& text :
         {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string("\x01\x00\xff\xff\xff\xff", 6),
          std::string("\x04\x00\x00\x00\x00\x04wxyz", 10)}) {
        tcp::socket socket = connect(context, listener.port());
        asio::write(socket, asio::buffer(text));
        CHECK(read_all(socket).empty());
    }
    CHECK(echo(listener.destination()).ok());
}

TEST_CASE("An association request of random content is answered or closed, and the next peer is served",
          "[dicom][listener]") {
    test::RunningListener listener;
    asio::io_context context;
    unsigned seed = 7;
    for (int round = 0; round < 100; ++round) {
        std::string body(68 + static_cast<std::size_t>(round), '\0');
        for (char& c : body) {
            seed = seed * 1664525U + 1013904223U;
            c = static_cast<char>(seed >> 24);
        }
        const auto length = static_cast<char>(body.size());
        tcp::socket socket = connect(context, listener.port());
        asio::write(socket, asio::buffer(std::string("\x01\x00\x00\x00\x00", 5) + length + body));
        socket.shutdown(tcp::socket::shutdown_send);
        read_all(socket);
    }
    CHECK(echo(listener.destination()).ok());
}

TEST_CASE("More associations than allowed are rejected as transient, and the reason is known", "[dicom][listener]") {
    test::RunningListener listener([](Config& config) { config.dicom.max_associations = 2; });
    const StopFlag stop{false};
    auto first = SendAssociation::open(listener.destination(), {}, stop);
    auto second = SendAssociation::open(listener.destination(), {}, stop);
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    const auto third = SendAssociation::open(listener.destination(), {}, stop);
    REQUIRE_FALSE(third.ok());
    CHECK(third.error().code == Errc::refused);
    CHECK(third.error().message.find("Local Limit Exceeded") != std::string::npos);
    CHECK((*first)->echo().ok());
}

TEST_CASE("Who matches no pattern of dicom.accept is rejected", "[dicom][listener]") {
    test::RunningListener listener([](Config& config) {
        config.dicom.accept = {AcceptPattern{"CT*", "", ""}, AcceptPattern{"", "ANY", "10.*"}};
    });
    auto destination = listener.destination();
    const auto rejected = echo(destination);
    REQUIRE_FALSE(rejected.ok());
    CHECK(rejected.error().message.find("Calling AE Title Not Recognized") != std::string::npos);
    destination.calling_ae = "CT_1";
    CHECK(echo(destination).ok());
    CHECK(listener.store.wait_for(0, 1));
}

TEST_CASE("Without room C-STORE is refused as out of resources, and the association goes on", "[dicom][listener]") {
    test::RunningListener listener;
    test::TemporaryFolder folder;
    const auto files = make_series(folder.path(), 2);
    const StopFlag stop{false};
    auto association = SendAssociation::open(listener.destination(), {*storage_context_of(files[0])}, stop);
    REQUIRE(association.ok());
    listener.store.set_room(Error{Errc::no_space, "only 3 MB free"});
    const auto refused = (*association)->store(files[0]);
    REQUIRE(refused.ok());
    CHECK(refused->outcome == StoreOutcome::refused);
    CHECK(refused->status == 0xA700);
    CHECK(refused->text == peer_text("only 3 MB free"));
    listener.store.set_room({});
    CHECK((*association)->store(files[1]).value().outcome == StoreOutcome::stored);
    (*association)->release();
    CHECK(listener.store.size() == 1);
}

TEST_CASE("A data set that cannot be used is refused with the status that says why", "[dicom][listener]") {
    test::RunningListener listener;
    test::TemporaryFolder folder;
    const InstanceIdentity identity{"1.2.840.10008.5.1.4.1.1.4", "2.25.111", "2.25.1", "2.25.11",
                                    "1.2.840.10008.1.2.1"};
    const std::string meta = encode_file_meta(identity, Peer{}).bytes;
    test::write_dicom(folder / "good.dcm", [](DcmFileFormat&) {});
    const std::string good = data_set_of(test::read_file(folder / "good.dcm"));
    test::write_dicom(folder / "no-series.dcm",
                      [](DcmFileFormat& file) { file.getDataset()->findAndDeleteElement(DCM_SeriesInstanceUID); });
    test::write_dicom(folder / "bad-series.dcm", [](DcmFileFormat& file) {
        file.getDataset()->putAndInsertString(DCM_SeriesInstanceUID, "../../etc");
    });
    struct Case {
        const char* what;
        std::string data_set;
        std::uint16_t status;
    };
    const Case cases[] = {
        {"garbage", std::string(4096, '\xee'), 0xC000},
        {"text", "this is not a data set at all, but a sentence that is long enough to be read", 0xC000},
        {"cut off before its UIDs", good.substr(0, 40), 0xC000},
        {"without SeriesInstanceUID", data_set_of(test::read_file(folder / "no-series.dcm")), 0xC000},
        {"a SeriesInstanceUID that is a path", data_set_of(test::read_file(folder / "bad-series.dcm")), 0xC000},
    };
    for (const Case& c : cases) {
        CAPTURE(c.what);
        test::write_file(folder / "bad.dcm", meta + c.data_set);
        const auto reply = send_one(listener.destination(), folder / "bad.dcm");
        REQUIRE(reply.ok());
        CHECK(reply->status == c.status);
        CHECK_FALSE(reply->text.empty());
    }
    CHECK(listener.store.size() == 0);
    CHECK(listener.store.wait_for(std::size(cases), 0));
}

TEST_CASE("Compressed images are taken as they are, or not at all", "[dicom][listener]") {
    test::TemporaryFolder folder;
    test::require_dicom();
    const auto file = make_series(folder.path(), 1).front();
    DcmFileFormat image;
    REQUIRE(image.loadFile(file.c_str()).good());
    REQUIRE(image.getDataset()->chooseRepresentation(EXS_RLELossless, nullptr).good());
    REQUIRE(image.saveFile((folder / "rle.dcm").c_str(), EXS_RLELossless).good());

    test::RunningListener taking;
    const auto taken = send_one(taking.destination(), folder / "rle.dcm");
    REQUIRE(taken.ok());
    CHECK(taken->streamed);
    CHECK(data_set_of(taking.store.file(file.stem())) == data_set_of(test::read_file(folder / "rle.dcm")));

    test::RunningListener refusing([](Config& config) { config.dicom.accept_compressed_images = false; });
    const auto decompressed = send_one(refusing.destination(), folder / "rle.dcm");
    REQUIRE(decompressed.ok());
    CHECK(decompressed->outcome == StoreOutcome::stored);
    CHECK_FALSE(decompressed->streamed);
    REQUIRE(refusing.store.stored.size() == 1);
    CHECK(refusing.store.stored[0].identity.transfer_syntax_uid == "1.2.840.10008.1.2.1");
}

TEST_CASE("Native transfer syntaxes and deflated ones arrive as they are", "[dicom][listener]") {
    test::RunningListener listener;
    test::TemporaryFolder folder;
    for (const E_TransferSyntax syntax : {EXS_LittleEndianImplicit, EXS_LittleEndianExplicit, EXS_BigEndianExplicit,
                                          EXS_DeflatedLittleEndianExplicit}) {
        CAPTURE(DcmXfer(syntax).getXferName());
        test::write_dicom(
            folder / "a.dcm", [](DcmFileFormat&) {}, syntax);
        const auto reply = send_one(listener.destination(), folder / "a.dcm");
        REQUIRE(reply.ok());
        CHECK(reply->outcome == StoreOutcome::stored);
        if (reply->streamed) {
            CHECK(data_set_of(listener.store.file(test::instance_uid)) ==
                  data_set_of(test::read_file(folder / "a.dcm")));
        }
        CHECK(listener.store.stored.back().identity.transfer_syntax_uid == DcmXfer(syntax).getXferID());
    }
}

TEST_CASE("A sender that breaks off in the middle leaves nothing behind", "[dicom][listener]") {
    test::RunningListener listener;
    test::TemporaryFolder folder;
    const auto file = make_series(folder.path(), 1, 24 << 20).front();
    StopFlag stop{false};
    auto association = SendAssociation::open(listener.destination(), {*storage_context_of(file)}, stop);
    REQUIRE(association.ok());
    auto sending = std::async(std::launch::async, [&] { return (*association)->store(file); });
    stop = true;
    const auto reply = sending.get();
    if (!reply) CHECK(reply.error().code == Errc::cancelled);
    association = Error{Errc::cancelled, ""};
    CHECK(echo(listener.destination()).ok());
    if (!reply) CHECK(listener.store.file(file.stem()).empty());
}

TEST_CASE("A peer that falls silent in the middle of a command is closed long before an idle one",
          "[dicom][listener]") {
    ListenerLimits limits;
    limits.data_timeout = std::chrono::seconds(1);
    test::RunningListener listener({}, limits);
    const StopFlag stop{false};
    RequestedAssociation association(listener.destination(), stop);
    const auto propose = [](T_ASC_Parameters* parameters) {
        const char* syntaxes[] = {UID_LittleEndianImplicitTransferSyntax};
        ASC_addPresentationContext(parameters, 1, UID_VerificationSOPClass, syntaxes, 1);
    };
    REQUIRE(association.open(propose).ok());
    CommandSet echo;
    echo.command_field = command_field::c_echo_rq;
    echo.sop_class_uid = UID_VerificationSOPClass;
    std::string half = encode_command(echo).substr(0, 20);
    REQUIRE(write_fragment(association.get(), 1, DUL_COMMANDPDV, half, false).good());
    T_ASC_PresentationContextID context_id = 0;
    std::string bytes;
    const auto patience = std::chrono::seconds(20);
    CHECK(receive_command(association.get(), patience, patience, context_id, bytes) == DUL_PEERABORTEDASSOCIATION);
}

TEST_CASE("A stop ends the wait for a peer that says nothing", "[dicom][send]") {
    test::require_dicom();
    asio::io_context io;
    asio::ip::tcp::acceptor silent(io, {asio::ip::address_v4::loopback(), 0});
    Destination destination;
    destination.host = "127.0.0.1";
    destination.port = silent.local_endpoint().port();
    StopFlag stop{false};
    auto opening = std::async(std::launch::async, [&] { return SendAssociation::open(destination, {}, stop).ok(); });
    CHECK(opening.wait_for(std::chrono::milliseconds(300)) == std::future_status::timeout);
    stop = true;
    REQUIRE(opening.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    CHECK_FALSE(opening.get());
}

TEST_CASE("A closed listener refuses what comes on open associations and then ends them", "[dicom][listener]") {
    test::RunningListener listener;
    test::TemporaryFolder folder;
    const auto files = make_series(folder.path(), 2);
    const StopFlag stop{false};
    auto association = SendAssociation::open(listener.destination(), {*storage_context_of(files[0])}, stop);
    REQUIRE(association.ok());
    REQUIRE((*association)->store(files[0]).value().outcome == StoreOutcome::stored);
    std::promise<void> closed;
    asio::post(listener.io(), [&] {
        listener.listener().close();
        closed.set_value();
    });
    closed.get_future().wait();
    const auto late = (*association)->store(files[1]);
    if (late) CHECK(late->status == 0xA700);  // otherwise it has ended already
    CHECK(listener.store.size() == 1);
    CHECK_FALSE(echo(listener.destination()).ok());
}
