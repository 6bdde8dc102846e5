#pragma once

#include "quicksilver/http/routes.hpp"

#include <boost/asio/thread_pool.hpp>

#include <filesystem>
#include <string_view>

namespace quicksilver {

/// The web interface below /ui/, from the files in the program. A path of the interface that is no file gets its
/// index.html, which finds its place by a `<base>` that is written here; one with a dot at its end is 404. `/` leads to
/// /ui/.
void add_asset_routes(Routes& routes);

/// The same from a folder, for those who develop the interface: read anew each time, on the pool, and never outside of
/// the folder.
void add_asset_routes(Routes& routes, const std::filesystem::path& folder, boost::asio::thread_pool& files);

/// Whether an If-None-Match header names this entity tag (RFC 9110 §13.1.2: `*`, lists and weak tags).
bool matches_etag(std::string_view if_none_match, std::string_view etag);

/// Whether the name holds a hash of the content, as build tools make it: assets/index-BkQ3d9aF.js. Such a file never
/// changes.
bool has_hashed_name(std::string_view path);

}  // namespace quicksilver
