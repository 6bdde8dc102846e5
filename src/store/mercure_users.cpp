#include "quicksilver/store/mercure_users.hpp"

#include "quicksilver/store/secrets.hpp"

#include <nlohmann/json.hpp>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

/// mercure writes "True" and "False"; a hand may have written true.
bool flag(const Json& user, const char* key) {
    const auto found = user.find(key);
    if (found == user.end()) return false;
    return *found == true || *found == "True" || *found == "true";
}

std::string text(const Json& user, const char* key) {
    const auto found = user.find(key);
    return found != user.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Result<std::vector<MercureUser>> parse_mercure_users(std::string_view content) {
    const Json document = Json::parse(content.begin(), content.end(), nullptr, false);
    const auto is_account = [](const auto& entry) { return entry.is_object() && entry.contains("password"); };
    if (!document.is_object() || !std::ranges::all_of(document, is_account)) {
        return Error{Errc::invalid, "this is no users.json of mercure: an object with a user under each name"};
    }
    std::vector<MercureUser> users;
    for (const auto& [name, entry] : document.items()) {
        MercureUser one;
        one.user.username = name;
        one.user.email = text(entry, "email");
        one.user.role = flag(entry, "is_admin") ? Role::admin : Role::operate;
        one.user.phi = true;
        one.user.must_change_password = flag(entry, "change_password");
        const std::string hash = text(entry, "password");
        if (secrets::is_argon2(hash)) {
            one.hash = hash;
        } else {
            one.remark = "the password has an old form (sha512_crypt) and is not taken over; set a new one";
        }
        users.push_back(std::move(one));
    }
    return users;
}

}  // namespace quicksilver
