#include "web_side.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/core/thread_priority.hpp"
#include "quicksilver/http/assets.hpp"
#include "quicksilver/http/bookkeeper_routes.hpp"
#include "quicksilver/http/config_etag.hpp"
#include "quicksilver/http/uploads.hpp"
#include "quicksilver/store/audit.hpp"
#include "quicksilver/store/renames.hpp"
#include "quicksilver/store/retention_settings.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace quicksilver {

namespace {

constexpr auto certificate_interval = std::chrono::seconds(10);

/// For its owner only; whoever may read it may administer this server.
bool write_private(const std::filesystem::path& file, const std::string& text) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    return ::close(fd) == 0 && written;
}

}  // namespace

WebSide::WebSide(Parts parts)
    : parts_(std::move(parts)),
      history_(parts_.config.folders.database),
      setup_code_([this](const std::string& code) { announce_setup_code(code); }),
      events_(parts_.io),
      operations_(parts_.io, parts_.clock, events_, parts_.log),
      news_({events_, parts_.status, parts_.config_handle, parts_.clock, sign_in_watch_, parts_.recent_log}),
      background_(parts_.io, [this](const std::string& name, const std::exception_ptr&) {
          parts_.log.error("a coroutine of the web side ended", kv("name", name));
      }) {
    step_back(readers_pool_, readers);  // who asks may wait a little; a scanner that sends may not
}

Result<void> WebSide::listen() {
    if (auto made = make_first_admin(); !made) return made;
    if (auto removed = remove_stale_uploads(parts_.folders.ops(), parts_.config.folders); !removed) {
        parts_.log.warn("uploads of an earlier run are left", kv("reason", removed.error().message));
    }
    Routes routes;
    add_status_routes(routes, parts_.status);
    if (parts_.web_folder.empty()) {
        add_asset_routes(routes);
    } else {
        add_asset_routes(routes, parts_.web_folder, readers_pool_);
    }
    ApiServices services{administration_pool_, readers_pool_, passwords_pool_, parts_.administration,
                         parts_.config_handle, history_,      parts_.folders,  parts_.clock,
                         parts_.status,        setup_code_,   events_,         parts_.control,
                         parts_.modules,       operations_,   parts_.system,   parts_.log};
    services.recent_log = parts_.recent_log;
    services.sign_in_watch = sign_in_watch_;
    services.configuration_changed = [this](const std::string& user, const ConfigChange& change) {
        configuration_changed(user, change);
    };
    add_api_routes(routes, std::move(services));
    add_bookkeeper_routes(routes, {[this] { return parts_.config_handle.snapshot(); }, parts_.record, parts_.clock,
                                   history_, parts_.folders, readers_pool_});
    note_file();
    server_ = std::make_unique<HttpServer>(parts_.io, parts_.config.http, std::move(routes), parts_.log);
    if (auto listening = server_->listen(); !listening) return listening;
    background_.start("live pipeline", tell_pipeline());
    background_.start("certificate", watch_certificate());
    background_.start("old audit", prune_audit());
    return {};
}

void WebSide::tell(const JournalEntry& entry) {
    news_.tell(entry);
}

boost::asio::awaitable<void> WebSide::tell_pipeline() {
    for (;;) {
        co_await parts_.clock.wait_for(std::chrono::milliseconds(500));
        news_.look();
    }
}

boost::asio::awaitable<void> WebSide::watch_certificate() {
    for (;;) {
        co_await parts_.clock.wait_for(certificate_interval);
        co_await server_->renew_certificate(readers_pool_);
    }
}

boost::asio::awaitable<void> WebSide::prune_audit() {
    constexpr std::size_t entries_at_once = 1000;
    for (;;) {
        co_await parts_.clock.wait_for(RetentionSettings::interval);
        const Seconds kept = RetentionSettings::of(*parts_.config_handle.snapshot()).audit;
        if (kept.count() <= 0) continue;
        const WallTime before = parts_.clock.wall_now() - std::chrono::duration_cast<WallTime::duration>(kept);
        auto prune = [&] {
            try {
                return AuditLog(parts_.administration).prune(before, entries_at_once);
            } catch (const database::DatabaseError& failed) {
                parts_.log.error("the audit cannot be pruned", kv("reason", failed.what()));
                return std::size_t{0};
            }
        };
        std::size_t pruned = entries_at_once;
        while (pruned == entries_at_once) pruned = co_await run_blocking(administration_pool_, prune);
    }
}

boost::asio::awaitable<void> WebSide::stop(std::chrono::milliseconds grace) {
    events_.close();
    background_.cancel();
    co_await background_.join(grace);
    co_await operations_.stop(grace);
    if (server_) co_await server_->stop(grace);
}

boost::asio::awaitable<void> WebSide::note_configuration() {
    auto note = [this] { note_file(); };
    co_await run_blocking(administration_pool_, note);
}

/// History is worth less than running: without a database to keep it in, the server goes on.
void WebSide::note_file() {
    try {
        ConfigHistory history(parts_.config_handle, parts_.administration);
        const std::int64_t revision = history.note_file(std::chrono::system_clock::now());
        if (revision <= 0) return;
        parts_.log.info("kept the configuration of the file", kv("revision", revision));
        if (const auto kept = history.revisions().find(revision)) tell_configuration(revision, "", kept->changes);
    } catch (const database::DatabaseError& failed) {
        parts_.log.error("the configuration's history cannot be written", kv("reason", failed.what()));
    }
}

/// Comes from the administration's thread.
void WebSide::configuration_changed(const std::string& user, const ConfigChange& change) {
    parts_.log.info("configuration changed", kv("user", user), kv("revision", change.revision),
                    kv("changes", change.changes.size()));
    tell_configuration(change.revision, user, change.changes);
    boost::asio::post(parts_.io, [this] { parts_.configuration_changed(); });
}

/// On the administration's thread. Who edits an object sees by its ETag that it is another one now.
void WebSide::tell_configuration(std::int64_t revision, const std::string& user, const nlohmann::json& changes) {
    nlohmann::json objects = nlohmann::json::array();
    for (const ConfigObjectName& object : changed_objects(changes)) {
        objects.push_back({{"type", object.kind}, {"id", object.name}, {"etag", config_etag(revision, object)}});
    }
    nlohmann::json data = {{"revision", revision}, {"user", user}, {"objects", std::move(objects)}};
    boost::asio::post(parts_.io, [this, data = std::move(data), renamed = renames_in(changes)] {
        events_.publish("config", "config", data);
        for (const journal::Renamed& one : renamed) parts_.record(one);
    });
}

void WebSide::join() {
    for (auto* pool : {&administration_pool_, &readers_pool_, &passwords_pool_}) pool->join();
}

/// `QUICKSILVER_ADMIN_PASSWORD_HASH`, for containers; without it, the setup code. Before anybody else uses the
/// database.
Result<void> WebSide::make_first_admin() {
    Accounts accounts(parts_.administration);
    const std::filesystem::path code_file = parts_.config.folders.run / "setup-code";
    if (accounts.count() > 0) {
        std::error_code ignored;
        std::filesystem::remove(code_file, ignored);
        return {};
    }
    const auto hash = parts_.environment.find("QUICKSILVER_ADMIN_PASSWORD_HASH");
    if (hash == parts_.environment.end()) {
        setup_code_.refresh(parts_.clock.now());
        return {};
    }
    if (!secrets::is_argon2(hash->second)) {
        return Error{Errc::invalid,
                     "QUICKSILVER_ADMIN_PASSWORD_HASH is no argon2 hash ($argon2id$…); "
                     "`quicksilver user hash` makes one"};
    }
    User admin;
    admin.username = "admin";
    admin.role = Role::admin;
    admin.phi = true;
    auto made = accounts.add(admin, hash->second, parts_.clock.wall_now());
    if (!made) return made.error();
    parts_.log.info("made the user admin from QUICKSILVER_ADMIN_PASSWORD_HASH");
    return {};
}

void WebSide::announce_setup_code(const std::string& code) {
    const std::filesystem::path file = parts_.config.folders.run / "setup-code";
    parts_.log.info("nobody can sign in yet: make the first administrator on the web page with this code",
                    kv("setup_code", code), kv("file", file.string()), kv("minutes", SetupCode::lifetime.count()));
    boost::asio::post(administration_pool_, [file, code, log = parts_.log] {
        if (!write_private(file, code + "\n")) log.warn("the setup code cannot be written", kv("file", file.string()));
    });
}

}  // namespace quicksilver
