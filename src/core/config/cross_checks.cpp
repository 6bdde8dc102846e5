#include "cross_checks.hpp"

#include "quicksilver/core/address_range.hpp"
#include "quicksilver/core/path_prefix.hpp"

#include "fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver {

namespace {

template <class T>
std::vector<std::string_view> names_of(const std::vector<T>& items) {
    std::vector<std::string_view> names;
    for (const T& item : items) names.push_back(item.name);
    return names;
}

std::filesystem::path without_dots(const std::filesystem::path& given) {
    const std::filesystem::path path = given.lexically_normal();
    return path.has_filename() ? path : path.parent_path();  // "/x/" is "/x"
}

bool is_inside(const std::filesystem::path& inner, const std::filesystem::path& outer) {
    const auto [in_outer, in_inner] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
    return in_outer == outer.end();
}

/// Two stages in one folder would take each other's work.
void check_folders(const FolderConfig& folders, Findings& findings) {
    struct Stage {
        std::string_view key;
        std::filesystem::path folder;
    };
    const std::array<Stage, 9> stages{{{"incoming_folder", without_dots(folders.incoming)},
                                       {"studies_folder", without_dots(folders.studies)},
                                       {"processing_folder", without_dots(folders.processing)},
                                       {"outgoing_folder", without_dots(folders.outgoing)},
                                       {"success_folder", without_dots(folders.success)},
                                       {"error_folder", without_dots(folders.error)},
                                       {"discard_folder", without_dots(folders.discard)},
                                       {"jobs_folder", without_dots(folders.jobs)},
                                       {"persistence_folder", without_dots(folders.persistence)}}};
    for (const Stage& stage : stages) {
        for (const Stage& other : stages) {
            if (&stage == &other || !is_inside(stage.folder, other.folder)) continue;
            const bool same = stage.folder == other.folder;
            if (same && &stage < &other) continue;  // once is enough
            findings.error(std::string(stage.key),
                           fmt::format("{} {} {}; each stage needs a folder of its own", stage.folder.string(),
                                       same ? "is also" : "is inside", other.key));
        }
    }
}

void check_pair(const std::filesystem::path& certificate, const std::filesystem::path& key, std::string_view section,
                Findings& findings) {
    if (certificate.empty() == key.empty()) return;
    findings.error(fmt::format("{}.{}", section, certificate.empty() ? "certificate" : "key"),
                   fmt::format("is missing, but {}.{} is set", section, certificate.empty() ? "key" : "certificate"));
}

bool is_loopback(std::string_view address) {
    static const auto network = AddressRange::parse("127.0.0.0/8");
    return address == "localhost" || network->contains(address) || plain_address(address) == "::1";
}

/// Who signs in over such a listener tells everybody on the way their password.
void check_unencrypted(const Config& config, Findings& findings) {
    const HttpConfig& http = config.http;
    if (!http.certificate.empty() || is_loopback(http.address)) return;
    const auto* section = config.document.is_object() ? find_member(config.document, "http") : nullptr;
    if (section && section->is_object() && section->value("allow_plain", false)) return;
    findings.error("http.address",
                   fmt::format("{} is reached by other machines, and nothing is encrypted; give http.certificate and "
                               "http.key (`quicksilver tls self-signed` makes them), or set http.allow_plain",
                               http.address));
}

void check_listeners(const Config& config, Findings& findings) {
    const auto check_ports = [&](std::uint16_t a, std::uint16_t b, std::string_view path, std::string_view other) {
        if (a != 0 && a == b) findings.error(std::string(path), fmt::format("{} is the same port as {}", a, other));
    };
    check_ports(config.http.port, config.dicom.port, "http.port", "port");
    check_pair(config.http.certificate, config.http.key, "http", findings);
    check_unencrypted(config, findings);
    if (!config.dicom.tls) return;
    check_ports(config.dicom.tls->port, config.dicom.port, "dicom.tls.port", "port");
    check_ports(config.dicom.tls->port, config.http.port, "dicom.tls.port", "http.port");
    check_pair(config.dicom.tls->certificate, config.dicom.tls->key, "dicom.tls", findings);
}

void check_proxies(const HttpConfig& http, Findings& findings) {
    if (!parse_path_prefix(http.prefix)) {
        findings.error("http.prefix", fmt::format("{} is no path such as /quicksilver", in_quotes(http.prefix)));
    }
    for (std::size_t i = 0; i < http.trusted_proxies.size(); ++i) {
        if (AddressRange::parse(http.trusted_proxies[i])) continue;
        findings.error(
            fmt::format("http.trusted_proxies[{}]", i),
            fmt::format("{} is no IP address and no network such as 10.0.0.0/8", in_quotes(http.trusted_proxies[i])));
    }
}

void check_accept(const DicomConfig& dicom, Findings& findings) {
    for (std::size_t i = 0; i < dicom.accept.size(); ++i) {
        const AcceptPattern& pattern = dicom.accept[i];
        const bool matches_all = pattern.calling_ae.empty() && pattern.called_ae.empty() && pattern.address.empty();
        if (!matches_all) continue;
        findings.error(fmt::format("dicom.accept[{}]", i),
                       "matches everybody; give calling_ae, called_ae or address, or leave the whole list empty");
    }
}

/// mercure starts with such names, so these are warnings; the router parks what they concern.
class References {
public:
    References(const Config& config, Findings& findings)
        : config_(config),
          findings_(findings),
          targets_(names_of(config.targets)),
          modules_(names_of(config.modules)) {}

    void check() {
        for (const TargetConfig& target : config_.targets) check_target(target);
        for (const RuleConfig& rule : config_.rules) check_rule(rule);
    }

private:
    void check_target(const TargetConfig& target) {
        const std::string path = child_path(child_path("targets", target.name), "failover");
        for (const std::string& name : target.failover) {
            if (name == target.name) findings_.error(path, "is the target itself");
            require(path, "target", name, targets_);
            refuse_group(path, name);
        }
        if (target.type == "group") check_group(target);
    }

    void check_group(const TargetConfig& group) {
        const std::string path = child_path(child_path("targets", group.name), "members");
        if (group.members.empty()) findings_.error(path, "is empty, so nothing could be delivered");
        for (const std::string& name : group.members) {
            require(path, "target", name, targets_);
            refuse_group(path, name);
        }
    }

    void refuse_group(const std::string& path, const std::string& name) {
        const TargetConfig* target = config_.find_target(name);
        if (target && target->type == "group") {
            findings_.error(path, fmt::format("{} is a group; name its members", in_quotes(name)));
        }
    }

    void check_rule(const RuleConfig& rule) {
        const std::string path = child_path("rules", rule.name);
        check_routes(rule, path);
        const bool processes = rule.action == RuleAction::process || rule.action == RuleAction::both;
        if (processes && rule.modules.empty()) {
            findings_.warning(child_path(path, "processing_module"), "is empty, so nothing is processed");
        }
        for (const auto& name : rule.modules) require(child_path(path, "processing_module"), "module", name, modules_);
        for (const auto& name : rule.dynamic_routing_allowed_targets) {
            require(child_path(path, "dynamic_routing_allowed_targets"), "target", name, targets_);
        }
        if (!rule.conditional_alternate_target.empty()) {
            require(child_path(path, "conditional_alternate_target"), "target", rule.conditional_alternate_target,
                    targets_);
        }
        const auto& settings = rule.processing_settings;
        if (settings.is_array() && settings.size() != rule.modules.size()) {
            findings_.warning(child_path(path, "processing_settings"),
                              fmt::format("has {} entries for {} modules", settings.size(), rule.modules.size()));
        }
    }

    void check_routes(const RuleConfig& rule, const std::string& rule_path) {
        const std::string path = child_path(rule_path, "target");
        const bool routes = rule.action == RuleAction::route || rule.action == RuleAction::both;
        if (routes && rule.targets.empty()) findings_.warning(path, "is empty, so nothing is delivered");
        for (const std::string& name : rule.targets) {
            require(path, "target", name, targets_);
            const TargetConfig* target = config_.find_target(name);
            if (target && target->direction == "pull") {
                findings_.warning(path, fmt::format("{} is only for queries (direction pull)", in_quotes(name)));
            }
        }
    }

    void require(const std::string& path, std::string_view what, std::string_view name,
                 const std::vector<std::string_view>& names) {
        if (std::ranges::find(names, name) != names.end()) return;
        findings_.warning(path, fmt::format("there is no {} {}{}", what, in_quotes(name), did_you_mean(name, names)));
    }

    const Config& config_;
    Findings& findings_;
    const std::vector<std::string_view> targets_, modules_;
};

}  // namespace

void check_relations(const Config& config, Findings& findings) {
    check_folders(config.folders, findings);
    check_listeners(config, findings);
    check_proxies(config.http, findings);
    check_accept(config.dicom, findings);
    References(config, findings).check();
}

}  // namespace quicksilver
