#pragma once

#include "quicksilver/http/routes.hpp"

#include <string_view>

namespace quicksilver {

/// The web page at `/`, embedded in the binary and served from memory with a strong ETag.
void add_asset_routes(Routes& routes);

/// Whether an If-None-Match header names this entity tag (RFC 9110 §13.1.2: `*`, lists and weak tags).
bool matches_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace quicksilver
