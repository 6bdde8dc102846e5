#pragma once

#include <string>
#include <vector>

namespace quicksilver {

/// The commit that was built, or "" outside a checkout.
std::string build_commit();

struct LibraryVersion {
    std::string name;
    std::string version;
};
std::vector<LibraryVersion> library_versions();

}  // namespace quicksilver
