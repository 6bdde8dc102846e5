#pragma once

#include "quicksilver/core/config_field.hpp"
#include "quicksilver/core/config_loader.hpp"

#include "problem_error.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

/// How parts of the configuration file look in the interface. Pure.
namespace quicksilver::api {

using Ordered = nlohmann::ordered_json;

/// As a client may see it: a secret is {"set": true}, passwords within addresses are masked.
Ordered shown_config(const Ordered& document);

/// What a client sent for a part of the file, with the secrets that it could not know put back: one that is left out,
/// or sent as it was shown, stays; null clears it. Keys keep the order of the file.
Ordered with_secrets(const nlohmann::json& sent, const Ordered& before, const Ordered& before_shown);

/// RFC 7396 on what is shown, but null stays for `with_secrets` to see: a secret that is only left out is kept.
nlohmann::json with_patch(nlohmann::json shown, const nlohmann::json& patch);

/// Where what is taken has the mask of a secret that could not be put back; saved, it would take the secret's place.
std::vector<FieldError> masks_in(const Ordered& taken, const Ordered& before);

/// JSON Schema of the form of a table of settings, with the hints that a form needs: title, description, default, unit,
/// x-type, x-secret, x-needs-restart. The loader takes more than it says ("60" is a number).
nlohmann::json fields_schema(FieldTable fields);

/// Members of an object that its table does not have and that were not there before: typing errors.
std::vector<FieldError> unknown_members(const nlohmann::json& object, const Ordered& before, FieldTable fields);

/// The findings about one object (`targets.pacs.port`) with pointers into it (`/port`); others keep their path.
std::vector<FieldError> faults_of(const std::vector<ConfigProblem>& problems, ProblemSeverity severity,
                                  const std::string& prefix);
/// `rules.chest`, `rules["a.b"]`: how findings begin that are about the object.
std::string path_of(const std::string& plural, const std::string& name);

}  // namespace quicksilver::api
