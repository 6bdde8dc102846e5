#include "quicksilver/app/server.hpp"

#include "quicksilver/app/config_checks.hpp"
#include "quicksilver/app/version.hpp"
#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/dicom/file_meta.hpp"
#include "quicksilver/dicom/startup.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/cleaner.hpp"
#include "quicksilver/pipeline/dispatcher.hpp"
#include "quicksilver/pipeline/processor.hpp"
#include "quicksilver/pipeline/receiver.hpp"
#include "quicksilver/pipeline/router.hpp"
#include "quicksilver/pipeline/series_holds.hpp"
#include "quicksilver/pipeline/study_collector.hpp"
#include "quicksilver/pipeline/targets/commitment_reports.hpp"
#include "quicksilver/store/administration.hpp"
#include "quicksilver/store/crashing_file_ops.hpp"
#include "quicksilver/store/data_lock.hpp"
#include "quicksilver/store/retention_settings.hpp"
#include "quicksilver/store/revisions.hpp"

#include "engine_modules.hpp"
#include "pipeline_control.hpp"
#include "pipeline_status.hpp"
#include "web_side.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

/// The real ones, which a test may let end the program at one of its steps.
std::unique_ptr<FileOps> make_ops() {
    const char* at = std::getenv("QUICKSILVER_CRASH_AT");
    const auto crash_point = parse_crash_point(at ? at : "");
    return crash_point ? make_crashing_file_ops(make_file_ops(), *crash_point) : make_file_ops();
}

constexpr auto shutdown_grace = std::chrono::seconds(10);
constexpr auto file_watch_interval = std::chrono::seconds(2);
constexpr auto storage_watch_interval = std::chrono::seconds(5);
constexpr std::size_t send_threads = 32;
constexpr std::size_t file_threads = 4;
constexpr std::size_t module_threads = 34;  // as many as processing.max_parallel may be, and two to look for runners
constexpr std::size_t series_queued_max = 10'000;

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "localhost";
}

/// Everything of a running server, built from the bottom up. Members are destroyed in reverse.
class Server {
public:
    Server(ConfigHandle& config, Administration& administration, const ConfigSources& sources, DataLock& lock, Log log,
           std::shared_ptr<const LogRing> recent_log, std::filesystem::path web_folder)
        : recent_log_(std::move(recent_log)),
          web_folder_(std::move(web_folder)),
          log_(std::move(log)),
          config_(config),
          administration_(administration),
          sources_(sources),
          lock_(lock),
          initial_(config.snapshot()),
          associations_(std::max(1U, initial_->dicom.max_associations)),
          sends_(send_threads),
          files_(file_threads),
          modules_(module_threads),
          engine_(EngineModules::threads),
          journal_(1),
          signals_(io_, SIGTERM, SIGINT),
          hangups_(io_, SIGHUP),
          clock_(make_system_clock()),
          ops_(make_ops()),
          folders_(*ops_, *clock_, initial_->folders),
          books_(io_.get_executor(), journal_, initial_->folders.database, lock.machine_restarted_since_last_run(),
                 *clock_, log_.named("bookkeeper")),
          stages_(io_.get_executor(), [this](const std::string& name, std::exception_ptr) { stage_died(name); }) {
        register_builtin_targets(targets_, *ops_, commitments_);
        register_builtin_runners(runners_, *initial_);
    }

    Result<void> run(const std::function<void(const ServerOptions::Addresses&)>& on_ready) {
        if (auto made = folders_.make_stages(); !made) return made;
        incoming_ = std::make_unique<IncomingStore>(*ops_, folders_.path(Stage::incoming), initial_->disk_free_min);
        warn_of_other_file_systems();
        if (auto recovered = recover_incoming(); !recovered) return recovered;
        build_stages();
        if (auto opened = receiver_->open(); !opened) return opened;
        make_web_side();
        books_.set_observer([this](const JournalEntry& entry) { web_->tell(entry); });
        if (auto listening = web_->listen(); !listening) return listening;

        on_ready_ = on_ready;
        supervisor_ =
            std::make_unique<CoroutineGroup>(io_.get_executor(), [this](const std::string&, std::exception_ptr) {
                log_.error("the server ended unexpectedly");
                ::_exit(1);
            });
        supervisor_->start("supervisor", supervise());
        io_.run();

        for (asio::thread_pool* pool : {&associations_, &sends_, &modules_, &engine_, &files_, &journal_}) pool->join();
        web_->join();
        if (auto marked = lock_.mark_clean_stop(); !marked) log_.warn(marked.error().message);
        log_.info("stopped");
        return {};
    }

private:
    StageContext stage(const char* area) {
        return StageContext{io_.get_executor(), files_, *clock_,         [this] { return config_.snapshot(); },
                            folders_,           books_, log_.named(area)};
    }

    void build_stages() {
        to_router_ = std::make_unique<AsyncQueue<CompleteSeries>>(io_.get_executor(), series_queued_max);
        const auto take_commitment = [this](dicom::CommitmentReport report) {
            return commitments_.take_in(std::move(report));
        };
        receiver_ =
            std::make_unique<Receiver>(stage("receiver"), associations_, *incoming_, *to_router_, take_commitment);
        dispatcher_ = std::make_unique<Dispatcher>(stage("dispatcher"), sends_, targets_);
        commitments_.on_report([this](const CommitmentReports::Key& delivery) {
            asio::post(io_, [this, delivery] { dispatcher_->commitment_reported(delivery.task_id, delivery.target); });
        });
        const auto to_next_stage = [this](Stage stage, const std::string& name) { tell(stage, name); };
        processor_ = std::make_unique<Processor>(stage("processor"), modules_, runners_, to_next_stage);
        const ServerIdentity identity{program_version(), initial_->appliance_name, host_name()};
        holds_ = std::make_unique<SeriesHolds>(stage("holds"));
        router_ = std::make_unique<Router>(stage("router"), *incoming_, *receiver_, *to_router_, study_folders_,
                                           *holds_, to_next_stage, identity);
        const auto is_arriving = [this](const std::string& study_uid) {
            return receiver_->is_receiving_study(study_uid) || router_->is_routing_study(study_uid);
        };
        studies_ = std::make_unique<StudyCollector>(stage("studies"), study_folders_, is_arriving, to_next_stage);
        control_ = std::make_unique<PipelineControl>(
            PipelineControl::Parts{stage("control"), sends_, *receiver_, *router_, *holds_, *studies_, *processor_,
                                   *dispatcher_, targets_, sources_, initial_->folders.run / "pauses.json"});
        engine_modules_ = std::make_unique<EngineModules>(
            EngineModules::Parts{stage("modules"), runners_, *processor_, modules_, engine_});
        cleaner_ = std::make_unique<Cleaner>(stage("cleaner"));
        status_ = std::make_unique<ServerStatus>(
            ServerStatus::Sources{*receiver_, *router_, *processor_, *dispatcher_, *cleaner_, books_, *control_,
                                  [this] { return config_.snapshot(); }, [this] { return config_.last_reload().ok; }});
    }

    void tell(Stage stage, const std::string& name) {
        if (stage == Stage::outgoing) dispatcher_->add(name);
        if (stage == Stage::processing) processor_->add(name);
        if (stage == Stage::studies) studies_->joined(name);
    }

    void make_web_side() {
        const SystemInfo system{program_version(), build_commit(), initial_->appliance_name, clock_->now()};
        web_ = std::make_unique<WebSide>(WebSide::Parts{
            io_.get_executor(), *initial_, sources_.environment, *clock_, *status_, administration_, folders_, config_,
            *control_, *engine_modules_, [this](JournalEntry entry) { books_.record(std::move(entry)); },
            [this] { configuration_taken_over(); }, system, log_.named("http"), recent_log_, web_folder_});
    }

    /// Between file systems a move is a durable copy instead of a rename, which costs time and space.
    void warn_of_other_file_systems() const {
        struct stat home {};
        if (::stat(folders_.path(Stage::incoming).c_str(), &home) != 0) return;
        for (const Stage other : {Stage::processing, Stage::outgoing, Stage::success, Stage::error, Stage::discard}) {
            struct stat status {};
            if (::stat(folders_.path(other).c_str(), &status) == 0 && status.st_dev != home.st_dev) {
                log_.warn("on another file system than incoming: files are copied, not moved",
                          kv("folder", folders_.path(other).string()));
            }
        }
    }

    Result<void> recover_incoming() {
        const auto is_whole = [](const std::filesystem::path& file) { return dicom::is_whole(file); };
        const bool torn_possible = lock_.machine_restarted_since_last_run() && !lock_.is_first_run();
        auto recovered = incoming_->recover(torn_possible ? IncomingStore::WholeCheck(is_whole) : nullptr);
        if (!recovered) return recovered.error();
        recovery_ = *recovered;
        for (const Stage stage : {Stage::studies, Stage::processing, Stage::outgoing, Stage::success, Stage::discard}) {
            auto removed = folders_.remove_stale_markers(stage);
            if (!removed) return removed.error();
        }
        return {};
    }

    /// The life of the server: recover, run, stop in order.
    asio::awaitable<void> supervise() {
        co_await books_.make_database();
        co_await control_->restore();
        co_await holds_->recover();
        const std::size_t handed_over = co_await router_->recover();
        log_.info("recovery", kv("unfinished_instances", recovery_.unfinished), kv("torn_instances", recovery_.torn),
                  kv("unfinished_series", handed_over),
                  kv("last_stop", lock_.is_first_run()               ? "none"
                                  : lock_.last_run_stopped_cleanly() ? "clean"
                                                                     : "crash"));
        stages_.start("receiver", receiver_->listen());
        if (receiver_->encrypted_port() != 0) {
            log_.info("encrypted DICOM", kv("port", receiver_->encrypted_port()));
            stages_.start("encrypted receiver", receiver_->listen_encrypted());
        }
        stages_.start("completion", receiver_->watch_completion());
        stages_.start("incoming scan", receiver_->scan_folders());
        stages_.start("router", router_->run());
        stages_.start("studies", studies_->run());
        stages_.start("processor", processor_->run());
        stages_.start("dispatcher", dispatcher_->run());
        stages_.start("cleaner", cleaner_->run());
        stages_.start("pauses", control_->watch());
        stages_.start("bookkeeper", books_.run());
        stages_.start("old history", prune_history());
        stages_.start("storage", watch_storage());
        stages_.start("configuration", watch_configuration_file());
        stages_.start("hangup", reload_on_hangup());
        status_->set_ready(true);
        books_.server_event("router.main", MercureEventType::boot, Severity::info, fmt::format("PID = {}", ::getpid()));
        announce();
        co_await signals_.async_wait(asio::use_awaitable);
        log_.info("stopping");
        co_await stop();
    }

    void announce() {
        ServerOptions::Addresses addresses;
        addresses.dicom = fmt::format("{}:{}", initial_->dicom.address, receiver_->port());
        addresses.dicom_port = receiver_->port();
        addresses.http = web_->url();
        while (!addresses.http.empty() && addresses.http.back() == '/') addresses.http.pop_back();
        addresses.data = initial_->folders.data;
        if (on_ready_) on_ready_(addresses);
    }

    /// design: front to back. What is acknowledged is durable already, so nothing here can lose an image.
    asio::awaitable<void> stop() {
        books_.server_event("router.main", MercureEventType::shutdown_request, Severity::info, "");
        signals_.async_wait([](const boost::system::error_code& cancelled, int) {
            if (!cancelled) ::_exit(1);  // asked twice
        });
        asio::steady_timer overdue(io_, shutdown_grace * 2);
        overdue.async_wait([](const boost::system::error_code& cancelled) {
            if (!cancelled) ::_exit(1);
        });
        status_->set_ready(false);
        receiver_->close();
        const SteadyTime deadline = clock_->now() + shutdown_grace;
        while (!receiver_->is_idle() && clock_->now() < deadline) {
            co_await clock_->wait_for(std::chrono::milliseconds(20));
        }
        receiver_->abort();
        to_router_->close();
        processor_->close();
        dispatcher_->close();
        router_->cancel();
        co_await router_->join(shutdown_grace);
        co_await processor_->join(shutdown_grace);
        if (!co_await dispatcher_->join(deadline - clock_->now())) {
            dispatcher_->stop();
            co_await dispatcher_->join(shutdown_grace);
        }
        books_.server_event("router.main", MercureEventType::shutdown, Severity::info, "");
        stages_.cancel();
        hangups_.cancel();
        co_await stages_.join(shutdown_grace);
        co_await web_->stop(std::chrono::seconds(2));
        co_await books_.close();
        overdue.cancel();
        signals_.cancel();
    }

    asio::awaitable<void> watch_storage() {
        for (;;) {
            auto measure = [this] { return measure_storage(folders_, config_.snapshot()->disk_free_min); };
            StorageStatus storage = co_await run_blocking(files_, measure);
            status_->set_storage(std::move(storage));
            status_->sample(clock_->now());
            co_await clock_->wait_for(storage_watch_interval);
        }
    }

    asio::awaitable<void> prune_history() {
        const auto kept = [this] { return RetentionSettings::of(*config_.snapshot()).history; };
        const auto is_here = [this](const std::string& name) {
            constexpr Stage stages[] = {Stage::incoming, Stage::processing, Stage::outgoing,
                                        Stage::success,  Stage::error,      Stage::discard};
            return std::ranges::any_of(stages, [&](Stage stage) { return folders_.exists(stage, name); });
        };
        return books_.prune(kept, is_here);
    }

    asio::awaitable<void> watch_configuration_file() {
        auto changed = [this] { return config_.changed_on_disk(); };
        for (;;) {
            co_await clock_->wait_for(file_watch_interval);
            if (co_await run_blocking(files_, changed)) co_await reload();
        }
    }

    asio::awaitable<void> reload_on_hangup() {
        for (;;) {
            co_await hangups_.async_wait(asio::use_awaitable);
            co_await reload();
        }
    }

    asio::awaitable<void> reload() {
        auto work = [this] { return config_.reload(); };
        const ConfigReload result = co_await run_blocking(files_, work);
        for (const ConfigProblem& problem : result.problems) {
            if (problem.severity == ProblemSeverity::error) log_.error(to_string(problem));
            if (problem.severity == ProblemSeverity::warning) log_.warn(to_string(problem));
        }
        if (!result.ok) {
            log_.error("the configuration was not taken over; the old one goes on",
                       kv("file", config_.file().string()));
            books_.server_event("router.main", MercureEventType::config_update, Severity::error,
                                "Configuration refused; the old one goes on");
            co_return;
        }
        for (const std::string& path : result.needs_restart)
            log_.warn("takes effect at the next start", kv("setting", path));
        configuration_taken_over();
        log_.info("configuration taken over", kv("changed", result.changed.size()));
        co_await web_->note_configuration();
    }

    /// What the stages do not look up themselves.
    void configuration_taken_over() {
        incoming_->set_reserve(config_.snapshot()->disk_free_min);
        receiver_->configuration_changed();
        books_.server_event("router.main", MercureEventType::config_update, Severity::info, "Configuration updated");
    }

    /// A stage that ended by itself is a bug; the folders hold everything, so a restart is the safe answer.
    void stage_died(const std::string& name) {
        log_.error("a stage ended unexpectedly; the server stops", kv("stage", name));
        std::raise(SIGTERM);
    }

    std::shared_ptr<const LogRing> recent_log_;
    std::filesystem::path web_folder_;
    Log log_;
    ConfigHandle& config_;
    Administration& administration_;
    const ConfigSources& sources_;
    DataLock& lock_;
    std::shared_ptr<const Config> initial_;
    asio::io_context io_{1};
    asio::thread_pool associations_;
    asio::thread_pool sends_;
    asio::thread_pool files_;
    asio::thread_pool modules_;
    asio::thread_pool engine_;
    asio::thread_pool journal_;
    asio::signal_set signals_;
    asio::signal_set hangups_;
    std::unique_ptr<Clock> clock_;
    std::unique_ptr<FileOps> ops_;
    TaskFolders folders_;
    StudyFolders study_folders_{folders_, *clock_};
    CommitmentReports commitments_;
    TargetRegistry targets_;
    RunnerRegistry runners_;
    Bookkeeper books_;
    std::unique_ptr<IncomingStore> incoming_;
    std::unique_ptr<AsyncQueue<CompleteSeries>> to_router_;
    std::unique_ptr<Receiver> receiver_;
    std::unique_ptr<Dispatcher> dispatcher_;
    std::unique_ptr<Processor> processor_;
    std::unique_ptr<SeriesHolds> holds_;
    std::unique_ptr<Router> router_;
    std::unique_ptr<StudyCollector> studies_;
    std::unique_ptr<Cleaner> cleaner_;
    std::unique_ptr<PipelineControl> control_;
    std::unique_ptr<EngineModules> engine_modules_;
    std::unique_ptr<ServerStatus> status_;
    std::unique_ptr<WebSide> web_;
    CoroutineGroup stages_;
    std::unique_ptr<CoroutineGroup> supervisor_;
    IncomingStore::Recovery recovery_;
    std::function<void(const ServerOptions::Addresses&)> on_ready_;
};

/// All findings, so that a person can mend them at once.
void log_problems(const Log& log, const LoadedConfig& loaded) {
    for (const ConfigProblem& problem : loaded.problems) {
        if (problem.severity == ProblemSeverity::error) log.error(to_string(problem));
        if (problem.severity == ProblemSeverity::warning) log.warn(to_string(problem));
    }
}

/// The last revision that was taken over, for a start with a file that somebody broke. Not ok() when there is none.
LoadedConfig last_good_configuration(const ConfigSources& sources, const Log& log) {
    const auto file = administration_file(sources.data / "db" / "quicksilver.sqlite");
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return {};
    auto administration = Administration::open(file);
    if (!administration) return {};
    Revisions revisions(**administration);
    const std::int64_t last = revisions.last();
    const auto text = revisions.document(last);
    if (!text) return {};
    LoadedConfig loaded = load_config_text(*text, sources);
    if (loaded.ok()) loaded.add(check_above_core(*loaded.config));
    if (loaded.ok()) {
        log.error("the configuration file cannot be used: the last good revision runs; mend the file, or restore it",
                  kv("revision", last), kv("file", sources.file.string()));
    }
    return loaded;
}

}  // namespace

Result<void> run_server(ServerOptions options) {
    const Log& log = options.log;
    if (options.create_config) {
        if (auto made = create_first_config(options.sources.file); !made) return made.error();
    }
    LoadedConfig loaded = load_config(options.sources);
    if (loaded.ok()) loaded.add(check_above_core(*loaded.config));
    log_problems(log, loaded);
    const std::vector<ConfigProblem> refused = loaded.ok() ? std::vector<ConfigProblem>() : loaded.problems;
    if (!loaded.ok()) loaded = last_good_configuration(options.sources, log);
    if (!loaded.ok()) {
        return Error{Errc::invalid, fmt::format("{} cannot be used; `quicksilver config check` lists every problem",
                                                options.sources.file.string())};
    }
    log.info(fmt::format("Quicksilver {}", program_version()), kv("config", options.sources.file.string()),
             kv("data", loaded.config->folders.data.string()));

    auto lock = DataLock::acquire(loaded.config->folders.run);
    if (!lock) return lock.error();
    auto dicom = dicom::Startup::begin(log.named("dcmtk"));
    if (!dicom) return dicom.error();
    auto administration = Administration::open(administration_file(loaded.config->folders.database));
    if (!administration) return administration.error();
    if (const auto notice = (*administration)->take_notice()) log.error(*notice);
    ConfigHandle config(options.sources, std::move(loaded), check_above_core);
    if (!refused.empty()) config.note_refused_file(refused);
    Server server(config, **administration, options.sources, *lock, log.named("server"), options.recent_log,
                  options.web_folder);
    return server.run(options.on_ready);
}

}  // namespace quicksilver
