#pragma once

#include "quicksilver/http/routes.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

/// What the addresses lead to that problems and the description name: `/problems/stale`, `/schemas/Rule`.
namespace quicksilver::api {

/// What a code of a problem means and what to do; "" for one that there is not.
std::string_view problem_help(std::string_view code);

void add_problem_pages(Routes& routes);

/// `schemas` is components.schemas of the OpenAPI description; each becomes a JSON Schema of its own.
void add_schema_pages(Routes& routes, const nlohmann::json& schemas);

}  // namespace quicksilver::api
