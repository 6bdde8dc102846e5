#include "api.hpp"

namespace quicksilver::api {

namespace {

Json problem_response(const char* description) {
    return {{"description", description},
            {"content", {{"application/problem+json", {{"schema", Api::reference("Problem")}}}}}};
}

Json problem_schema() {
    Json fault = schema::object({{"pointer", schema::text()}, {"code", schema::text()}, {"detail", schema::text()}});
    Json problem = schema::object({{"type", schema::text()},
                                   {"title", schema::text()},
                                   {"status", schema::integer(400, 599)},
                                   {"detail", schema::text(10'000)},
                                   {"instance", schema::text(20'000)},
                                   {"code", schema::text()},
                                   {"request_id", schema::text()},
                                   {"errors?", schema::list_of(std::move(fault))}});
    problem["additionalProperties"] = true;
    return problem;
}

/// `{id}` of the path.
void add_path_parameters(const std::string& path, Json& parameters) {
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
        const std::string name = path.substr(at + 1, path.find('}', at) - at - 1);
        parameters.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
    }
}

Json describe(const Operation& operation) {
    static constexpr const char* access_names[] = {"anyone", "signed in", "viewer", "operator", "admin"};
    Json parameters = Json::array();
    add_path_parameters(operation.path, parameters);
    for (const QueryParameter& one : operation.query) {
        parameters.push_back({{"name", one.name}, {"in", "query"}, {"description", one.help}, {"schema", one.schema}});
    }
    if (operation.conditional) {
        parameters.push_back(
            {{"name", "If-Match"}, {"in", "header"}, {"required", true}, {"schema", {{"type", "string"}}}});
    }
    Json good = {{"description", operation.summary}};
    if (!operation.answer.is_null()) good["content"] = {{operation.answer_type, {{"schema", operation.answer}}}};
    if (!operation.other_answer_type.empty())
        good["content"][operation.other_answer_type] = {{"schema", schema::text()}};
    Json responses = {{std::to_string(operation.status), std::move(good)}, {"default", problem_response("A problem.")}};
    for (const unsigned status : operation.also_content)
        responses[std::to_string(status)] = responses[std::to_string(operation.status)];
    if (operation.may_take_long) {
        responses["202"] = {{"description", "It goes on; ask the operation."},
                            {"content", {{"application/json", {{"schema", Api::reference("Operation")}}}}}};
    }
    for (const unsigned status : operation.also) responses[std::to_string(status)] = {{"description", "No content."}};
    Json described = {{"operationId", operation.id},
                      {"summary", operation.summary},
                      {"tags", Json::array({operation.tag})},
                      {"parameters", std::move(parameters)},
                      {"responses", std::move(responses)},
                      {"x-role", access_names[static_cast<std::size_t>(operation.access)]},
                      {"x-phi", operation.phi}};
    if (operation.access == Access::anyone) {
        described["security"] = Json::array();
    } else if (operation.access != Access::signed_in) {
        described["x-scope"] = operation.scope;
    }
    if (operation.takes_body()) {
        described["requestBody"] = {{"required", !operation.body_is_optional},
                                    {"content", {{operation.body_type, {{"schema", operation.body}}}}}};
    }
    return described;
}

std::string in_lower_case(std::string text) {
    for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return text;
}

}  // namespace

Json Api::openapi(std::string_view prefix) const {
    Json paths = Json::object();
    for (const Route& route : operations_) {
        paths[std::string(api_base) + route.operation.path][in_lower_case(route.operation.method)] =
            describe(route.operation);
    }
    Json schemas = definitions_;
    schemas["Problem"] = problem_schema();
    return {{"openapi", "3.1.0"},
            {"info", {{"title", "Quicksilver"}, {"version", services_.system.version}}},
            {"servers", Json::array({{{"url", prefix.empty() ? "/" : prefix}}})},
            {"paths", std::move(paths)},
            {"components",
             {{"schemas", std::move(schemas)},
              {"securitySchemes",
               {{"token", {{"type", "http"}, {"scheme", "bearer"}}},
                {"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", cookie_name(true, prefix)}}}}}}},
            {"security", Json::array({{{"token", Json::array()}}, {{"session", Json::array()}}})}};
}

}  // namespace quicksilver::api
