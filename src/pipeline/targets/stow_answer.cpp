#include "stow_answer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace quicksilver {

namespace {

using Json = nlohmann::json;

constexpr const char* failed_sequence = "00081198";
constexpr const char* referenced_sequence = "00081199";
constexpr const char* other_failures_sequence = "0008119A";
constexpr const char* instance_uid = "00081155";
constexpr const char* failure_reason = "00081197";
constexpr const char* warning_reason = "00081196";

const Json* values_of(const Json& data_set, const char* tag) {
    const auto element = data_set.find(tag);
    if (element == data_set.end() || !element->is_object()) return nullptr;
    const auto values = element->find("Value");
    return values != element->end() && values->is_array() && !values->empty() ? &*values : nullptr;
}

std::string text_of(const Json& item, const char* tag) {
    const Json* values = values_of(item, tag);
    return values && values->front().is_string() ? values->front().get<std::string>() : std::string();
}

std::uint16_t status_of(const Json& item, const char* tag) {
    const Json* values = values_of(item, tag);
    return values && values->front().is_number_unsigned() ? values->front().get<std::uint16_t>() : std::uint16_t{0};
}

template <class Visitor>
void for_each_item(const Json& data_set, const char* sequence, Visitor visit) {
    const Json* items = values_of(data_set, sequence);
    if (!items) return;
    for (const Json& item : *items) {
        if (item.is_object()) visit(item);
    }
}

}  // namespace

Result<StowAnswer> parse_stow_answer(const std::string& body) {
    Json document = Json::parse(body, nullptr, false);
    // Some services wrap the data set into a list of one.
    if (document.is_array() && document.size() == 1) {
        Json only = std::move(document.front());
        document = std::move(only);
    }
    if (!document.is_object())
        return Error{Errc::invalid, "the answer is no DICOM JSON, so it does not tell what was stored"};
    StowAnswer answer;
    for_each_item(document, referenced_sequence, [&answer](const Json& item) {
        answer.stored[text_of(item, instance_uid)] = status_of(item, warning_reason);
    });
    for_each_item(document, failed_sequence, [&answer](const Json& item) {
        answer.failed[text_of(item, instance_uid)] = status_of(item, failure_reason);
    });
    for_each_item(document, other_failures_sequence,
                  [&answer](const Json& item) { answer.other_failure = status_of(item, failure_reason); });
    return answer;
}

std::string stow_failure_text(std::uint16_t reason) {
    const auto described = [reason](const char* text) { return fmt::format("0x{:04X}: {}", reason, text); };
    if ((reason & 0xff00) == 0xa700) return described("out of resources");
    if ((reason & 0xff00) == 0xa900) return described("the data set does not match its SOP class");
    if ((reason & 0xf000) == 0xc000) return described("cannot understand");
    switch (reason) {
        case 0x0110:
            return described("processing failure");
        case 0x0111:
            return described("duplicate SOP instance");
        case 0x0112:
            return described("no such SOP instance");
        case 0x0122:
            return described("SOP class not supported");
        case 0x0124:
            return described("not authorised");
        case 0x0131:
            return described("wrong study");
        case 0xc122:
            return described("transfer syntax not supported");
        default:
            return fmt::format("0x{:04X}", reason);
    }
}

}  // namespace quicksilver
