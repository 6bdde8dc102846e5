#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver {

using Seconds = std::chrono::duration<double>;

/// Where everything lies. mercure's names; each may be set on its own (`incoming_folder` …), else below the data
/// folder.
struct FolderConfig {
    std::filesystem::path data;
    std::filesystem::path incoming, studies, processing, outgoing, success, error, discard, jobs, persistence;
    std::filesystem::path database;  ///< the bookkeeper's SQLite file
    std::filesystem::path run;       ///< lock file
};

/// Who may send to us; an empty field matches everybody. `*` and `?` as in file names.
struct AcceptPattern {
    std::string calling_ae, called_ae, address;
};

struct DicomTlsConfig {
    std::filesystem::path certificate, key, ca;
    std::uint16_t port = 2762;
};

struct DicomConfig {
    std::string address = "0.0.0.0";
    std::uint16_t port = 11112;  ///< mercure's top-level `port`; 0 picks a free one
    std::string ae_title = "QUICKSILVER";
    unsigned max_associations = 64;
    std::uint32_t max_pdu = 131072;  ///< bytes, 4096–131072
    bool accept_compressed_images = false;
    std::vector<AcceptPattern> accept;
    std::vector<std::string> additional_tags;  ///< keys of `dicom_receiver.additional_tags`: keyword or `gggg,eeee`
    std::optional<DicomTlsConfig> tls;
};

struct HttpConfig {
    std::string address = "127.0.0.1";
    std::uint16_t port = 8000;
    std::filesystem::path certificate, key;
    std::string prefix;                        ///< "" or "/quicksilver"
    std::vector<std::string> trusted_proxies;  ///< addresses and networks
};

/// How often and when a failed delivery is tried again. `attempts` counts the first one too (mercure's `retry_max`);
/// 0 = until it works.
struct RetryConfig {
    Seconds delay{900};
    unsigned attempts = 5;
    double multiplier = 1;      ///< each wait is this many times the one before
    Seconds max_delay{86'400};  ///< but not longer than this, unless `delay` itself is
    double jitter = 0;          ///< 0.1 = between 90 % and 110 % of that, at random
};

/// How a group picks the member that a delivery goes to.
enum class GroupChoice { in_order, least_busy, by_patient };

struct TargetConfig {
    std::string name;
    std::string type;       ///< dicom, dicomtls, dicomweb, sftp, rsync, xnat, s3, folder, group, dummy
    std::string direction;  ///< pull, push, both
    unsigned max_parallel = 1;
    RetryConfig retry;                  ///< the target's own, else the global one
    std::vector<std::string> failover;  ///< targets that take over, in order, while this one is down
    std::vector<std::string> members;   ///< of a group
    GroupChoice choose = GroupChoice::in_order;
    /// Every field of its type, checked, coerced and with defaults (docs/configuration.md): ports are numbers, flags
    /// are true or false, secrets are resolved. A field without value and default is absent.
    nlohmann::json settings;
};

enum class RuleAction { route, both, process, discard, notification };
enum class RuleTrigger { series, study };
enum class StudyCondition { timeout, received_series };
enum class StudyForceAction { discard, proceed, ignore };
enum class Priority { normal, urgent, offpeak };

struct NotificationConfig {
    std::string webhook, payload, payload_body, email, email_body, email_type = "plain";
    bool on_reception = true, on_completion = true, on_error = true, on_request = false;
};

struct RuleConfig {
    std::string name;
    std::string rule = "False";  ///< the expression (contract §4)
    std::vector<std::string> targets;
    bool disabled = false;
    bool fallback = false;
    RuleAction action = RuleAction::route;
    RuleTrigger trigger = RuleTrigger::series;
    StudyCondition study_condition = StudyCondition::timeout;
    StudyForceAction study_force_action = StudyForceAction::discard;
    std::string study_trigger_series;
    Priority priority = Priority::normal;
    std::vector<std::string> modules;
    nlohmann::json processing_settings;  ///< object (for every module), or array of objects (one a module)
    bool retain_images = false;
    NotificationConfig notification;
    bool dynamic_routing = false;
    std::vector<std::string> dynamic_routing_allowed_targets;
    std::string conditional_alternate_target;
    std::string contact, comment, tags;
};

struct ModuleConfig {
    std::string name;
    /// Every field of contract §1.5, checked and with defaults. `additional_volumes`, `environment` and
    /// `docker_arguments` are objects here, whether the file has JSON in a string or an object; one that cannot be
    /// read stays a string (with a warning) and the module cannot run.
    nlohmann::json settings;
};

struct ProcessingConfig {
    std::string runner;   ///< docker, nomad, or empty
    std::string runtime;  ///< the container runtime for all modules, or empty
    bool discard_logs = false;
    std::filesystem::path logs_file_store;  ///< empty: module output goes into the database
    bool support_root_modules = false;
};

struct NotificationSettings {
    std::string email_from;
    std::filesystem::path webhook_certificate;  ///< an extra CA file, or empty
    bool phi = false;                           ///< patient data in notifications
};

/// Where mercure pushes metrics; an empty host = nowhere.
struct MonitoringConfig {
    std::string graphite_host;
    std::uint16_t graphite_port = 2003;
    std::string influxdb_host, influxdb_token, influxdb_org, influxdb_bucket;
};

struct CleanerConfig {
    Seconds scan_interval{60};
    Seconds retention{259200};
    unsigned emergency_percentage = 90;
    std::string offpeak_start = "22:00", offpeak_end = "06:00";
};

/// A limit of free disk space: bytes, or per cent of the file system.
struct DiskReserve {
    std::uint64_t bytes = 0;
    double percent = 5;

    std::uint64_t bytes_of(std::uint64_t total_bytes) const {
        return bytes != 0 ? bytes : static_cast<std::uint64_t>(static_cast<double>(total_bytes) * percent / 100.0);
    }
};

/// All settings: checked, complete, immutable. Shared as `shared_ptr<const Config>`; a task keeps the one it began
/// with.
struct Config {
    std::string appliance_name = "master";
    std::string appliance_color = "#FFF";
    FolderConfig folders;
    DicomConfig dicom;
    HttpConfig http;
    CleanerConfig cleaner;
    RetryConfig retry;
    ProcessingConfig processing;
    NotificationSettings notifications;
    MonitoringConfig monitoring;
    std::string bookkeeper_api_key;  ///< empty: none
    bool store_sample_dicom_tags = false;
    std::string server_time = "UTC", local_time = "UTC";  ///< names of time zones
    DiskReserve disk_free_min;
    Seconds series_complete_trigger{60};
    Seconds study_complete_trigger{900};
    Seconds study_forcecomplete_trigger{5400};
    std::vector<TargetConfig> targets;  ///< in the file's order, as rules are, where order matters
    std::vector<RuleConfig> rules;
    std::vector<ModuleConfig> modules;
    /// The whole effective configuration with defaults, unknown keys kept, for keys not named above. Holds resolved
    /// secrets: shown to people only through `masked_config`.
    nlohmann::ordered_json document;

    const TargetConfig* find_target(std::string_view name) const;
    const RuleConfig* find_rule(std::string_view name) const;
    const ModuleConfig* find_module(std::string_view name) const;
};

}  // namespace quicksilver
