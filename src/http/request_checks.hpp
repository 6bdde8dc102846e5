#pragma once

#include "quicksilver/http/message.hpp"

#include "target.hpp"

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/system/error_code.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace quicksilver {

using RequestHeader = boost::beast::http::request_header<boost::beast::http::fields>;

/// Why a request gets no handler. The connection is closed after it unless `keeps_connection`.
struct Refusal {
    unsigned status = 400;
    std::string_view code = "malformed_request";
    std::string detail;
    bool keeps_connection = false;
};

/// What to answer when the request cannot be read; nothing when the peer went away and nobody waits for an answer.
/// `has_target`: the request line was read, so what was too long is a header.
std::optional<Refusal> refusal_of(const boost::system::error_code& failure, bool has_target);

/// Whether a header line goes on in the next one, which begins with a blank (RFC 9112 §5.2). Beast joins them, others
/// do not. `bytes`: of the head of a request; `line_begins`: what came before ended a line.
bool has_folded_line(bool line_begins, std::string_view bytes);

/// What Beast's parser lets pass and two servers could read differently: the ground of request smuggling (RFC 9112
/// §6.3, §11.2), and a missing or repeated Host (§3.2).
std::optional<Refusal> check_framing(const RequestHeader& header);

/// The defence against DNS rebinding: a page of another site reaches this machine only under its own name.
std::optional<Refusal> check_host(const RequestHeader& header, const RequestTarget& target);

/// The client's id when it is a plain word of at most 64 characters, else nothing.
std::optional<std::string> usable_request_id(const RequestHeader& header);

}  // namespace quicksilver
