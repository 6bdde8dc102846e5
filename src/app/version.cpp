#include "quicksilver/app/version.hpp"

#include "quicksilver/app/server.hpp"
#include "quicksilver/dicom/startup.hpp"
#include "quicksilver/store/database.hpp"

#include <boost/version.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <openssl/crypto.h>

namespace quicksilver {

std::string program_version() {
    return QUICKSILVER_VERSION;
}

std::string build_commit() {
    return QUICKSILVER_COMMIT;
}

std::vector<LibraryVersion> library_versions() {
    return {
        {"DCMTK", dicom::dcmtk_version()},
        {"SQLite", database::sqlite_version()},
        {"Boost", fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)},
        {"OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING)},
        {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                      NLOHMANN_JSON_VERSION_PATCH)},
        {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
    };
}

}  // namespace quicksilver
