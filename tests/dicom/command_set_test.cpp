#include "dicom/command_set.hpp"

#include "support/catch.hpp"

#include <fmt/format.h>

#include <random>

using namespace quicksilver;
using namespace quicksilver::dicom;

namespace {

CommandSet store_response() {
    CommandSet command;
    command.command_field = command_field::c_store_rsp;
    command.message_id = 4711;
    command.status = 0xA700;
    command.error_comment = "odd";
    command.sop_class_uid = "1.2.840.10008.5.1.4.1.1.2";
    command.sop_instance_uid = "1.2.3";
    return command;
}

std::string element(const std::string& number, const std::string& value) {
    return std::string("\0\0", 2) + number + static_cast<char>(value.size()) + std::string(3, '\0') + value;
}

}  // namespace

TEST_CASE("A command set is encoded as the standard has it", "[dicom][command]") {
    CommandSet echo;
    echo.command_field = command_field::c_echo_rsp;
    echo.message_id = 1;
    echo.sop_class_uid = "1.2";
    const std::string expected =
        element(std::string("\0\0", 2), std::string("\x34\0\0\0", 4)) +
        element(std::string("\x02\0", 2), std::string("1.2\0", 4)) + element(std::string("\0\x01", 2), "\x30\x80") +
        element(std::string("\x20\x01", 2), std::string("\x01\0", 2)) + element(std::string("\0\x08", 2), "\x01\x01") +
        element(std::string("\0\x09", 2), std::string("\0\0", 2));
    CHECK(encode_command(echo) == expected);
}

TEST_CASE("What was encoded is decoded again", "[dicom][command]") {
    const auto decoded = decode_command(encode_command(store_response()));
    REQUIRE(decoded.ok());
    CHECK(decoded->command_field == command_field::c_store_rsp);
    CHECK(decoded->is_response());
    CHECK(decoded->message_id == 4711);
    CHECK(decoded->status == 0xA700);
    CHECK(decoded->error_comment == "odd");
    CHECK(decoded->sop_class_uid == "1.2.840.10008.5.1.4.1.1.2");
    CHECK(decoded->sop_instance_uid == "1.2.3");
    CHECK_FALSE(decoded->has_data_set);

    CommandSet request;
    request.command_field = command_field::c_store_rq;
    request.has_data_set = true;
    const auto asked = decode_command(encode_command(request));
    REQUIRE(asked.ok());
    CHECK(asked->has_data_set);
    CHECK_FALSE(asked->is_response());
    CHECK(asked->sop_instance_uid.empty());
}

TEST_CASE("A comment is shortened to what fits, and has no backslash", "[dicom][command]") {
    CommandSet command = store_response();
    // fmt, because g++ 12 warns of adding strings at -O2 (a false alarm).
    command.error_comment = fmt::format("{:x>63}\\and more", "");
    CHECK(decode_command(encode_command(command))->error_comment == fmt::format("{:x>63}/", ""));
}

TEST_CASE("What is no command set is an error", "[dicom][command]") {
    const std::string field = element(std::string("\0\x01", 2), "\x30\x80");
    struct Case {
        const char* what;
        std::string bytes;
    };
    const Case cases[] = {
        {"nothing", ""},
        {"no CommandField", element(std::string("\x02\0", 2), "1.2.")},
        {"another group", "\x08" + field.substr(1)},
        {"half an element", field + std::string("\0", 1)},
        {"a value that is cut off", field + field.substr(0, 9)},
        {"a number of four bytes", element(std::string("\0\x01", 2), std::string("\x30\x80\0\0", 4))},
    };
    for (const Case& c : cases) {
        CAPTURE(c.what);
        CHECK_FALSE(decode_command(c.bytes).ok());
    }
    CHECK(decode_command(field).ok());
    CHECK(decode_command(field + element("\x31\x10", "unknown.")).ok());
}

TEST_CASE("Random and damaged bytes are refused or decoded, and nothing else", "[dicom][command]") {
    std::mt19937 random(4711);
    const std::string whole = encode_command(store_response());
    for (int round = 0; round < 20000; ++round) {
        std::string bytes = whole.substr(0, random() % (whole.size() + 1));
        for (int i = 0; i < round % 5 && !bytes.empty(); ++i)
            bytes[random() % bytes.size()] = static_cast<char>(random());
        (void)decode_command(bytes);
    }
}
