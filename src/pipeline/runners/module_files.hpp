#pragma once

#include "quicksilver/core/result.hpp"

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace quicksilver {

/// Lets any user inside a container read and change `in`, and write to `out`, as mercure does. On `out` also sets a
/// default access list, so that we may read and remove what another user, root too, writes there.
/// Not for files that other folders share by hard links: these are read-only before and after.
Result<void> open_to_module(const std::filesystem::path& in, const std::filesystem::path& out);

/// After a run: everything in `out` belongs to us, folders have mode 755 and files 644. What somebody else wrote is
/// taken over: by chown where we are root, else by a copy. Links and special files, through which a module could reach
/// what is not its own, are removed; returns their names.
Result<std::vector<std::string>> take_over_outputs(const std::filesystem::path& out);

}  // namespace quicksilver
