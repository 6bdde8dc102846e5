#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace quicksilver::api {

/// Where a list goes on: opaque to the client, signed, and good for one list only. Pure.
std::string make_cursor(std::string_view key, std::string_view list, const nlohmann::json& position);

/// Throws ProblemError 400 for anything that was not made by `make_cursor` with the same key and list.
nlohmann::json read_cursor(std::string_view key, std::string_view list, std::string_view cursor);

}  // namespace quicksilver::api
