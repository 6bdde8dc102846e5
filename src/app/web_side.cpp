#include "web_side.hpp"

#include "quicksilver/http/assets.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

namespace quicksilver {

namespace {

/// For its owner only; whoever may read it may administer this server.
bool write_private(const std::filesystem::path& file, const std::string& text) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    return ::close(fd) == 0 && written;
}

}  // namespace

WebSide::WebSide(Parts parts)
    : parts_(std::move(parts)), setup_code_([this](const std::string& code) { announce_setup_code(code); }) {}

Result<void> WebSide::listen() {
    if (auto made = make_first_admin(); !made) return made;
    Routes routes;
    add_status_routes(routes, parts_.status);
    add_asset_routes(routes);
    add_api_routes(routes, ApiServices{administration_pool_, readers_pool_, passwords_pool_, parts_.administration,
                                       parts_.clock, parts_.status, setup_code_, parts_.system, parts_.log});
    server_ = std::make_unique<HttpServer>(parts_.io, parts_.config.http, std::move(routes), parts_.log);
    return server_->listen();
}

boost::asio::awaitable<void> WebSide::stop(std::chrono::milliseconds grace) {
    if (server_) co_await server_->stop(grace);
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
