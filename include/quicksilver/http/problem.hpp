#pragma once

#include "quicksilver/http/message.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace quicksilver {

/// An answer of RFC 9457: `type` (/problems/CODE), `title`, `status`, `detail`, `instance`, `code`, `request_id`.
/// `code` is one word for programs: not_found, method_not_allowed …; `detail` tells a person what to do.
HttpResponse make_problem(const HttpRequest& request, unsigned status, std::string_view code, std::string_view detail);

/// A JSON answer. Text that is not UTF-8 is shown with replacement characters, never refused.
HttpResponse make_json(const nlohmann::json& content, unsigned status = 200);

/// The standard's name of a status: "Not Found".
std::string_view reason_of_status(unsigned status);

}  // namespace quicksilver
