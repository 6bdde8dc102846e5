#pragma once

#include "quicksilver/http/message.hpp"

#include <string_view>

namespace quicksilver::api {

/// Whether the client takes gzip (RFC 9110 §12.5.3). Pure.
bool takes_gzip(std::string_view accept_encoding);

/// Whether an answer is of the kind and size that `compress` packs.
bool is_worth_packing(const HttpResponse& response);

/// Packs a body that is worth it with gzip, when the client takes that. Pure.
void compress(const HttpRequest& request, HttpResponse& response);

}  // namespace quicksilver::api
