#include "build.hpp"

#include "fields.hpp"
#include "scalars.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

/// Reads members that the loader has checked: each is there with its type, or stands for nothing.
class Values {
public:
    explicit Values(const Json& object) : object_(object) {}

    std::string text(std::string_view key) const {
        const Json* value = find(key);
        return value && value->is_string() ? value->get<std::string>() : "";
    }
    std::filesystem::path path(std::string_view key) const { return text(key); }
    bool flag(std::string_view key) const {
        const Json* value = find(key);
        return value && value->is_boolean() && value->get<bool>();
    }
    double number(std::string_view key, double otherwise = 0) const {
        const Json* value = find(key);
        return value && value->is_number() ? value->get<double>() : otherwise;
    }
    template <class T>
    T whole(std::string_view key) const {
        return static_cast<T>(number(key));
    }
    Seconds seconds(std::string_view key) const { return Seconds(number(key)); }
    std::vector<std::string> texts(std::string_view key) const {
        std::vector<std::string> all;
        const Json* list = find(key);
        for (const Json& item : list ? *list : Json::array()) all.push_back(item.get<std::string>());
        return all;
    }
    Values section(std::string_view key) const {
        static const Json none = Json::object();
        const Json* value = find(key);
        return Values(value ? *value : none);
    }
    const Json* find(std::string_view key) const { return find_member(object_, key); }

private:
    const Json& object_;
};

/// The value of an enumeration whose names are the choices of the field, in the order of the enumeration.
template <class Enum, std::size_t N>
Enum one_of(const std::array<std::string_view, N>& names, const std::string& name) {
    const auto found = std::ranges::find(names, name);
    assert(found != names.end());
    return static_cast<Enum>(found - names.begin());
}

FolderConfig build_folders(const Values& values, const std::filesystem::path& data) {
    FolderConfig folders;
    folders.data = data;
    folders.incoming = values.path("incoming_folder");
    folders.studies = values.path("studies_folder");
    folders.processing = values.path("processing_folder");
    folders.outgoing = values.path("outgoing_folder");
    folders.success = values.path("success_folder");
    folders.error = values.path("error_folder");
    folders.discard = values.path("discard_folder");
    folders.jobs = values.path("jobs_folder");
    folders.persistence = values.path("persistence_folder");
    folders.database = data / "db" / "quicksilver.sqlite";
    folders.run = data / "run";
    return folders;
}

DicomConfig build_dicom(const Values& values) {
    DicomConfig dicom;
    const Values own = values.section("dicom");
    dicom.address = own.text("address");
    dicom.port = values.whole<std::uint16_t>("port");
    dicom.ae_title = own.text("ae_title");
    dicom.max_associations = own.whole<unsigned>("max_associations");
    dicom.max_pdu = own.whole<std::uint32_t>("max_pdu");
    dicom.accept_compressed_images = values.flag("accept_compressed_images");
    for (const Json& item : *own.find("accept")) {
        const Values pattern(item);
        dicom.accept.push_back({pattern.text("calling_ae"), pattern.text("called_ae"), pattern.text("address")});
    }
    for (const auto& [tag, sample] : values.section("dicom_receiver").find("additional_tags")->items()) {
        dicom.additional_tags.push_back(tag);
    }
    const Values tls = own.section("tls");
    if (tls.find("certificate") || tls.find("key")) {
        dicom.tls = DicomTlsConfig{.certificate = tls.path("certificate"),
                                   .key = tls.path("key"),
                                   .ca = tls.path("ca"),
                                   .port = tls.whole<std::uint16_t>("port")};
    }
    return dicom;
}

HttpConfig build_http(const Values& http) {
    return {.address = http.text("address"),
            .port = http.whole<std::uint16_t>("port"),
            .certificate = http.path("certificate"),
            .key = http.path("key"),
            .prefix = http.text("prefix"),
            .trusted_proxies = http.texts("trusted_proxies")};
}

RetryConfig build_retry(const Values& values) {
    return {.delay = values.seconds("retry_delay"),
            .attempts = values.whole<unsigned>("retry_max"),
            .multiplier = values.number("retry_multiplier"),
            .max_delay = values.seconds("retry_delay_max"),
            .jitter = values.number("retry_jitter") / 100};
}

TargetConfig build_target(const std::string& name, const Json& object, const RetryConfig& global) {
    const Values values(object);
    TargetConfig target;
    target.name = name;
    target.type = values.text("target_type");
    target.direction = values.text("direction");
    target.max_parallel = values.whole<unsigned>("max_parallel");
    target.retry = global;
    if (values.find("retry_delay")) target.retry.delay = values.seconds("retry_delay");
    if (values.find("retry_max")) target.retry.attempts = values.whole<unsigned>("retry_max");
    if (values.find("retry_multiplier")) target.retry.multiplier = values.number("retry_multiplier");
    if (values.find("retry_delay_max")) target.retry.max_delay = values.seconds("retry_delay_max");
    if (values.find("retry_jitter")) target.retry.jitter = values.number("retry_jitter") / 100;
    target.failover = values.texts("failover");
    target.members = values.texts("members");
    if (target.type == "group") {
        static constexpr std::array<std::string_view, 3> choices{"in_order", "least_busy", "by_patient"};
        target.choose = one_of<GroupChoice>(choices, values.text("choose"));
    }
    target.settings = object;
    return target;
}

NotificationConfig build_notification(const Values& values) {
    NotificationConfig notification;
    notification.webhook = values.text("notification_webhook");
    notification.payload = values.text("notification_payload");
    notification.payload_body = values.text("notification_payload_body");
    notification.email = values.text("notification_email");
    notification.email_body = values.text("notification_email_body");
    notification.email_type = values.text("notification_email_type");
    notification.on_reception = values.flag("notification_trigger_reception");
    notification.on_completion = values.flag("notification_trigger_completion");
    notification.on_request = values.flag("notification_trigger_completion_on_request");
    notification.on_error = values.flag("notification_trigger_error");
    return notification;
}

RuleConfig build_rule(const std::string& name, const Json& object) {
    constexpr std::array<std::string_view, 5> actions{"route", "both", "process", "discard", "notification"};
    constexpr std::array<std::string_view, 2> triggers{"series", "study"};
    constexpr std::array<std::string_view, 2> conditions{"timeout", "received_series"};
    constexpr std::array<std::string_view, 3> force_actions{"discard", "proceed", "ignore"};
    constexpr std::array<std::string_view, 3> priorities{"normal", "urgent", "offpeak"};

    const Values values(object);
    RuleConfig rule;
    rule.name = name;
    rule.rule = values.text("rule");
    rule.targets = values.texts("target");
    rule.disabled = values.flag("disabled");
    rule.fallback = values.flag("fallback");
    rule.action = one_of<RuleAction>(actions, values.text("action"));
    rule.trigger = one_of<RuleTrigger>(triggers, values.text("action_trigger"));
    rule.study_condition = one_of<StudyCondition>(conditions, values.text("study_trigger_condition"));
    rule.study_force_action = one_of<StudyForceAction>(force_actions, values.text("study_force_completion_action"));
    rule.study_trigger_series = values.text("study_trigger_series");
    rule.priority = one_of<Priority>(priorities, values.text("priority"));
    rule.modules = values.texts("processing_module");
    rule.processing_settings = *values.find("processing_settings");
    rule.retain_images = values.flag("processing_retain_images");
    rule.notification = build_notification(values);
    rule.dynamic_routing = values.flag("dynamic_routing");
    rule.dynamic_routing_allowed_targets = values.texts("dynamic_routing_allowed_targets");
    rule.conditional_alternate_target = values.text("conditional_alternate_target");
    rule.contact = values.text("contact");
    rule.comment = values.text("comment");
    rule.tags = values.text("tags");
    return rule;
}

void build_services(Config& config, const Values& values) {
    config.cleaner = {.scan_interval = values.seconds("cleaner_scan_interval"),
                      .retention = values.seconds("retention"),
                      .emergency_percentage = values.whole<unsigned>("emergency_clean_percentage"),
                      .offpeak_start = values.text("offpeak_start"),
                      .offpeak_end = values.text("offpeak_end")};
    const Values logs = values.section("processing_logs");
    config.processing = {.runner = values.text("process_runner"),
                         .runtime = values.text("processing_runtime"),
                         .discard_logs = logs.flag("discard_logs"),
                         .logs_file_store = logs.path("logs_file_store"),
                         .support_root_modules = values.flag("support_root_modules")};
    config.notifications = {.email_from = values.text("email_notification_from"),
                            .webhook_certificate = values.path("webhook_certificate_location"),
                            .phi = values.flag("phi_notifications")};
    config.monitoring = {.graphite_host = values.text("graphite_ip"),
                         .graphite_port = values.whole<std::uint16_t>("graphite_port"),
                         .influxdb_host = values.text("influxdb_host"),
                         .influxdb_token = values.text("influxdb_token"),
                         .influxdb_org = values.text("influxdb_org"),
                         .influxdb_bucket = values.text("influxdb_bucket")};
}

}  // namespace

Config build_config(Json document, const std::filesystem::path& data) {
    Config config;
    config.document = std::move(document);
    const Values values(config.document);
    config.appliance_name = values.text("appliance_name");
    config.appliance_color = values.text("appliance_color");
    config.folders = build_folders(values, data);
    config.dicom = build_dicom(values);
    config.http = build_http(values.section("http"));
    config.retry = build_retry(values);
    build_services(config, values);
    config.bookkeeper_api_key = values.text("bookkeeper_api_key");
    config.store_sample_dicom_tags = values.flag("store_sample_dicom_tags");
    config.server_time = values.text("server_time");
    config.local_time = values.text("local_time");
    config.disk_free_min = parse_disk_space(values.text("disk_free_min")).value_or(DiskReserve{});
    config.series_complete_trigger = values.seconds("series_complete_trigger");
    config.study_complete_trigger = values.seconds("study_complete_trigger");
    config.study_forcecomplete_trigger = values.seconds("study_forcecomplete_trigger");
    for (const auto& [name, target] : values.find("targets")->items()) {
        config.targets.push_back(build_target(name, target, config.retry));
    }
    for (const auto& [name, rule] : values.find("rules")->items()) config.rules.push_back(build_rule(name, rule));
    for (const auto& [name, module] : values.find("modules")->items()) config.modules.push_back({name, module});
    return config;
}

}  // namespace quicksilver
