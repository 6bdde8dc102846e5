#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/store/accounts.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

struct MercureUser {
    User user;
    std::string hash;    ///< argon2, or empty: nobody can sign in until an administrator sets a password
    std::string remark;  ///< what a person should know
};

/// The accounts of mercure's users.json (contract §1.6). There, everybody who signs in may act on the queues and sees
/// patient data: so the others become operators, and all see patients.
/// Errc::invalid when it is no such file.
Result<std::vector<MercureUser>> parse_mercure_users(std::string_view text);

}  // namespace quicksilver
