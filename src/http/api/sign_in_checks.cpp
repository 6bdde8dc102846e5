#include "sign_in_checks.hpp"

#include "quicksilver/core/address_range.hpp"
#include "quicksilver/core/run_blocking.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

void refuse_if_slowed(Api& api, const Call& call, std::chrono::milliseconds wait) {
    if (wait.count() == 0) return;
    api.services().sign_in_watch->slowed(client_of_address(call.request.address), call.steady_now);
    const auto seconds = (wait.count() + 999) / 1000;
    throw ProblemError(429, "throttled",
                       fmt::format("Too many failed tries; the next one is possible in {} s.", seconds))
        .with_header("Retry-After", std::to_string(seconds));
}

}  // namespace

void check_throttle(Api& api, const Call& call, const std::string& account) {
    refuse_if_slowed(api, call, api.throttle().try_now(account, call.request.address, call.steady_now));
}

void check_code_throttle(Api& api, const Call& call, const std::string& account) {
    refuse_if_slowed(api, call, api.throttle().try_code_now(account, call.request.address, call.steady_now));
}

asio::awaitable<std::string> check_own_password(Api& api, Call& call, std::string password, std::string pointer) {
    const ApiServices& services = api.services();
    const User& user = call.user();
    check_throttle(api, call, user.username);
    auto find = [&] { return api.accounts().password_hash(user.id); };
    const std::string hash = co_await run_blocking(services.administration_pool, find);
    auto verify = [&] { return secrets::verify_password(hash, password); };
    const bool matches = co_await run_blocking(services.passwords_pool, verify);
    if (!matches) {
        api.throttle().failed(user.username, call.request.address, call.steady_now);
        FieldError fault{std::move(pointer), "wrong", "is not the present password"};
        throw invalid("The password is wrong.", {std::move(fault)});
    }
    co_return hash;
}

}  // namespace quicksilver::api
