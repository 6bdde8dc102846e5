#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace quicksilver {

/// A program to be run to its end, found along the PATH.
struct ProgramCall {
    std::vector<std::string> words;                  ///< its name and arguments
    std::map<std::string, std::string> environment;  ///< besides ours
    std::chrono::seconds silence{120};               ///< ended when it has said nothing for so long; 0 = never
};

struct ProgramResult {
    int status = 0;      ///< exit status; 128 + n after signal n
    std::string output;  ///< both streams, the last `output_max` bytes
};

/// Blocks. The program and its children form a group of their own, which gets SIGTERM and then SIGKILL when `stop` is
/// set (Errc::cancelled) or it is silent for too long (Errc::timed_out). Errc::not_found when there is no such program.
Result<ProgramResult> run_program(const ProgramCall& call, const StopFlag& stop);

inline constexpr std::size_t program_output_max = 16 * 1024;

}  // namespace quicksilver
