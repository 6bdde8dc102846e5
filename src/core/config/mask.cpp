#include "quicksilver/core/config_report.hpp"

#include "fields.hpp"
#include "findings.hpp"
#include "parse.hpp"
#include "secrets.hpp"

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view mask_text = "********";

/// `https://user:password@host/…` → `https://user:********@host/…`
std::string mask_url(const std::string& url) {
    const auto scheme = url.find("://");
    if (scheme == std::string::npos) return url;
    const auto authority = scheme + 3;
    const auto end = std::min(url.find_first_of("/?#", authority), url.size());
    const auto at = url.substr(0, end).rfind('@');
    const auto colon = url.find(':', authority);
    if (at == std::string::npos || at < authority || colon >= at) return url;
    return url.substr(0, colon + 1) + std::string(mask_text) + url.substr(at);
}

class Masker {
public:
    explicit Masker(const Json& document) : document_(document) {}

    Json mask(const Json& value) {
        if (value.is_object()) return mask_members(value);
        if (value.is_array()) {
            Json list = Json::array();
            for (const Json& item : value) list.push_back(mask(item));
            return list;
        }
        if (path_.empty()) return value;
        const ConfigField* field = find_field_of_path(document_, path_);
        const bool is_setting = field && field->key.ends_with(path_.back());
        if (is_setting && field->type == FieldType::json_text) return mask_json_text(value);
        if (is_setting && field->type == FieldType::url && value.is_string()) return mask_url(value.get<std::string>());
        const bool is_secret = is_setting ? field->secret : sounds_secret(path_.back());
        // Whether there is a secret at all may be seen.
        const bool is_set = !value.is_null() && value != "";
        return is_secret && is_set ? Json(mask_text) : value;
    }

private:
    Json mask_members(const Json& object) {
        const ConfigField* field = path_.empty() ? nullptr : find_field_of_path(document_, path_);
        if (field && field->secret) return object;  // {"file": …} says where the secret is, not what
        Json masked = Json::object();
        for (const auto& [key, member] : object.items()) {
            path_.push_back(key);
            masked.get_ref<Json::object_t&>().emplace_back(key, mask(member));
            path_.pop_back();
        }
        return masked;
    }

    /// As the file has it, JSON in a string.
    Json mask_json_text(const Json& value) {
        if (!value.is_string()) return value;
        Findings ignored;
        const auto object = parse_config_json(value.get<std::string>(), ignored);
        return object ? Json(mask_members(*object).dump()) : value;
    }

    const Json& document_;
    std::vector<std::string> path_;
};

}  // namespace

Json masked_config(const Json& document) {
    return Masker(document).mask(document);
}

}  // namespace quicksilver
