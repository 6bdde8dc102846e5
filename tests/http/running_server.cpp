#include "http/running_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <stdexcept>

namespace asio = boost::asio;

namespace quicksilver::test {

namespace {

HttpConfig with_free_port(HttpConfig config) {
    config.port = 0;
    return config;
}

}  // namespace

RunningServer::RunningServer(Routes routes, HttpLimits limits, HttpConfig config)
    : server_(context_.get_executor(), with_free_port(std::move(config)), std::move(routes),
              Log(make_silent_log(), "http"), limits) {
    start();
}

RunningServer::RunningServer(const std::function<Routes(asio::any_io_executor)>& make_routes)
    : server_(context_.get_executor(), with_free_port({}), make_routes(context_.get_executor()),
              Log(make_silent_log(), "http")) {
    start();
}

void RunningServer::start() {
    const auto listening = server_.listen();
    if (!listening) throw std::runtime_error(listening.error().message);
    port_ = server_.port();
    url_ = server_.url();
    thread_ = std::thread([this] { context_.run(); });
}

RunningServer::~RunningServer() {
    if (!stopped_) stop();
    thread_.join();
}

void RunningServer::stop(std::chrono::milliseconds grace) {
    stopped_ = true;
    asio::co_spawn(context_, server_.stop(grace), asio::use_future).get();
}

bool RunningServer::renew_certificate() {
    asio::thread_pool files(1);
    const bool renewed = asio::co_spawn(context_, server_.renew_certificate(files), asio::use_future).get();
    files.join();
    return renewed;
}

void RunningServer::on_io(const std::function<void()>& work) {
    std::promise<void> done;
    asio::post(context_, [&] {
        work();
        done.set_value();
    });
    done.get_future().get();
}

HttpHandler answer_with(std::string text) {
    return [text](const HttpRequest&) -> asio::awaitable<HttpResponse> {
        HttpResponse response;
        response.content_type = "text/plain";
        response.body = text;
        co_return response;
    };
}

Routes plain_routes() {
    Routes routes;
    routes.add("GET", "/hello", answer_with("hello"));
    routes.add("POST", "/echo", [](const HttpRequest& request) -> asio::awaitable<HttpResponse> {
        HttpResponse response;
        response.content_type = "text/plain";
        response.body = request.body;
        co_return response;
    });
    return routes;
}

}  // namespace quicksilver::test
