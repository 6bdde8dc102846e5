#pragma once

#include "quicksilver/http/message.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace quicksilver::api {

/// One fault of a request's body or parameters. `pointer` is a JSON pointer: `/port`.
struct FieldError {
    std::string pointer;
    std::string code;  ///< unknown, missing, type, range, choice, length …
    std::string detail;

    bool operator==(const FieldError&) const = default;
};

/// Thrown by a handler that refuses a request; becomes a problem of RFC 9457 at the edge of the request.
class ProblemError : public std::runtime_error {
public:
    ProblemError(unsigned status, std::string code, const std::string& detail, std::vector<FieldError> errors = {})
        : std::runtime_error(detail), status_(status), code_(std::move(code)), errors_(std::move(errors)) {}

    /// Adds a member of the problem (`diff`, `current`) or a header.
    ProblemError&& with(const std::string& member, nlohmann::json value) && {
        members_[member] = std::move(value);
        return std::move(*this);
    }
    ProblemError&& with_header(std::string name, std::string value) && {
        headers_.emplace_back(std::move(name), std::move(value));
        return std::move(*this);
    }

    unsigned status() const { return status_; }
    HttpResponse answer(const HttpRequest& request) const;

private:
    unsigned status_;
    std::string code_;
    std::vector<FieldError> errors_;
    nlohmann::json members_ = nlohmann::json::object();
    std::vector<std::pair<std::string, std::string>> headers_;
};

inline ProblemError not_found(const std::string& what) {
    return ProblemError(404, "not_found", what);
}

inline ProblemError invalid(const std::string& detail, std::vector<FieldError> errors) {
    return ProblemError(422, "validation", detail, std::move(errors));
}

inline ProblemError conflict(const std::string& code, const std::string& detail) {
    return ProblemError(409, code, detail);
}

}  // namespace quicksilver::api
