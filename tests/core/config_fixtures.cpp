#include "config_fixtures.hpp"

namespace quicksilver::test {

std::string default_mercure_json() {
    return R"json({
    "appliance_name": "master", "appliance_color": "#FFF", "port": 11112, "accept_compressed_images": false,
    "support_root_modules": false,
    "incoming_folder": "/opt/mercure/data/incoming", "studies_folder": "/opt/mercure/data/studies",
    "outgoing_folder": "/opt/mercure/data/outgoing", "success_folder": "/opt/mercure/data/success",
    "error_folder": "/opt/mercure/data/error", "discard_folder": "/opt/mercure/data/discard",
    "processing_folder": "/opt/mercure/data/processing", "jobs_folder": "/opt/mercure/data/jobs",
    "persistence_folder": "/opt/mercure/persistence",
    "bookkeeper": "0.0.0.0:8080", "bookkeeper_api_key": "BOOKKEEPER_TOKEN_PLACEHOLDER",
    "graphite_ip": "", "graphite_port": 2003,
    "influxdb_host": "", "influxdb_org": "", "influxdb_token": "", "influxdb_bucket": "",
    "router_scan_interval": 1, "series_complete_trigger": 60, "study_complete_trigger": 900,
    "study_forcecomplete_trigger": 5400, "dispatcher_scan_interval": 1, "retry_delay": 900, "retry_max": 5,
    "cleaner_scan_interval": 60, "retention": 259200, "offpeak_start": "22:00", "offpeak_end": "06:00",
    "emergency_clean_percentage": 90, "phi_notifications": false, "server_time": "UTC", "local_time": "UTC",
    "targets": {}, "rules": {}, "modules": {}
}
)json";
}

std::string rich_mercure_json() {
    return R"json({
    // Radiology, building 3
    "appliance_name": "mercure-rad3",
    "appliance_color": "#228B22",
    "port": "11112",
    "accept_compressed_images": "True",
    "incoming_folder": "/opt/mercure/data/incoming",
    "studies_folder": "/opt/mercure/data/studies",
    "outgoing_folder": "/opt/mercure/data/outgoing",
    "success_folder": "/opt/mercure/data/success",
    "error_folder": "/opt/mercure/data/error",
    "discard_folder": "/opt/mercure/data/discard",
    "processing_folder": "/opt/mercure/data/processing",
    "jobs_folder": "/opt/mercure/data/jobs",
    "persistence_folder": "/opt/mercure/persistence",
    "router_scan_interval": 1, "dispatcher_scan_interval": 1, "cleaner_scan_interval": 60,
    "retention": 259200, "emergency_clean_percentage": 85, "retry_delay": 900, "retry_max": "5",
    "series_complete_trigger": 45.5, "study_complete_trigger": 600, "study_forcecomplete_trigger": 3600,
    "dicom_receiver": {"additional_tags": []},
    "graphite_ip": "", "graphite_port": 2003,
    "influxdb_host": "http://influx.rad3.example:8086", "influxdb_token": "influx-secret",
    "influxdb_org": "rad3", "influxdb_bucket": "mercure",
    "bookkeeper": "bookkeeper:8080", "bookkeeper_api_key": "keeper-secret",
    "offpeak_start": "20:00", "offpeak_end": "5:30",
    "process_runner": "docker", "processing_runtime": null, "features": {"dummy_target": "true"},
    "processing_logs": {"discard_logs": "False", "logs_file_store": null},
    "legacy_setting": {"kept": [1, 2, 3]},
    "targets": {
        "pacs": {"target_type": "dicom", "ip": "10.1.2.3", "port": 104, "aet_target": "MAIN PACS",
                 "aet_source": "MERCURE", "pass_sender_aet": "True", "direction": "both", "contact": null},
        "old pacs": {"ip": "pacs_1", "port": "11112", "aet_target": "OLD PACS"},
        "v6": {"ip": "fe80::1", "port": "", "aet_target": "V6", "aet_source": "", "comment": "lab"},
        "back": {"target_type": "dicom", "ip": "sender", "port": "104", "aet_target": "ANY"},
        "secure": {"target_type": "dicomtls", "ip": "pacs.example", "port": "2762", "aet_target": "TLS",
                   "tls_key": "/etc/k.pem", "tls_cert": "/etc/c.pem", "ca_cert": "/etc/ca.pem"},
        "web": {"target_type": "dicomweb", "url": "https://web.example/dicomweb", "access_token": "web-secret",
                "qido_url_prefix": null},
        "web.local": {"url": "file:///srv/dicom"},
        "nas": {"folder": "/in", "user": "rad", "host": "nas", "password": "sftp-secret"},
        "mirror": {"target_type": "rsync", "folder": "/in", "user": "rad", "host": "mirror", "password": null,
                   "run_on_complete": "True", "file_filter": "*.tags,task.json"},
        "xnat": {"target_type": "xnat", "project_id": "P1", "host": "https://xnat.example", "user": "u",
                 "password": "xnat-secret"},
        "bucket": {"region": "eu-1", "bucket": "b", "prefix": "p", "access_key_id": "AK",
                   "secret_access_key": "s3-secret"},
        "share": {"folder": "/mnt/share", "file_filter": null},
        "nowhere": {"target_type": "dummy"}
    },
    "rules": {
        "chest": {"rule": "tags.Modality == 'CT' and 'chest' in tags.StudyDescription.lower()",
                  "target": ["pacs", "share"], "disabled": "False", "fallback": "False", "action": "route",
                  "priority": "urgent", "notification_webhook": "https://hook.example/x",
                  "notification_payload": "\"text\": \"@rule@ {{ event }}\"", "notification_trigger_error": "True"},
        "brain study": {"rule": "@Modality@ == 'MR'", "target": "old pacs", "action": "both",
                        "action_trigger": "study", "study_trigger_condition": "received_series",
                        "study_trigger_series": "'T1' and ('T2' or 'FLAIR')",
                        "study_force_completion_action": "proceed",
                        "processing_module": ["anon", "seg"],
                        "processing_settings": [{"keep": ["PatientSex"]}, {"threshold": 0.5}],
                        "processing_retain_images": "True", "dynamic_routing": "True",
                        "dynamic_routing_allowed_targets": ["pacs"], "conditional_alternate_target": "share"},
        "night": {"rule": "True", "action": "process", "processing_module": "seg", "priority": "offpeak",
                  "target": "", "processing_settings": {}},
        "rest": {"rule": "True", "action": "discard", "fallback": true, "_note": "everything else"}
    },
    "modules": {
        "anon": {"docker_tag": "mercureimaging/mercure-anonymizer:latest",
                 "additional_volumes": "{\"/srv/keys\": {\"bind\": \"/keys\", \"mode\": \"ro\"}}",
                 "environment": "{\"MODE\": \"strict\", \"API_TOKEN\": \"module-secret\"}", "docker_arguments": "",
                 "settings": {}, "requires_root": "False"},
        "seg": {"docker_tag": "rad/seg:2", "additional_volumes": "", "environment": "",
                "docker_arguments": "{\"runtime\": \"nvidia\", \"shm_size\": \"2g\"}",
                "settings": {"threshold": 0.4, "labels": ["liver"]}, "network_enabled": "False",
                "requires_persistence": true, "persistence_folder_name": "seg"}
    }
}
)json";
}

ConfigSources plain_sources() {
    ConfigSources sources;
    sources.data = "/data";
    return sources;
}

LoadedConfig load_text(std::string_view text) {
    return load_config_text(text, plain_sources());
}

std::vector<std::string> lines_of(const LoadedConfig& loaded, ProblemSeverity severity) {
    std::vector<std::string> lines;
    for (const ConfigProblem& problem : loaded.problems) {
        if (problem.severity == severity) lines.push_back(to_string(problem));
    }
    return lines;
}

std::string all_lines(const LoadedConfig& loaded) {
    std::string text;
    for (const ConfigProblem& problem : loaded.problems) text += to_string(problem) + "\n";
    return text;
}

}  // namespace quicksilver::test
