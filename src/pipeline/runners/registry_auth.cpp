#include "registry_auth.hpp"

#include "quicksilver/store/durable_file.hpp"

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace quicksilver {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

constexpr std::size_t config_max = 1UL << 20;

std::string from_base64(const std::string& text) {
    std::vector<unsigned char> bytes(text.size() / 4 * 3 + 3);
    const int size = EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    if (size < 0) return "";
    std::string decoded(bytes.begin(), bytes.begin() + size);
    while (!decoded.empty() && decoded.back() == '\0') decoded.pop_back();  // what the padding became
    return decoded;
}

/// With the alphabet for addresses, as the engine wants it.
std::string to_base64_url(const std::string& text) {
    std::vector<unsigned char> bytes(text.size() / 3 * 4 + 5);
    const int size = EVP_EncodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    std::string encoded(bytes.begin(), bytes.begin() + size);
    std::replace(encoded.begin(), encoded.end(), '+', '-');
    std::replace(encoded.begin(), encoded.end(), '/', '_');
    return encoded;
}

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string registry_auth(const Json& client_config, const std::string& registry) {
    if (!client_config.is_object()) return "";
    const auto auths = client_config.find("auths");
    if (auths == client_config.end() || !auths->is_object()) return "";
    std::vector<std::string> names{registry, "https://" + registry};
    if (registry == "docker.io") names = {"https://index.docker.io/v1/", "index.docker.io", "docker.io"};
    for (const std::string& name : names) {
        const auto entry = auths->find(name);
        if (entry == auths->end() || !entry->is_object()) continue;
        Json auth{{"serveraddress", name}};
        if (const std::string token = text_of(*entry, "identitytoken"); !token.empty()) {
            auth["identitytoken"] = token;
            return to_base64_url(auth.dump());
        }
        const std::string both = from_base64(text_of(*entry, "auth"));
        const auto colon = both.find(':');
        if (colon == std::string::npos) continue;
        auth["username"] = both.substr(0, colon);
        auth["password"] = both.substr(colon + 1);
        return to_base64_url(auth.dump(-1, ' ', true, Json::error_handler_t::replace));
    }
    return "";
}

std::string registry_auth_of_this_user(const std::string& registry) {
    fs::path folder;
    if (const char* set = std::getenv("DOCKER_CONFIG")) {
        folder = set;
    } else if (const char* home = std::getenv("HOME")) {
        folder = fs::path(home) / ".docker";
    }
    if (folder.empty()) return "";
    const auto text = read_text_file(folder / "config.json", config_max);
    return text ? registry_auth(Json::parse(*text, nullptr, false), registry) : "";
}

}  // namespace quicksilver
