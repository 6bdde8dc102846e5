#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/editable_file.hpp"
#include "quicksilver/pipeline/runners/builtin_steps.hpp"
#include "quicksilver/pipeline/runners/module_runner.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quicksilver {

/// What a step of our own does with each instance of one run. Several threads at once.
class FileStep {
public:
    virtual ~FileStep() = default;
    virtual Result<void> apply(dicom::EditableFile& file) const = 0;
    /// The name that a folder inside `in` gets in `out`.
    virtual std::string folder_name(const std::string& name) const { return name; }
    /// Whether every instance is named after its UIDs; else only those whose UIDs have changed.
    virtual bool renames_all() const { return false; }
    /// Whether files that are no instances go on to the next step.
    virtual bool passes_other_files() const { return true; }
};

/// Runs steps of our own as if they were modules: each instance of `in` becomes one of `out`, on as many threads as the
/// machine has processors. A file that cannot be read fails the run. Cut off by a stop of the server, it is begun anew.
class FileStepRunner final : public ModuleRunner {
public:
    using Make = std::function<Result<std::unique_ptr<FileStep>>(const ModuleRun&)>;
    explicit FileStepRunner(Make make) : make_(std::move(make)) {}

    Result<std::string> ready(const StopFlag&) override { return std::string("built in"); }
    Result<void> prepare(const ModuleRun& run, const RunControl& control, const RunProgress& progress) override;
    Result<ModuleEnd> run(const ModuleRun& run, const RunControl& control, const RunProgress& progress) override;
    Result<void> collect(const ModuleRun&) override { return {}; }
    Result<std::set<RunId>> sweep(const std::set<RunId>&) override { return std::set<RunId>(); }

private:
    const Make make_;
};

/// The first of the problems as an error that names them all.
Error settings_error(const std::string& module, const std::vector<SettingProblem>& problems);

}  // namespace quicksilver
