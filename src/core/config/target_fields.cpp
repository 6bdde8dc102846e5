#include "quicksilver/core/config_field.hpp"

#include <algorithm>
#include <array>

namespace quicksilver {

namespace {

constexpr auto ours = FieldOwner::quicksilver;

template <std::size_t... N>
constexpr auto join(const std::array<ConfigField, N>&... parts) {
    std::array<ConfigField, (N + ...)> all{};
    auto out = all.begin();
    ((out = std::copy(parts.begin(), parts.end(), out)), ...);
    return all;
}

constexpr auto general_fields = std::to_array<ConfigField>({
    {.key = "target_type",
     .type = FieldType::choice,
     .help = "Kind of the target. Without it the fields tell the kind.",
     .choices = "dicom dicomtls dicomweb sftp rsync xnat s3 folder group dummy"},
    {.key = "contact", .help = "Who to ask.", .default_text = ""},
    {.key = "comment", .help = "For people.", .default_text = ""},
    {.key = "direction",
     .type = FieldType::choice,
     .help = "Send to it, query and fetch from it, or both.",
     .default_text = "push",
     .choices = "push pull both"},
});

constexpr ConfigField max_parallel(std::string_view by_default) {
    return {.key = "max_parallel",
            .type = FieldType::integer,
            .help = "Tasks that are delivered to it at the same time.",
            .default_text = by_default,
            .min = 1,
            .max = 64,
            .owner = ours};
}

constexpr auto retry_fields = std::to_array<ConfigField>({
    {.key = "retry_delay",
     .type = FieldType::duration,
     .help = "Instead of the global `retry_delay`.",
     .unit = "s",
     .min = 0,
     .max = 366 * 86'400,
     .owner = ours},
    {.key = "retry_max",
     .type = FieldType::integer,
     .help = "Instead of the global `retry_max`.",
     .min = 0,
     .max = 1'000'000,
     .owner = ours},
    {.key = "retry_multiplier",
     .type = FieldType::number,
     .help = "Instead of the global `retry_multiplier`.",
     .min = 1,
     .max = 100,
     .owner = ours},
    {.key = "retry_delay_max",
     .type = FieldType::duration,
     .help = "Instead of the global `retry_delay_max`.",
     .unit = "s",
     .min = 0,
     .max = 366 * 86'400,
     .owner = ours},
    {.key = "retry_jitter",
     .type = FieldType::integer,
     .help = "Instead of the global `retry_jitter`.",
     .unit = "%",
     .min = 0,
     .max = 100,
     .owner = ours},
});

constexpr auto failover_field = std::to_array<ConfigField>({
    {.key = "failover",
     .type = FieldType::text_list,
     .help = "Targets that take over, in this order, while this one cannot be reached.",
     .default_text = "[]",
     .owner = ours},
});
constexpr auto delivery_fields = join(retry_fields, failover_field);

// While one association waits for the peer's answer to a C-STORE the other one sends, and a small series need not wait
// for a large one; archives take several associations of one sender.
constexpr auto one_at_a_time = std::array{max_parallel("1")};
constexpr auto two_at_a_time = std::array{max_parallel("2")};
// Each file and folder is synced by itself, which several tasks can do at the same time.
constexpr auto four_at_a_time = std::array{max_parallel("4")};

constexpr auto dicom_node_fields = std::to_array<ConfigField>({
    {.key = "ip",
     .type = FieldType::host,
     .help = "Name or address; `sender` sends back to where the series came from.",
     .required = true},
    {.key = "port", .type = FieldType::port, .help = "Its DICOM port.", .default_text = "104"},
    {.key = "aet_target",
     .type = FieldType::ae_title,
     .help = "AE title that it is called by.",
     .default_text = "ANY-SCP"},
    {.key = "aet_source",
     .type = FieldType::ae_title,
     .help = "Our AE title towards it; empty for `dicom.ae_title`.",
     .default_text = ""},
    {.key = "pass_sender_aet",
     .type = FieldType::boolean,
     .help = "Call with the AE title of the original sender.",
     .default_text = "false"},
    {.key = "pass_receiver_aet",
     .type = FieldType::boolean,
     .help = "Call it by the AE title that the original sender called us by.",
     .default_text = "false"},
});

constexpr auto dicom_sending_fields = std::to_array<ConfigField>({
    {.key = "transfer_syntax",
     .type = FieldType::transfer_syntax,
     .help = "Convert to this transfer syntax; `as_received` sends what the file has when the peer takes it. A name or "
             "a UID.",
     .default_text = "as_received",
     .choices = "as_received implicit_little_endian explicit_little_endian deflated rle_lossless jpeg_lossless "
                "jpeg_ls_lossless jpeg_2000_lossless",
     .owner = ours},
    {.key = "commitment",
     .type = FieldType::boolean,
     .help = "Count a task as delivered only after the target has committed to keep it (Storage Commitment). A target "
             "that answers on an association of its own needs our AE title and port.",
     .default_text = "false",
     .owner = ours},
    {.key = "accepted_statuses",
     .type = FieldType::text_list,
     .help = "Further C-STORE statuses that mean that the target has the instance, such as `0x0111` (duplicate).",
     .default_text = "[]",
     .owner = ours},
});

constexpr auto tls_fields = std::to_array<ConfigField>({
    {.key = "tls_key", .type = FieldType::path, .help = "PEM file of our private key.", .required = true},
    {.key = "tls_cert", .type = FieldType::path, .help = "PEM file of our certificate.", .required = true},
    {.key = "ca_cert",
     .type = FieldType::path,
     .help = "PEM file of the authority that signed the peer's certificate.",
     .required = true},
});

constexpr auto https_fields = std::to_array<ConfigField>({
    {.key = "ca_cert",
     .type = FieldType::path,
     .help = "PEM file of authorities that may sign its certificate; empty for those of the system.",
     .default_text = "",
     .owner = ours},
});

constexpr auto dicomweb_own_fields = std::to_array<ConfigField>({
    {.key = "url",
     .type = FieldType::url,
     .help = "Base address of the service, or `file:///folder`.",
     .required = true},
    {.key = "qido_url_prefix", .help = "Path of QIDO-RS below `url`.", .default_text = ""},
    {.key = "wado_url_prefix", .help = "Path of WADO-RS below `url`.", .default_text = ""},
    {.key = "stow_url_prefix", .help = "Path of STOW-RS below `url`.", .default_text = ""},
    {.key = "access_token", .help = "Bearer token.", .default_text = "", .secret = true},
    {.key = "http_user", .help = "User for basic authentication; it wins over the token.", .default_text = ""},
    {.key = "http_password", .help = "Password of that user.", .default_text = "", .secret = true},
    {.key = "request_size",
     .type = FieldType::integer,
     .help = "A request takes instances until it is this large; one larger than this goes alone.",
     .default_text = "64",
     .unit = "MB",
     .min = 1,
     .max = 100'000,
     .owner = ours},
});

constexpr auto file_filter_field = std::to_array<ConfigField>({
    {.key = "file_filter",
     .help = "Files that are left out: patterns as in file names, separated by commas.",
     .default_text = ""},
});

constexpr auto ssh_fields = std::to_array<ConfigField>({
    {.key = "folder", .help = "Folder there.", .required = true},
    {.key = "user", .help = "User there.", .required = true},
    {.key = "host", .type = FieldType::host, .help = "Name or address.", .required = true},
    {.key = "password",
     .help = "Password of that user; without it our SSH key is used.",
     .default_text = "",
     .secret = true},
    {.key = "port", .type = FieldType::port, .help = "Its SSH port.", .default_text = "22", .owner = ours},
    {.key = "private_key",
     .type = FieldType::path,
     .help = "File of our SSH key, without passphrase; empty for those in `~/.ssh`.",
     .default_text = "",
     .owner = ours},
    {.key = "known_hosts",
     .type = FieldType::path,
     .help = "File of the keys of known hosts, as OpenSSH has it; empty for `known_hosts` in our data folder.",
     .default_text = "",
     .owner = ours},
    {.key = "trust_on_first_use",
     .type = FieldType::boolean,
     .help = "Take the key that an unknown host shows at the first connection as its own, as mercure does. A host "
             "whose key has changed is refused in any case.",
     .default_text = "true",
     .owner = ours},
});

constexpr auto rsync_own_fields = std::to_array<ConfigField>({
    {.key = "run_on_complete",
     .type = FieldType::boolean,
     .help = "Afterwards run `mercure_complete.sh` of that folder.",
     .default_text = "false"},
});

constexpr auto xnat_own_fields = std::to_array<ConfigField>({
    {.key = "project_id", .help = "Project there.", .required = true},
    {.key = "host", .type = FieldType::url, .help = "Address of the server.", .required = true},
    {.key = "user", .help = "User there.", .required = true},
    {.key = "password", .help = "Password of that user.", .required = true, .secret = true},
});

constexpr auto s3_own_fields = std::to_array<ConfigField>({
    {.key = "region", .help = "Region of the bucket.", .required = true},
    {.key = "bucket", .help = "Name of the bucket.", .required = true},
    {.key = "prefix", .help = "Put before each object's name.", .default_text = ""},
    {.key = "access_key_id", .help = "Access key.", .required = true},
    {.key = "secret_access_key", .help = "Its secret.", .required = true, .secret = true},
    {.key = "endpoint",
     .type = FieldType::url,
     .help = "Address of a service other than Amazon's, such as `https://minio.example:9000`.",
     .default_text = "",
     .owner = ours},
    {.key = "path_style",
     .type = FieldType::boolean,
     .help = "Name the bucket in the path instead of the host name, as many services other than Amazon's want it.",
     .default_text = "false",
     .owner = ours},
    {.key = "part_size",
     .type = FieldType::integer,
     .help = "Files larger than this are uploaded in parts of this size.",
     .default_text = "64",
     .unit = "MiB",
     .min = 5,
     .max = 5000,
     .owner = ours},
});

constexpr auto folder_own_fields = std::to_array<ConfigField>({
    {.key = "folder",
     .type = FieldType::path,
     .help = "Folder that gets a new folder for each task.",
     .required = true},
});

constexpr auto group_own_fields = std::to_array<ConfigField>({
    {.key = "members",
     .type = FieldType::text_list,
     .help = "Targets of which each task goes to one. One that cannot be reached is passed over.",
     .required = true,
     .owner = ours},
    {.key = "choose",
     .type = FieldType::choice,
     .help = "Which member: the first in order, the least busy, or by patient, so that a study stays together.",
     .default_text = "in_order",
     .choices = "in_order least_busy by_patient",
     .owner = ours},
});

constexpr auto dicom = join(general_fields, dicom_node_fields, dicom_sending_fields, two_at_a_time, delivery_fields);
constexpr auto dicomtls =
    join(general_fields, dicom_node_fields, tls_fields, dicom_sending_fields, two_at_a_time, delivery_fields);
constexpr auto dicomweb = join(general_fields, dicomweb_own_fields, https_fields, one_at_a_time, delivery_fields);
constexpr auto sftp = join(general_fields, ssh_fields, file_filter_field, one_at_a_time, delivery_fields);
constexpr auto rsync =
    join(general_fields, ssh_fields, rsync_own_fields, file_filter_field, one_at_a_time, delivery_fields);
constexpr auto xnat = join(general_fields, xnat_own_fields, https_fields, one_at_a_time, delivery_fields);
constexpr auto s3 = join(general_fields, s3_own_fields, https_fields, one_at_a_time, delivery_fields);
constexpr auto folder = join(general_fields, folder_own_fields, file_filter_field, four_at_a_time, delivery_fields);
constexpr auto group = join(general_fields, group_own_fields, retry_fields);
constexpr auto dummy = join(general_fields, one_at_a_time, delivery_fields);

struct TargetType {
    std::string_view name, title;
    FieldTable fields;
};

constexpr TargetType types[] = {
    {"dicom", "DICOM", dicom},
    {"dicomtls", "DICOM with TLS", dicomtls},
    {"dicomweb", "DICOMweb", dicomweb},
    {"sftp", "SFTP", sftp},
    {"rsync", "rsync", rsync},
    {"xnat", "XNAT", xnat},
    {"s3", "S3", s3},
    {"folder", "Folder", folder},
    {"group", "Group of targets", group},
    {"dummy", "Dummy: takes everything and does nothing", dummy},
};

const TargetType* find_type(std::string_view name) {
    const auto* found = std::ranges::find(types, name, &TargetType::name);
    return found == std::end(types) ? nullptr : found;
}

}  // namespace

std::span<const std::string_view> target_types() {
    static constexpr auto names = [] {
        std::array<std::string_view, std::size(types)> all;
        std::ranges::transform(types, all.begin(), &TargetType::name);
        return all;
    }();
    return names;
}

std::string_view target_type_title(std::string_view type) {
    const TargetType* found = find_type(type);
    return found ? found->title : type;
}

FieldTable target_fields(std::string_view type) {
    const TargetType* found = find_type(type);
    return found ? found->fields : FieldTable{};
}

}  // namespace quicksilver
