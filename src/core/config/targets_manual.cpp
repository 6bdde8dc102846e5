#include "quicksilver/core/config_report.hpp"

#include "manual.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver {

namespace {

constexpr std::string_view introduction = R"(# Targets

<!-- Made from the tables of the program. Change them there, then run the core tests with QUICKSILVER_UPDATE_DOCS=1.
-->

A target is somewhere a finished task is delivered. `targets` of the configuration is an object: name → target; rules
name the ones that a series goes to. [configuration.md](configuration.md) says how values are read and where secrets
may be kept.

## How delivery works

**Each target has a queue of its own.** A slow, silent or dead one costs the others nothing. Urgent tasks go first, two
of them for each other one that waits; tasks of off-peak rules wait for the off-peak hours, and then stand in line with
the normal ones. A task whose rule was deleted meanwhile counts as normal.

**Each target of a task has attempts of its own.** What a target has confirmed is written down at once (`sent.log` in
the task's folder), so a retry or a restart sends only the rest, and a target that has the task is not sent to again
because another failed. When all have it, the task moves to `success/`; when one was given up and the others are done,
to `error/`, with the reason in `task.json`.

**Retries** are mercure's by default: every 15 minutes, five attempts in all. `retry_multiplier`, `retry_delay_max` and
`retry_jitter` make the waits grow and spread; `retry_max: 0` tries until it works.

**A target that cannot be reached** three times in a row is not run into again. Quicksilver looks for it at growing
intervals (5 seconds to 5 minutes); attempts that fall due meanwhile fail at once instead of after a time-out. When it
answers, one task tries, and if that gets through all others follow without waiting for their next attempt.

**Failover.** While a target cannot be reached, the next of its `failover` list takes the task over; then it counts as
delivered, and `task.json` says by whom (`via`).

**Host keys, certificates, secrets.** A host key or certificate that is wrong is refused with the reason. Secrets never
appear in the log, in events or in `task.json`.

)";

struct Description {
    std::string_view type, text;
};

constexpr std::array<Description, 10> descriptions{{
    {"dicom",
     "C-STORE. Instances go as they lie on disk where the peer takes their transfer syntax, else converted to one it "
     "takes. The association is kept for the next task and closed when none waits.\n\n"
     "Statuses: 0x0000 is stored; 0xBxxx, 0x0001, 0x0107 and 0x0116 are stored with a warning, which the log counts; "
     "0xA7xx (out of resources) ends the attempt; any other fails that instance, the others go on. "
     "`accepted_statuses` names others that count as stored. `transfer_syntax` converts images where the peer agrees, "
     "compressing without loss; one that cannot be converted goes as it is. Compressing to JPEG 2000 and sending "
     "deflated are not possible.\n\n"
     "With `commitment` the target is asked to commit to keep the instances (Storage Commitment, push model) once it "
     "has all of them. Its report is taken on the association on which it was asked, for 10 seconds, or on one that it "
     "opens to our port at any time. What it does not keep is sent again; while it says nothing, each further attempt "
     "asks anew, and after the last one the task has failed.\n\n"
     "`ip: \"sender\"` sends each series back to where it came from. Tested by: name, connection, association, "
     "C-ECHO, commitment.\n"},
    {"dicomtls",
     "As `dicom`, encrypted by the profile BCP 195 (TLS 1.2 or newer), with certificates on both sides. The error of a "
     "failed handshake says whose certificate is wrong, and whether it has expired. Names in certificates are not "
     "compared, because DICOM nodes rarely have the right ones; `ca_cert` decides.\n\n"
     "Tested by: name, connection, TLS, association, C-ECHO.\n"},
    {"dicomweb",
     "STOW-RS to `url` + `stow_url_prefix` + `/studies`. Instances are streamed from disk in requests of about "
     "`request_size`; the answer is read instance by instance, so only those that failed are sent again, and warnings "
     "are counted. An answer that does not say what was stored is no success.\n\n"
     "`file:///folder` instead of a service writes `studies/…/series/…/instances/…` below that folder. Tested by: "
     "name, "
     "connection, TLS, a query for one study.\n"},
    {"sftp",
     "All files of the task into `folder/<task id>/`: instances, a `.tags` file beside each, results, `task.json`. "
     "Each "
     "is written as `NAME.part` and renamed; `.complete` comes last. `file_filter` names files that stay here.\n\n"
     "Without password and `private_key`, the first of `id_ed25519`, `id_ecdsa` and `id_rsa` in `~/.ssh` is used. "
     "Debian 12's library offers RSA keys only with SHA-1, which newer hosts refuse; ed25519 works. Tested by: name, "
     "connection, log in, folder, write.\n"},
    {"rsync",
     "As `sftp`, by the program rsync over ssh (both must be installed here, rsync there too); what arrived in part "
     "goes "
     "on where it stopped. With `run_on_complete`, `mercure_complete.sh` of `folder` is called with the task's folder "
     "and the name of the target; when it fails, so does the delivery.\n\n"
     "Tested by: name, connection, log in, rsync there, folder, write, script.\n"},
    {"xnat",
     "All instances as one ZIP archive, streamed to the import service, into the session `PatientID_YYYY-MM-DD` of the "
     "project; characters that XNAT does not allow become `_`, and without a StudyDate the end of the study's UID "
     "stands "
     "in its place. An import that made no session is no success.\n\n"
     "Tested by: name, connection, TLS, log in, project.\n"},
    {"s3",
     "Each file becomes the object `prefix/<task id>/NAME`: instances and results, not `.tags` and `task.json`. "
     "Requests "
     "carry the SHA-256 of their content, which the service checks; ETag and size are compared afterwards. Files "
     "larger "
     "than `part_size` go in parts, and an upload that fails is aborted, so that nothing half is kept and paid for.\n\n"
     "The key needs `s3:PutObject`, `s3:GetObject` (for the size), `s3:AbortMultipartUpload`, and for the test "
     "`s3:ListBucket` and `s3:DeleteObject`. Tested by: name, connection, TLS, bucket, write.\n"},
    {"folder",
     "All files of the task into `folder/<task id>/`, with `.complete`; the folder appears by one rename, whole and "
     "durable. `file_filter` names files that stay here.\n\nTested by: folder, write.\n"},
    {"group",
     "Several targets of which each task goes to one. `in_order` takes the first that can be reached, `least_busy` the "
     "one with the fewest tasks, `by_patient` always the same one for a patient, so that studies stay together; when a "
     "member is away, only its patients go elsewhere. Members that a person paused are taken last.\n"},
    {"dummy",
     "Takes everything and delivers nothing. Only with `features.dummy_target`, so that nobody takes it for a "
     "delivery.\n"},
}};

std::string_view description_of(std::string_view type) {
    const auto* found = std::ranges::find(descriptions, type, &Description::type);
    return found == descriptions.end() ? std::string_view() : found->text;
}

}  // namespace

std::string targets_manual() {
    std::string text(introduction);
    text += "## Fields of all targets\n\n`max_parallel` is 2 for `dicom` and `dicomtls`.\n";
    text += manual_table_head;
    for (const ConfigField& field : target_fields("dummy")) text += manual_row(field);
    for (const std::string_view type : target_types()) {
        text += fmt::format("\n## {} (`{}`)\n\n{}", target_type_title(type), type, description_of(type));
        std::string rows;
        for (const ConfigField& field : target_fields(type)) {
            if (!is_for_every_type(field)) rows += manual_row(field);
        }
        if (!rows.empty()) text += std::string(manual_table_head) + rows;
    }
    return text;
}

}  // namespace quicksilver
