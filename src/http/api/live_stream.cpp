#include "live_stream.hpp"

#include "quicksilver/core/run_blocking.hpp"

#include <utility>

namespace quicksilver::api {

namespace asio = boost::asio;

LiveStream::LiveStream(const Api& api, const Call& call)
    : api_(api.shared_from_this()),
      operation_(call.operation),
      credentials_(read_credentials(call.request)),
      request_(call.request),
      seat_(api.stream_seats().take(call.who->session_id + call.who->token_id)),
      checked_(api.services().clock.now()) {
    if (seat_) return;
    throw ProblemError(503, "too_many_streams", "Too many live streams are open; close one of them.")
        .with_header("Retry-After", "30");
}

asio::awaitable<bool> LiveStream::may_go_on() {
    const ApiServices& services = api_->services();
    if (services.events.is_closed()) co_return false;
    if (services.clock.now() - checked_ < recheck) co_return true;
    checked_ = services.clock.now();
    const WallTime now = services.clock.wall_now();
    // A page that is left open listens for ever; that is no use of the session.
    auto look = [&] {
        const auto who = api_->find_principal(credentials_, request_, now, false);
        return who && api_->may(operation_, *who);
    };
    co_return co_await run_blocking(services.administration_pool, look);
}

HttpResponse LiveStream::answer(std::shared_ptr<BodySource> stream) {
    HttpResponse response;
    response.content_type = "text/event-stream";
    response.headers.emplace_back("X-Accel-Buffering", "no");
    response.stream = std::move(stream);
    return response;
}

}  // namespace quicksilver::api
