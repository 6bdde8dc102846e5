#pragma once

#include "quicksilver/http/message.hpp"

namespace quicksilver::api {

/// Packs a body that is worth it with gzip, when the client takes that (RFC 9110 §12.5.3). Pure.
void compress(const HttpRequest& request, HttpResponse& response);

}  // namespace quicksilver::api
