#pragma once

#include "quicksilver/dicom/phantom.hpp"
#include "quicksilver/pipeline/processor.hpp"

#include "dicom/dicom_environment.hpp"
#include "scripted_runner.hpp"
#include "stage_fixture.hpp"
#include "support/catch.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quicksilver::test {

/// A processor with one runner that does as the test says.
struct ProcessorFixture : StageFixture {
    boost::asio::thread_pool modules{4};
    RunnerRegistry registry;
    ScriptedRunner* runner = nullptr;
    std::vector<std::string> hints;
    std::unique_ptr<Processor> processor;
    CoroutineGroup group{io.get_executor(), nullptr};
    unsigned made = 0;

    ProcessorFixture() {
        require_dicom();
        auto scripted = std::make_unique<ScriptedRunner>();
        runner = scripted.get();
        registry.add("docker", std::move(scripted));
        reconfigure([this](Config& changed) {
            changed.folders.persistence = root / "persistence";
            RuleConfig rule;
            rule.name = "rule";
            rule.dynamic_routing = true;
            changed.rules.push_back(rule);
            TargetConfig target;
            target.name = "pacs";
            target.type = "folder";
            changed.targets.push_back(target);
        });
        restart();
    }
    ~ProcessorFixture() {
        stop();
        modules.join();
    }
    void restart() {
        stop();
        const auto hint = [this](Stage stage, const std::string& id) {
            hints.push_back(std::string(to_string(stage)) + " " + id);
        };
        processor = std::make_unique<Processor>(context(), modules, registry, hint);
        group.start("processor", processor->run());
    }
    void stop() {
        if (!processor) return;
        run_handler(io, [this] {
            group.cancel();
            processor->close();
        });
        bool joined = false;
        test::run_coroutine(io, [](Processor& p, bool& done) -> boost::asio::awaitable<void> {
            done = co_await p.join(std::chrono::seconds(20));
        }(*processor, joined));
        CHECK(joined);
        run_until([&] { return group.empty(); });
        processor.reset();
    }
    /// Lets the seconds pass in which the processor looks around, until it is done.
    void pass_until(const std::function<bool()>& done) {
        run_until([&] {
            if (clock.waiters() > 0) clock.advance(std::chrono::seconds(1));
            return done();
        });
    }

    std::string add_task(std::vector<nlohmann::ordered_json> module_configs = {nlohmann::ordered_json::object()},
                         bool dispatched = true) {
        TaskFile task;
        task.id = "task-" + std::to_string(++made);
        task.info.applied_rule = "rule";
        task.info.uid = "1.2." + std::to_string(made);
        for (const auto& module : module_configs) {
            TaskProcess process;
            process.module_name = "module";
            process.module_config = module;
            if (module.is_object()) {
                process.module_name = module.value("name", "module");
                process.retain_input_images = module.value("retain", false);
            }
            task.process.push_back(process);
        }
        if (dispatched) task.dispatch = make_task_dispatch({"pacs"}, clock.wall_now());
        dicom::PhantomOptions options;
        options.instances = 2;
        options.rows = options.columns = 8;
        options.seed = made;
        const auto images = dicom::write_phantom_series(options, root / ("made" + std::to_string(made))).value();
        REQUIRE(folders.make_task(Stage::processing, task.id, images, to_json_text(task)));
        return task.id;
    }
    bool is_in(Stage stage, const std::string& id) const { return folders.exists(stage, id); }
    std::string fail_reason(const std::string& id) const {
        return read_task_file(folders.path(Stage::error, id))->info.fail_reason.value_or("");
    }
};

}  // namespace quicksilver::test
