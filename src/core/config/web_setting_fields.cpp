#include "web_setting_fields.hpp"

namespace quicksilver {

namespace {

constexpr double day_s = 86'400;
constexpr auto ours = FieldOwner::quicksilver;

constexpr ConfigField fields[] = {
    {.key = "http.address",
     .group = "Web interface",
     .type = FieldType::host,
     .help = "Address of the web interface and the API. Anything but the loopback address needs a certificate, or "
             "`http.allow_plain`.",
     .default_text = "127.0.0.1",
     .needs_restart = true,
     .owner = ours},
    {.key = "http.port",
     .group = "Web interface",
     .type = FieldType::port,
     .help = "Port of the web interface and the API. 0 picks a free one.",
     .default_text = "8000",
     .min = 0,
     .needs_restart = true,
     .owner = ours},
    {.key = "http.certificate",
     .group = "Web interface",
     .type = FieldType::path,
     .help = "PEM file. With it and `http.key` the web interface is HTTPS.",
     .needs_restart = true,
     .owner = ours},
    {.key = "http.key",
     .group = "Web interface",
     .type = FieldType::path,
     .help = "PEM file of the private key.",
     .needs_restart = true,
     .owner = ours},
    {.key = "http.allow_plain",
     .group = "Web interface",
     .type = FieldType::boolean,
     .help = "Allow an address that other machines reach without a certificate. Passwords, tokens and patient data "
             "then cross the network unencrypted: only for a network of its own, as containers have, with a reverse "
             "proxy that speaks HTTPS.",
     .default_text = "false",
     .needs_restart = true,
     .owner = ours},
    {.key = "http.prefix",
     .group = "Web interface",
     .help = "Path below which a reverse proxy shows the web interface and the API, such as `/quicksilver`.",
     .default_text = "",
     .needs_restart = true,
     .owner = ours},
    {.key = "http.trusted_proxies",
     .group = "Web interface",
     .type = FieldType::text_list,
     .help = "Addresses and networks, such as `10.0.0.0/8`, of the reverse proxies whose `X-Forwarded-For`, "
             "`X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Prefix` count.",
     .default_text = "[]",
     .needs_restart = true,
     .owner = ours},

    {.key = "sign_in.session_idle",
     .group = "Sign-in",
     .type = FieldType::duration,
     .help = "A session ends when nobody used it for this long.",
     .default_text = "1800",
     .unit = "s",
     .min = 300,
     .max = 30 * day_s,
     .owner = ours},
    {.key = "sign_in.session_max",
     .group = "Sign-in",
     .type = FieldType::duration,
     .help = "A session ends this long after signing in, however much it is used. Counts for new sessions.",
     .default_text = "43200",
     .unit = "s",
     .min = 300,
     .max = 30 * day_s,
     .owner = ours},
    {.key = "sign_in.second_factor_for_admins",
     .group = "Sign-in",
     .type = FieldType::boolean,
     .help = "Administrators need a second factor: until they have set one up, they can do nothing else.",
     .default_text = "false",
     .owner = ours},
};

}  // namespace

FieldTable web_setting_fields() {
    return fields;
}

}  // namespace quicksilver
