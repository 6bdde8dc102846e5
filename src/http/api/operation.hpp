#pragma once

#include "quicksilver/store/accounts.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver::api {

/// Who may call an operation.
enum class Access {
    anyone,
    signed_in,
    viewer,
    operate,
    admin,
};

struct QueryParameter {
    std::string name;
    nlohmann::json schema;
    std::string help;
};

/// One operation of the interface: what the router, the checks before the handler, and the OpenAPI document are made
/// from, so that they cannot differ.
struct Operation {
    std::string method;
    std::string path;  ///< below /api/v1
    std::string id;    ///< createRule; never changes once published
    std::string summary;
    std::string tag;
    Access access = Access::viewer;
    std::string scope = "read";  ///< what a token needs beside the role
    bool phi = false;            ///< refused without the permission to see patient data; else the handler masks
    std::vector<QueryParameter> query = {};
    nlohmann::json body = nullptr;  ///< JSON Schema; null: takes no body
    bool body_is_optional = false;  ///< none counts as {}
    std::string body_type = "application/json";
    std::uint64_t upload_max = 0;     ///< bytes; more than 0: the body goes into a file while it arrives
    nlohmann::json answer = nullptr;  ///< JSON Schema of the good answer; null: no content
    std::string answer_type = "application/json";
    std::string other_answer_type = "";       ///< a second form of the good answer, where the request chooses
    unsigned status = 200;                    ///< of the good answer
    std::vector<unsigned> also = {};          ///< other good statuses, without content: 204, 304
    std::vector<unsigned> also_content = {};  ///< other good statuses with the same kind of content: 206
    bool audit_reads = false;                 ///< its GET is audited as well
    bool may_take_long = false;               ///< may answer 202 with an operation instead
    bool conditional = false;                 ///< needs If-Match: 412 and 428 are possible
    bool audited = true;                      ///< for methods that change something

    bool is_safe() const { return method == "GET"; }
    bool takes_body() const { return !body.is_null(); }
};

/// limit and cursor of lists.
std::vector<QueryParameter> paged(std::vector<QueryParameter> filters = {});

inline constexpr std::string_view api_base = "/api/v1";

}  // namespace quicksilver::api
