#pragma once

#include "api.hpp"

#include <string>

/// What operations that outlast their request have in common.
namespace quicksilver::api {

/// Begins one for the caller and answers 202 with its address. Throws ProblemError 503 when too many run.
HttpResponse begin_operation(const Api& api, const Call& call, const std::string& object, Operations::Work work);

/// Answers 204, or throws the ProblemError that the pipeline's error is.
HttpResponse done_or_problem(const Result<void>& result);
[[noreturn]] void throw_problem(const Error& error);

}  // namespace quicksilver::api
