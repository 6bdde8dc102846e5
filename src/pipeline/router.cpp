#include "quicksilver/pipeline/router.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/core/unique_id.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/retry_plan.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

constexpr const char* sender = "router.main";

std::string joined(const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

std::uint64_t total_size(const std::vector<std::filesystem::path>& files) {
    std::error_code ignored;
    return std::accumulate(files.begin(), files.end(), std::uint64_t{0}, [&](std::uint64_t sum, const auto& file) {
        const auto size = std::filesystem::file_size(file, ignored);
        return ignored ? sum : sum + size;
    });
}

/// Tags may hold anything; what is no UTF-8 is repaired.
std::string to_text(const nlohmann::json& json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

journal::SeriesStage series_stage(const SeriesRoute& route) {
    const auto any = [&route](Stage stage) {
        return std::any_of(route.tasks.begin(), route.tasks.end(),
                           [stage](const RoutedTask& task) { return task.stage == stage; });
    };
    if (any(Stage::error)) return journal::SeriesStage::failed;
    if (any(Stage::processing)) return journal::SeriesStage::processing;
    if (any(Stage::outgoing)) return journal::SeriesStage::dispatching;
    if (any(Stage::studies)) return journal::SeriesStage::collecting;
    if (any(Stage::discard)) return journal::SeriesStage::discarded;
    return journal::SeriesStage::done;
}

/// Counts as one for as long as it lives.
class Counted {
public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    std::size_t& count_;
};

}  // namespace

/// A series of this study is in hand, for as long as this lives.
class Router::InHand {
public:
    InHand(std::multiset<std::string>& studies, const std::string& study_uid)
        : studies_(studies), mine_(studies.insert(study_uid)) {}
    ~InHand() { studies_.erase(mine_); }
    InHand(const InHand&) = delete;
    InHand& operator=(const InHand&) = delete;

private:
    std::multiset<std::string>& studies_;
    std::multiset<std::string>::iterator mine_;
};

Router::Router(StageContext context, IncomingStore& store, Receiver& receiver, AsyncQueue<CompleteSeries>& incoming,
               StudyFolders& studies, SeriesHolds& holds, TaskHint to_next_stage, ServerIdentity server)
    : context_(std::move(context)),
      store_(store),
      receiver_(receiver),
      incoming_(incoming),
      holds_(holds),
      to_next_stage_(std::move(to_next_stage)),
      server_(std::move(server)),
      handover_(context_.folders, studies),
      working_(context_.io,
               [log = context_.log](const std::string& name, std::exception_ptr) {
                   log.error("routing ended unexpectedly; the series stays where it is", kv("series", name));
               }),
      resumed_(context_.io) {}

asio::awaitable<std::size_t> Router::recover() {
    auto find = [this] { return handover_.find_unfinished(); };
    const auto unfinished = co_await run_blocking(context_.files, find);
    if (!unfinished) {
        context_.log.error("cannot look for unfinished hand-overs", kv("reason", unfinished.error().message));
        co_return 0;
    }
    std::vector<Claim> undecided;
    for (const UnfinishedHandover& left : *unfinished) {
        auto finish = [this, &left] { return handover_.finish(left.claimed); };
        if (left.is_decided) {
            const auto finished = co_await run_blocking(context_.files, finish);
            if (finished) continue;
            context_.log.error("cannot finish a hand-over", kv("task", left.task_id),
                               kv("reason", finished.error().message));
        }
        auto read = [&left] { return read_study_uid(left.claimed); };
        const std::string study_uid = co_await run_blocking(context_.files, read);
        undecided.push_back(Claim{"", std::make_shared<InHand>(studies_, study_uid), left.task_id, left.claimed});
    }
    // Before the others are decided again: the hidden folders that they make would be taken for leftovers, and the plan
    // that they then write for published.
    auto clean = [this] { return handover_.remove_leftovers(); };
    const auto cleaned = co_await run_blocking(context_.files, clean);
    if (!cleaned) context_.log.warn("cannot remove leftovers", kv("reason", cleaned.error().message));
    for (Claim& claim : undecided) {
        std::string name = claim.task_id;
        working_.start(std::move(name), hand_over(std::move(claim)));
    }
    co_return unfinished->size();
}

asio::awaitable<void> Router::run() {
    // The files pool limits how many are in work at once; one that waits to be tried again holds up nobody.
    for (;;) {
        co_await until_resumed();
        auto series = co_await incoming_.pop();
        if (!series) co_return;
        co_await until_resumed();  // paused while it waited for this one
        std::string name = series->series_uid;
        Claim claim{name, std::make_shared<InHand>(studies_, series->study_uid), make_task_id(), {}};
        working_.start(std::move(name), route(std::move(*series), std::move(claim)));
    }
}

void Router::set_paused(bool paused) {
    if (paused != totals_.paused) context_.log.info(paused ? "routing paused" : "routing goes on");
    totals_.paused = paused;
    if (!paused) resumed_.cancel();
}

asio::awaitable<void> Router::until_resumed() {
    while (totals_.paused) {
        resumed_.expires_at(asio::steady_timer::time_point::max());
        boost::system::error_code woken;  // the timer never expires: waking up is always a "cancel"
        co_await resumed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
}

asio::awaitable<void> Router::route(CompleteSeries series, Claim claim) {
    auto take = [this, &claim] { return store_.claim(claim.series_uid, claim.task_id); };
    auto claimed = co_await run_blocking(context_.files, take);
    if (!claimed) {
        const Error& error = claimed.error();
        if (error.code == Errc::not_found) co_return;  // an earlier hint of the same folder
        if (error.code != Errc::busy) {
            context_.log.error("cannot claim a series", kv("series", claim.series_uid), kv("reason", error.message));
        }
        receiver_.put_back(series);
        co_return;
    }
    claim.folder = std::move(*claimed);
    co_await hand_over(std::move(claim));
}

asio::awaitable<void> Router::hand_over(Claim claim) {
    std::string reason;
    for (unsigned failures = 0;; ++failures) {
        const auto delay = next_routing_attempt(failures);
        if (!delay) break;
        if (delay->count() > 0) {
            co_await context_.clock.wait_for(std::chrono::duration_cast<std::chrono::nanoseconds>(*delay));
        }
        const auto rules = current_rules();
        auto work = [&] { return decide_and_hand_over(claim, *rules); };
        const auto route = co_await run_blocking(context_.files, work);
        if (route) {
            if (claim.series_uid.empty()) claim.series_uid = route->tags.get("SeriesInstanceUID");
            record(claim, *route);
            co_return;
        }
        reason = route.error().message;
        context_.log.error("cannot hand over a series", kv("series", claim.series_uid), kv("task", claim.task_id),
                           kv("attempt", failures + 1), kv("reason", reason));
    }
    auto give_up = [&] { return handover_.give_up(claim.folder, reason); };
    const auto parked = co_await run_blocking(context_.files, give_up);
    if (!parked) {
        // It stays claimed, whole; the next start tries again.
        context_.log.error("cannot park a series", kv("task", claim.task_id), kv("reason", parked.error().message));
    }
    record_failure(claim, reason);
}

Result<SeriesRoute> Router::decide_and_hand_over(const Claim& claim, const RoutingRules& rules) const {
    const auto instances = TaskFolders::instances(claim.folder);
    if (!instances) return instances.error();
    auto tags = read_series_tags(claim.folder, *rules.config);
    if (!tags) return tags.error();
    const auto forced_rule = Handover::forced_rule(claim.folder);
    if (!forced_rule) return forced_rule.error();
    if (!forced_rule->empty()) tags->set(rules::force_rule_tag, *forced_rule);
    SeriesRoute route = decide_route(rules, std::move(*tags), header_of(claim.folder));
    route.instances = instances->size();
    route.bytes = total_size(*instances);
    const std::string series_uid = claim.series_uid.empty() ? route.tags.get("SeriesInstanceUID") : claim.series_uid;
    if (auto kept = keep_if_held(claim, series_uid); !kept) return std::move(kept).error();
    const auto planned = to_planned_tasks(route, series_uid, *rules.config, server_, context_.clock.wall_now());
    auto made = handover_.hand_over(claim.folder, planned);
    if (!made) return made.error();
    route.made = std::move(*made);
    return route;
}

/// What becomes of a series that somebody holds is held as well. On the files pool.
Result<void> Router::keep_if_held(const Claim& claim, const std::string& series_uid) const {
    const auto all = holds_.all();
    const auto held = all->find(series_uid);
    // One that is gone has been handed over by an earlier attempt.
    if (held == all->end() || !path_exists(claim.folder)) return {};
    return context_.folders.hold(claim.folder, Holds{{series_uid, held->second}});
}

/// It may have been held after that was looked up.
void Router::keep_what_was_made(const Claim& claim, const SeriesRoute& route) {
    if (!holds_.all()->contains(claim.series_uid)) return;
    KnownSeries series{claim.series_uid, route.tags.get("StudyInstanceUID"), {}};
    for (const MadeTask& made : route.made) series.tasks.push_back(made.folder.filename());
    std::string name = "keep " + claim.series_uid;
    working_.start(std::move(name), holds_.keep(std::move(series)));
}

asio::awaitable<Result<std::string>> Router::route_again(KnownSeries series, std::string forced_rule) {
    const auto config = context_.config();
    const RuleConfig* rule = config->find_rule(forced_rule);
    if (!forced_rule.empty() && !rule)
        co_return Error{Errc::not_found, fmt::format("there is no rule {}", forced_rule)};
    if (rule && rule->disabled) {
        co_return Error{Errc::invalid, fmt::format("rule {} is disabled; enable it first", forced_rule)};
    }
    Claim claim{series.series_uid, std::make_shared<InHand>(studies_, series.study_uid), make_task_id(), {}, true};
    auto take = [&] { return claim_again(series, claim.task_id, forced_rule); };
    auto claimed = co_await run_blocking(context_.files, take);
    if (!claimed) co_return claimed.error();
    claim.folder = std::move(*claimed);
    std::string task_id = claim.task_id;
    context_.log.info("series is routed again", kv("series", claim.series_uid), kv("task", task_id),
                      kv("rule", forced_rule));
    std::string name = claim.series_uid;
    working_.start(std::move(name), hand_over_when_resumed(std::move(claim)));
    co_return task_id;
}

/// On the files pool. A folder may move on between looking and linking; then its files are found in the next one.
Result<std::filesystem::path> Router::claim_again(const KnownSeries& series, const std::string& task_id,
                                                  const std::string& forced_rule) const {
    constexpr int looks_max = 4;
    for (int look = 1;; ++look) {
        const auto files = received_files(context_.folders, series);
        const bool any = std::ranges::any_of(files, [](const auto& file) { return file.extension() == ".dcm"; });
        if (!any) break;
        auto claimed = handover_.claim_again(task_id, files, forced_rule);
        if (claimed || claimed.error().code != Errc::not_found || look == looks_max) return claimed;
    }
    if (path_exists(context_.folders.path(Stage::incoming, series.series_uid))) {
        return Error{Errc::busy,
                     fmt::format("series {} is still arriving; wait until it is routed", series.series_uid)};
    }
    return Error{Errc::not_found, fmt::format("the images of series {} as they were received are not here any more; "
                                              "results of modules are not routed",
                                              series.series_uid)};
}

asio::awaitable<void> Router::hand_over_when_resumed(Claim claim) {
    {
        const Counted waiting(waiting_again_);
        co_await until_resumed();
    }
    co_await hand_over(std::move(claim));
}

std::shared_ptr<const RoutingRules> Router::current_rules() {
    auto config = context_.config();
    if (!rules_ || rules_->config != config) {
        auto rules = std::make_shared<RoutingRules>();
        rules->config = config;
        rules->rules = rules::RuleSet(config->rules);
        rules_ = std::move(rules);
    }
    return rules_;
}

/// The events of contract §5.2–5.6, and what becomes of the tasks next.
void Router::record(const Claim& claim, const SeriesRoute& route) {
    Bookkeeper& books = context_.books;
    const std::string& parent = claim.task_id;
    const WallTime now = context_.clock.wall_now();
    books.record(journal::TaskRegistered{now, parent, "", claim.series_uid});
    books.record(journal::SeriesRegistered{now, claim.series_uid, route.tags});
    books.task_event(parent, sender, TaskEventType::registered, route.instances, joined(route.decision.triggered),
                     how_registered(claim, route));
    books.record(journal::SeriesDecision{now, claim.series_uid, parent, to_text(rules::to_json(route.decision))});
    // The sentence may quote a patient's name or ID, which do not belong into the log.
    for (const std::string& error : route.decision.errors()) {
        books.server_event(sender, MercureEventType::config_update, Severity::error, error);
    }
    for (const rules::RuleTrace& rule : route.decision.trace) {
        if (rule.outcome != rules::RuleOutcome::failed || !rule.error) continue;
        context_.log.error("a rule failed; its event in the database says more", kv("series", claim.series_uid),
                           kv("rule", rule.rule), kv("code", rule.error->code), kv("line", rule.error->range.line),
                           kv("column", rule.error->range.column));
    }
    if (route.decision.unknown_forced_rule) {
        context_.log.error("the forced rule does not exist", kv("series", claim.series_uid),
                           kv("rule", route.decision.forced_rule));
    }

    std::string outcome;
    for (const RoutedTask& task : route.tasks) {
        if (task.stage == Stage::studies) {
            record_study(claim, route, task);
        } else {
            record_task(claim, route, task);
        }
        if (!outcome.empty()) outcome += ", ";
        outcome += task.stage == Stage::studies
                       ? fmt::format("study for {}", task.plan.applied_rule)
                       : fmt::format("{} {}", rules::to_string(task.plan.kind), joined(task.plan.targets));
    }
    if (route.tasks.size() > 1) {
        books.task_event(parent, sender, TaskEventType::remove, route.instances, "", "Removed duplicate files");
    }

    const journal::SeriesStage stage = series_stage(route);
    if (stage != journal::SeriesStage::discarded && stage != journal::SeriesStage::failed) ++totals_.routed_total;
    books.record(journal::SeriesState{now, claim.series_uid, stage, outcome, joined(route.decision.triggered), parent,
                                      route.instances, route.bytes});
    context_.log.info("series routed", kv("series", claim.series_uid), kv("task", parent),
                      kv("rules", joined(route.decision.triggered)), kv("instances", route.instances),
                      kv("to", outcome));
    keep_what_was_made(claim, route);
    for (const MadeTask& made : route.made) to_next_stage_(made.stage, made.folder.filename());
}

std::string Router::how_registered(const Claim& claim, const SeriesRoute& route) {
    const bool is_first = remember(claim.series_uid);
    const std::string& forced = route.decision.forced_rule;
    if (!forced.empty())
        return fmt::format("Registered series{} for rule {} alone", claim.again ? " again" : "", forced);
    if (claim.again) return "Registered series again";
    return is_first ? "Registered series" : "Registered series: a late part, an earlier one was routed before";
}

/// The series joined a study, or began it (contract §5.5).
void Router::record_study(const Claim& claim, const SeriesRoute& route, const RoutedTask& task) {
    Bookkeeper& books = context_.books;
    const auto made = std::find_if(route.made.begin(), route.made.end(),
                                   [&](const MadeTask& each) { return each.planned_id == task.id; });
    const bool begun = made == route.made.end() || made->joined_task.empty();
    const std::string id = begun ? task.id : made->joined_task;
    const std::string& rule = task.plan.applied_rule;
    if (begun) books.record(journal::TaskRegistered{context_.clock.wall_now(), id, "", claim.series_uid});
    books.task_event(claim.task_id, sender, TaskEventType::assign, route.instances, rule,
                     begun ? "Created study task" : "Added to study task");
    books.task_event(claim.task_id, sender, TaskEventType::delegate, route.instances, id, rule);
    books.task_event(id, sender, TaskEventType::assign, route.instances, claim.task_id, "Added series to study");
}

/// The series became a task of its own, or was put away.
void Router::record_task(const Claim& claim, const SeriesRoute& route, const RoutedTask& task) {
    Bookkeeper& books = context_.books;
    const std::string& parent = claim.task_id;
    books.record(journal::TaskRegistered{context_.clock.wall_now(), task.id, parent, claim.series_uid});
    if (task.plan.kind == rules::PlanKind::discard) {
        books.task_event(parent, sender, TaskEventType::discard, route.instances, route.decision.discard_rule,
                         task.plan.reason);
        ++totals_.discarded_total;
    } else if (task.plan.kind == rules::PlanKind::error) {
        books.task_event(parent, sender, TaskEventType::error, route.instances, "", task.plan.reason);
        context_.log.error("series kept in error", kv("series", claim.series_uid), kv("task", task.id),
                           kv("reason", task.plan.reason));
        ++totals_.failed_total;
    } else {
        books.task_event(parent, sender, TaskEventType::delegate, route.instances, task.id,
                         joined(task.plan.triggered_rules));
    }
    const bool moved = route.tasks.size() == 1;
    books.task_event(parent, sender, moved ? TaskEventType::move : TaskEventType::copy, route.instances,
                     context_.folders.path(task.stage, task.id).string(), moved ? "Moved files" : "Copied files");
}

bool Router::is_routing_study(const std::string& study_uid) const {
    if (studies_.contains(study_uid)) return true;
    const auto& waiting = incoming_.items();
    return std::any_of(waiting.begin(), waiting.end(),
                       [&](const CompleteSeries& series) { return series.study_uid == study_uid; });
}

/// False when an earlier part of the series was routed; as far back as we remember.
bool Router::remember(const std::string& series_uid) {
    if (!routed_.insert(series_uid).second) return false;
    routed_order_.push_back(series_uid);
    if (routed_order_.size() > remembered_max) {
        routed_.erase(routed_order_.front());
        routed_order_.pop_front();
    }
    return true;
}

void Router::record_failure(const Claim& claim, const std::string& reason) {
    ++totals_.failed_total;
    context_.books.record(journal::TaskRegistered{context_.clock.wall_now(), claim.task_id, "", claim.series_uid});
    context_.books.task_event(claim.task_id, sender, TaskEventType::error, 0, "", reason);
    journal::SeriesState state;
    state.time = context_.clock.wall_now();
    state.series_uid = claim.series_uid;
    state.state = journal::SeriesStage::failed;
    state.outcome = reason;
    state.task_id = claim.task_id;
    context_.books.record(std::move(state));
}

Router::Status Router::status() const {
    Status status = totals_;
    status.waiting = incoming_.size() + waiting_again_;
    status.in_flight = working_.size() - waiting_again_;
    if (incoming_.size() > 0) {
        const CompleteSeries& oldest = incoming_.items().front();
        status.oldest = std::chrono::duration_cast<Seconds>(context_.clock.now() - oldest.complete_since);
    }
    return status;
}

}  // namespace quicksilver
