#include "system_facts.hpp"

#include "quicksilver/http/event_hub.hpp"
#include "quicksilver/http/limits.hpp"

#include <ctime>

namespace quicksilver::api {

using nlohmann::json;

namespace {

/// What the program is linked with.
constexpr std::pair<const char*, const char*> libraries[] = {{"Boost", "BSL-1.0"},
                                                             {"CLI11", "BSD-3-Clause"},
                                                             {"curl", "curl"},
                                                             {"DCMTK", "BSD-3-Clause"},
                                                             {"fmt", "MIT"},
                                                             {"libarchive", "BSD-2-Clause"},
                                                             {"libsodium", "ISC"},
                                                             {"nlohmann/json", "MIT"},
                                                             {"OpenSSL", "Apache-2.0"},
                                                             {"RE2", "BSD-3-Clause"},
                                                             {"spdlog", "MIT"},
                                                             {"SQLite", "blessing"},
                                                             {"xxHash", "BSD-2-Clause"},
                                                             {"zlib", "Zlib"}};

json time_zone(WallTime now) {
    const std::time_t time = std::chrono::system_clock::to_time_t(now);
    std::tm local{};
    ::localtime_r(&time, &local);
    return {{"name", local.tm_zone}, {"offset_s", local.tm_gmtoff}};
}

}  // namespace

json system_facts(const Config& config, WallTime now) {
    const HttpLimits http;
    json licences = json::array();
    for (const auto& [name, licence] : libraries) licences.push_back({{"name", name}, {"licence", licence}});
    return {{"time_zone", time_zone(now)},
            {"features",
             {{"https", !config.http.certificate.empty()},
              {"dicom_tls", config.dicom.tls.has_value()},
              {"bookkeeper", !config.bookkeeper_api_key.empty()},
              {"modules", !config.modules.empty()}}},
            {"limits",
             {{"body_bytes", http.body_bytes},
              {"page", 500},
              {"streams", EventHub::clients_max},
              {"associations", config.dicom.max_associations}}},
            {"licences", std::move(licences)}};
}

}  // namespace quicksilver::api
