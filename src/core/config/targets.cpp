#include "targets.hpp"

#include "fields.hpp"
#include "scalars.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

bool has(const Json& target, std::string_view key) {
    const Json* member = find_member(target, key);
    return member && !member->is_null();
}

bool has_any(const Json& target, std::initializer_list<std::string_view> keys) {
    return std::ranges::any_of(keys, [&](std::string_view key) { return has(target, key); });
}

std::string text_of(const Json& target, std::string_view key) {
    const Json* member = find_member(target, key);
    if (!member) return "";
    const auto text = read_text(*member);
    return text ? *text : "";
}

bool is_word(std::string_view text, std::string_view also) {
    return std::ranges::all_of(text, [also](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               also.find(c) != std::string_view::npos;
    });
}

/// The field of a DICOM target that mercure's own check refuses, or "": AE titles with blanks, hosts with `_` or IPv6.
std::string_view refused_by_mercure(std::string_view type, const Json& target) {
    for (const std::string_view key : {"aet_target", "aet_source"}) {
        const std::string title = text_of(target, key);
        if (title.size() > 16 || !is_word(title, "_-")) return key;
    }
    if (type == "dicom" && !is_word(text_of(target, "ip"), ".-")) return "ip";
    return "";
}

void note_what_mercure_does(std::string_view type, bool typed, const Json& source, const std::string& path,
                            Reading& reading) {
    if (type == "dicom" || type == "dicomtls") {
        const std::string_view field = refused_by_mercure(type, source);
        if (!field.empty()) {
            reading.findings.note(
                child_path(path, field),
                typed ? "mercure refuses this value and with it the whole file; here it is accepted"
                      : "mercure refuses this value and makes the target a dummy that delivers nothing; "
                        "here it is accepted");
            return;
        }
    }
    if (typed) return;
    if (type == "dicomtls") {
        reading.findings.note(path,
                              "mercure reads this target without target_type as dicom, unencrypted; here it is "
                              "dicomtls by its fields");
    } else if (type == "rsync") {
        reading.findings.note(path,
                              "mercure reads this target without target_type as sftp; here it is rsync by its fields");
    } else {
        reading.findings.note(path, fmt::format("has no target_type; it is {} by its fields", type));
    }
}

/// The type that counts; empty, with an error, when there is none.
std::string type_of(const Json& target, const std::string& path, Reading& reading) {
    const auto types = target_types();
    const std::vector<std::string_view> names(types.begin(), types.end());
    const std::string given = text_of(target, "target_type");
    if (!given.empty()) {
        if (std::ranges::find(names, given) != names.end()) return given;
        reading.findings.error(
            child_path(path, "target_type"),
            fmt::format("{} is none of {}{}", in_quotes(given), fmt::join(names, ", "), did_you_mean(given, names)));
        return "";
    }
    const std::string_view type = classify_target(target);
    if (type.empty()) {
        reading.findings.error(path, fmt::format("has no target_type, and its fields do not tell it; say one of {}",
                                                 fmt::join(names, ", ")));
    }
    return std::string(type);
}

}  // namespace

std::string_view classify_target(const Json& target) {
    if (has_any(target, {"ip", "aet_target", "aet_source"})) {
        return has_any(target, {"tls_key", "tls_cert", "ca_cert"}) ? "dicomtls" : "dicom";
    }
    if (has_any(target, {"url", "qido_url_prefix", "wado_url_prefix", "stow_url_prefix"})) return "dicomweb";
    if (has_any(target, {"bucket", "access_key_id", "secret_access_key"})) return "s3";
    if (has(target, "project_id")) return "xnat";
    if (has(target, "host")) return has(target, "run_on_complete") ? "rsync" : "sftp";
    if (has(target, "folder")) return "folder";
    return "";
}

Json read_target(const Json& source, const std::string& path, Reading& reading) {
    if (!source.is_object()) {
        reading.findings.error(path, fmt::format("is {}, not an object", describe(source)));
        return Json::object();
    }
    const std::string type = type_of(source, path, reading);
    if (type.empty()) return Json::object();
    const bool typed = !text_of(source, "target_type").empty();
    note_what_mercure_does(type, typed, source, path, reading);
    Json completed = source;
    completed["target_type"] = type;
    return read_object(target_fields(type), completed, path, reading);
}

}  // namespace quicksilver
