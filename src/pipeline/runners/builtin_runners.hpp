#pragma once

#include "quicksilver/pipeline/runners/module_runner.hpp"

#include <filesystem>
#include <memory>

namespace quicksilver {

std::unique_ptr<ModuleRunner> make_edit_tags_runner();
/// `key_file` holds the secret from which pseudonyms are made; it is made at the first use.
std::unique_ptr<ModuleRunner> make_deidentify_runner(std::filesystem::path key_file);

}  // namespace quicksilver
