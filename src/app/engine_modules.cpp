#include "engine_modules.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/module_trial.hpp"
#include "quicksilver/pipeline/processor.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <utility>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

constexpr std::string_view docker_runner = "docker";

std::string docker_tag_of(const ModuleConfig& module) {
    const auto tag = module.settings.find("docker_tag");
    return tag != module.settings.end() && tag->is_string() ? tag->get<std::string>() : std::string();
}

/// One more of a number, as long as it lives.
class Counted {
public:
    explicit Counted(int& number) : number_(number) { ++number_; }
    ~Counted() { --number_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    int& number_;
};

ModuleTrialEnd end_of(const ModuleTrial::End& end) {
    ModuleTrialEnd all;
    all.exit_code = end.exit_code;
    all.seconds = end.seconds.count();
    all.image = end.image;
    all.problem = end.problem;
    all.log = end.log;
    all.result = nlohmann::json(end.result);
    for (const ModuleTrial::Output& output : end.outputs) all.outputs.push_back({output.name, output.bytes});
    all.outputs_total = end.outputs_total;
    return all;
}

}  // namespace

// g++ 12 at -O2 takes Asio's recycled coroutine frames for memory that is freed the wrong way.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

asio::awaitable<Result<EngineImages>> EngineModules::images(bool may_be_old) {
    const bool is_fresh = last_list_ && parts_.context.clock.now() - listed_at_ < list_age_max;
    if (!may_be_old || !is_fresh) {
        const auto within = may_be_old ? quick_answer_time : answer_time;
        List listed = co_await list(within);
        last_list_ = std::move(listed);
        listed_at_ = parts_.context.clock.now();
    }
    const List& found = *last_list_;
    if (!found) co_return found.error();
    co_return shown(*found);
}

asio::awaitable<EngineModules::List> EngineModules::list(std::chrono::seconds within) {
    const Result<ModuleImages*> of_engine = engine();
    if (!of_engine) co_return of_engine.error();
    asio::steady_timer overdue(parts_.context.io, within);
    const auto stop = stop_after(overdue);
    auto ask = [engine = *of_engine, stop] { return engine->list_images(*stop); };
    List listed = co_await run_blocking(parts_.pool, ask);
    overdue.cancel();
    if (!listed && *stop) co_return Error{Errc::busy, "the container engine does not answer"};
    co_return listed;
}

/// Ends what asks the engine when the timer expires.
std::shared_ptr<StopFlag> EngineModules::stop_after(asio::steady_timer& timer) const {
    auto stop = std::make_shared<StopFlag>(false);
    timer.async_wait([stop](const boost::system::error_code& cancelled) {
        if (!cancelled) *stop = true;
    });
    return stop;
}

EngineImages EngineModules::shown(const std::vector<ModuleImage>& images) const {
    EngineImages all;
    for (const ModuleImage& image : images) {
        all.images.push_back({image.id, image.names, image.digests, image.bytes, image.created, {}});
    }
    const auto config = parts_.context.config();
    for (const ModuleConfig& module : config->modules) {
        if (runner_name(module.settings, *config) != docker_runner) continue;
        ModuleImageState state;
        state.docker_tag = docker_tag_of(module);
        if (const ModuleImage* image = find_image(images, state.docker_tag)) {
            state.present = true;
            state.digest = image->digests.empty() ? image->id : image->digests.front();
            all.images[static_cast<std::size_t>(image - images.data())].used_by.push_back(module.name);
        }
        all.modules[module.name] = std::move(state);
    }
    return all;
}

Result<ModuleImages*> EngineModules::engine() const {
    if (ModuleImages* images = parts_.runners.images()) return images;
    // Its address is wrong, and asking it says so.
    const StopFlag never{false};
    ModuleRunner* runner = parts_.runners.find(docker_runner);
    const auto ready = runner ? runner->ready(never) : Result<std::string>(Error{Errc::busy, ""});
    return Error{Errc::busy, ready ? "there is no container engine" : ready.error().message};
}

/// Not each of thousands of pieces, but some times a second.
ModuleImages::Progress EngineModules::on_io(Progress progress) const {
    return
        [io = parts_.context.io, progress = std::move(progress), told = SteadyTime{}](const ImageProgress& at) mutable {
            const SteadyTime now = std::chrono::steady_clock::now();
            if (now - told < tell_every) return;
            told = now;
            asio::post(io, [progress, done = at.done, total = at.total] { progress(done, total); });
        };
}

bool EngineModules::may_say_more(const std::string& task_id, std::int64_t step) const {
    return parts_.processor.may_run(task_id, static_cast<std::size_t>(step));
}

asio::awaitable<Result<void>> EngineModules::pull_image(std::string image, Stop stop, Progress progress) {
    const Result<ModuleImages*> of_engine = engine();
    if (!of_engine) co_return of_engine.error();
    if (fetching_ >= fetched_max) co_return Error{Errc::busy, "other images are being fetched; try again later"};
    const Counted one(fetching_);
    const ModuleImages::Progress tell = on_io(std::move(progress));
    auto pull = [&] { return (*of_engine)->pull_image(image, *stop, tell); };
    const Result<void> pulled = co_await run_blocking(parts_.pool, pull);
    last_list_.reset();
    if (pulled) parts_.context.log.info("image fetched, as a person asked", kv("image", image));
    co_return pulled;
}

asio::awaitable<Result<std::vector<std::string>>> EngineModules::load_images(std::filesystem::path tar, Stop stop,
                                                                             Progress progress) {
    const Result<ModuleImages*> of_engine = engine();
    if (!of_engine) co_return of_engine.error();
    if (fetching_ >= fetched_max) co_return Error{Errc::busy, "other images are being fetched; try again later"};
    const Counted one(fetching_);
    const ModuleImages::Progress tell = on_io(std::move(progress));
    auto load = [&] { return (*of_engine)->load_images(tar, *stop, tell); };
    const Result<std::vector<std::string>> loaded = co_await run_blocking(parts_.pool, load);
    last_list_.reset();
    if (loaded) parts_.context.log.info("images loaded, as a person asked", kv("images", loaded->size()));
    co_return loaded;
}

Result<std::shared_ptr<const void>> EngineModules::hold_persistence(const std::string& folder) {
    return parts_.processor.hold_persistence(folder);
}

bool EngineModules::uses_persistence(const std::string& folder) const {
    return parts_.processor.uses_persistence(folder);
}

/// Whether it can run modules now, so that nobody waits for one that cannot.
asio::awaitable<Result<void>> EngineModules::ask_runner(ModuleRunner& runner) {
    asio::steady_timer overdue(parts_.context.io, answer_time);
    const auto stop = stop_after(overdue);
    auto ask = [&runner, stop] { return runner.ready(*stop); };
    const Result<std::string> ready = co_await run_blocking(parts_.pool, ask);
    overdue.cancel();
    if (ready) co_return Result<void>();
    if (*stop) co_return Error{Errc::busy, "the container engine does not answer"};
    co_return ready.error();
}

asio::awaitable<Result<ModuleTrialEnd>> EngineModules::try_module(
    ModuleTrialOrder order, std::function<void(std::string name, std::string detail)> tell,
    std::function<void(std::function<void()> end)> on_cancel) {
    const auto config = parts_.context.config();
    const ModuleConfig* module = config->find_module(order.module);
    if (!module) co_return Error{Errc::not_found, fmt::format("there is no module {}", order.module)};
    ModuleTrial::Order trial_order{module->name, module->settings, order.series_uid, order.find_files};
    const ModuleTrial trial(parts_.context.folders, config, std::move(trial_order));
    ModuleRunner* runner = parts_.runners.find(trial.runner());
    if (!runner) {
        co_return Error{Errc::invalid, fmt::format("this version cannot run modules with '{}'", trial.runner())};
    }
    const auto control = std::make_shared<RunControl>();
    on_cancel([control] { control->interrupt(Interruption::cancelled); });
    const Result<void> ready = co_await ask_runner(*runner);
    if (!ready) co_return ready.error();
    tell("turn", "waits for its turn among the modules that run");
    const auto turn = co_await parts_.processor.take_turn(trial.id(), trial.needs(), trial.runner(), control);
    if (!turn) co_return turn.error();

    asio::steady_timer overdue(parts_.context.io);
    if (const Seconds limit = time_limit_of(module->settings, *config); limit.count() > 0) {
        overdue.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit));
        overdue.async_wait([control](const boost::system::error_code& cancelled) {
            if (!cancelled) control->interrupt(Interruption::timed_out);
        });
    }
    const ModuleTrial::Observer observer = [io = parts_.context.io, tell](const std::string& name,
                                                                          const std::string& detail) {
        asio::post(io, [tell, name, detail] { tell(name, detail); });
    };
    auto run = [&] { return trial.run(*runner, *control, observer); };
    const Result<ModuleTrial::End> ended = co_await run_blocking(parts_.modules, run);
    overdue.cancel();
    parts_.context.log.info("module tried, as a person asked", kv("module", order.module),
                            kv("series", order.series_uid), kv("ended", ended ? "by itself" : ended.error().message));
    if (!ended) co_return ended.error();
    co_return end_of(*ended);
}

}  // namespace quicksilver
