#include "quicksilver/pipeline/runners/builtin_steps.hpp"
#include "quicksilver/pipeline/runners/module_runner.hpp"
#include "quicksilver/pipeline/runners/processing_settings.hpp"

#include "builtin_runners.hpp"
#include "docker_runner.hpp"

#include <cstdlib>

namespace quicksilver {

namespace {

std::string environment_or(const char* name, const std::string& otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : otherwise;
}

/// A runner whose settings are wrong: each use of it says so.
class UnusableRunner final : public ModuleRunner {
public:
    explicit UnusableRunner(Error why) : why_(std::move(why)) {}
    Result<std::string> ready(const StopFlag&) override { return why_; }
    Result<void> prepare(const ModuleRun&, const RunControl&, const RunProgress&) override { return why_; }
    Result<ModuleEnd> run(const ModuleRun&, const RunControl&, const RunProgress&) override { return why_; }
    Result<void> collect(const ModuleRun&) override { return {}; }
    Result<std::set<RunId>> sweep(const std::set<RunId>&) override { return std::set<RunId>(); }

private:
    const Error why_;
};

std::unique_ptr<ModuleRunner> make_docker_runner(const Config& config) {
    const ProcessingSettings processing = ProcessingSettings::of(config);
    const std::string host =
        processing.docker_host.empty() ? environment_or("DOCKER_HOST", "") : processing.docker_host;
    const std::string certificates = processing.docker_certificates.empty() ? environment_or("DOCKER_CERT_PATH", "")
                                                                            : processing.docker_certificates.string();
    auto address = parse_engine_address(host, certificates);
    if (!address) return std::make_unique<UnusableRunner>(std::move(address).error());
    return std::make_unique<DockerRunner>(std::move(*address), ModulePolicy::from_environment(),
                                          config.folders.processing.string());
}

}  // namespace

void RunnerRegistry::add(std::string name, std::unique_ptr<ModuleRunner> runner) {
    runners_[std::move(name)] = std::move(runner);
}

ModuleRunner* RunnerRegistry::find(std::string_view name) const {
    const auto found = runners_.find(name);
    return found == runners_.end() ? nullptr : found->second.get();
}

ModuleImages* RunnerRegistry::images() const {
    return dynamic_cast<ModuleImages*>(find("docker"));
}

std::string runner_name(const nlohmann::json& module_config, const Config& config) {
    if (module_config.is_object()) {
        const auto own = module_config.find("runner");
        if (own != module_config.end() && own->is_string() && !own->get<std::string>().empty()) {
            return own->get<std::string>();
        }
    }
    return config.processing.runner.empty() ? "docker" : config.processing.runner;
}

void register_builtin_runners(RunnerRegistry& registry, const Config& config) {
    registry.add("docker", make_docker_runner(config));
    registry.add(std::string(edit_tags_step), make_edit_tags_runner());
    registry.add(std::string(deidentify_step), make_deidentify_runner(config.folders.data / "deidentification.key"));
}

}  // namespace quicksilver
