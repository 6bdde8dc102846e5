#pragma once

#include "quicksilver/http/message.hpp"

#include <chrono>
#include <string>

namespace quicksilver {

/// What the head of an answer says beside the answer itself.
struct ResponseContext {
    std::string_view request_id;
    std::string_view date;  ///< as http_date makes it
    bool chunked = false;   ///< the body's end shows by itself
    bool keep_alive = true;
};

/// Status line and headers up to the empty line. Security headers are always there; a handler's header that would
/// break the head (control characters) is left out.
std::string make_response_head(const HttpResponse& response, const ResponseContext& context);

/// RFC 9110 §5.6.7: Sun, 06 Nov 1994 08:49:37 GMT
std::string http_date(std::chrono::system_clock::time_point time);

}  // namespace quicksilver
