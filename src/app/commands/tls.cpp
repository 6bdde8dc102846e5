#include "quicksilver/http/self_signed.hpp"

#include "commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <unistd.h>

namespace quicksilver {

namespace {

struct TlsOptions {
    std::filesystem::path out;
    std::vector<std::string> names;
};

int self_signed(TlsOptions options) {
    if (options.names.empty()) {
        char host[256] = {};
        if (::gethostname(host, sizeof(host) - 1) == 0) options.names.emplace_back(host);
    }
    for (const char* always : {"localhost", "127.0.0.1", "::1"}) {
        if (std::ranges::find(options.names, always) == options.names.end()) options.names.emplace_back(always);
    }
    const auto made = make_self_signed(options.out, options.names);
    if (!made) return fail(made.error().message);
    fmt::print(
        "certificate  {}\nkey          {}\nSHA-256      {}\n\nSet http.certificate and http.key to these files.\n",
        made->certificate.string(), made->key.string(), made->fingerprint);
    return 0;
}

}  // namespace

void add_tls_command(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("tls", "Certificates for the web interface");
    command->require_subcommand(1);
    auto* make = command->add_subcommand("self-signed", "Make a certificate that this machine signs itself");
    const auto options = std::make_shared<TlsOptions>();
    make->add_option("--out", options->out, "Folder for certificate.pem and key.pem")->required();
    make->add_option("--name", options->names, "Host name or address (default: this machine's); may be repeated");
    make->callback([options, &status] { status = self_signed(*options); });
}

}  // namespace quicksilver
