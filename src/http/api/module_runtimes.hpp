#pragma once

#include <nlohmann/json.hpp>

namespace quicksilver::api {

/// What can run a module, each as {"runtime","title","needs_engine","schema","settings_schema"}: the settings of the
/// module that count there, and those of the step itself, both as JSON Schema with the hints that a form needs.
nlohmann::json module_runtimes();

}  // namespace quicksilver::api
