#include "quicksilver/dicom/send_association.hpp"
#include "quicksilver/dicom/storage_commitment.hpp"
#include "quicksilver/dicom/tls_check.hpp"
#include "quicksilver/pipeline/targets/commitment_reports.hpp"

#include "builtin_targets.hpp"
#include "network_test.hpp"
#include "settings.hpp"
#include "spare_associations.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <map>
#include <set>

namespace quicksilver {

namespace {

/// Counts what went wrong and remembers the first reason, which is usually the reason of all.
class Failures {
public:
    void add(const std::filesystem::path& file, const std::string& reason) {
        if (count_++ == 0) first_ = fmt::format("{}: {}", file.filename().string(), reason);
    }
    bool none() const { return count_ == 0; }
    Error as_error(std::size_t of, const std::string& target, const char* what = "were not stored by") const {
        return Error{Errc::refused,
                     fmt::format("{} of {} instances {} {}; the first: {}", count_, of, what, target, first_)};
    }

private:
    std::size_t count_ = 0;
    std::string first_;
};

/// What of a task is still to be said about one delivery.
struct Sending {
    const Progress& progress;
    const StopFlag& stop;
    Receipt receipt;
    Failures failures;
};

struct DicomSettings {
    std::string name;
    std::string host;  ///< or "sender"
    std::uint16_t port = 104;
    std::string called_ae, calling_ae;
    bool pass_sender_ae = false, pass_receiver_ae = false;
    std::uint32_t max_pdu = 131072;
    std::optional<dicom::TlsClient> tls;
    std::string transfer_syntax_uid;
    std::set<std::uint16_t> accepted_statuses;
    bool commitment = false;
};

/// A peer that checks at once answers on the association on which it was asked; one that takes longer opens its own.
constexpr auto wait_for_commitment = std::chrono::seconds(10);

class DicomTarget final : public Target {
public:
    DicomTarget(DicomSettings settings, CommitmentReports& reports)
        : settings_(std::move(settings)), reports_(reports) {}

    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        if (delivery.instances.empty()) {
            return Error{Errc::invalid,
                         fmt::format("target {} takes DICOM instances, and the task has none", settings_.name)};
        }
        const auto destination = destination_for(delivery.task.info);
        if (!destination) return destination.error();
        std::vector<std::filesystem::path> files;
        for (const auto& file : delivery.instances) {
            if (!delivery.confirmed.contains(file.filename().string())) files.push_back(file);
        }

        Sending sending{progress, stop, {}, {}};
        const dicom::SendPlan plan = dicom::plan_sending(files);
        for (const dicom::UnreadableFile& bad : plan.unreadable) sending.failures.add(bad.file, bad.reason);
        for (const dicom::SendGroup& group : plan.groups) {
            if (auto sent = send_group(*destination, group, sending); !sent) return sent.error();
        }
        if (!sending.failures.none()) return sending.failures.as_error(files.size(), settings_.name);
        if (settings_.commitment) {
            if (auto committed = commit(delivery, *destination, stop); !committed) return committed.error();
            sending.receipt.committed = true;
        }
        return sending.receipt;
    }

    bool has_fixed_address() const override { return settings_.host != "sender"; }

    void rest() override { spare_.release_all(); }

    void test(TargetTest& test) override {
        if (settings_.host == "sender") {
            const auto skip = [] { return std::string("sends back to the sender of each series; nothing to test"); };
            test.step("dns", skip);
            return;
        }
        const auto destination = destination_for(TaskInfo{});
        if (!destination) {
            const auto fail = [&]() -> Result<std::string> { return destination.error(); };
            test.step("dns", fail);
            return;
        }
        const TestSocket socket = test_connection(test, destination->host, destination->port);
        if (settings_.tls) {
            const auto shake_hands = [&] { return dicom::check_tls(socket.descriptor(), *settings_.tls); };
            test.step("tls", shake_hands,
                      "check `ca_cert`, `tls_cert` and `tls_key`, and the authorities that the peer trusts");
        }
        std::unique_ptr<dicom::SendAssociation> association;
        const auto associate = [&]() -> Result<std::string> {
            auto opened = dicom::SendAssociation::open(*destination, {}, test.stop());
            if (!opened) return opened.error();
            association = std::move(*opened);
            return fmt::format("{} accepts us as {}", destination->called_ae, destination->calling_ae);
        };
        const auto echo = [&]() -> Result<std::string> {
            if (auto echoed = association->echo(); !echoed) return echoed.error();
            association->release();
            return std::string("answers C-ECHO");
        };
        const bool accepted = test.step("associate", associate, association_hint);
        // Not every peer answers C-ECHO, and one that accepts associations is there.
        if (accepted && !test.is_full()) association->release();
        if (accepted && test.is_full())
            test.step("echo", echo, "the peer accepts associations but not C-ECHO; storing may work all the same");
        const auto offers_commitment = [&]() -> Result<std::string> {
            const auto offered = dicom::test_commitment(*destination, test.stop());
            return offered ? Result<std::string>("offers Storage Commitment") : offered.error();
        };
        if (accepted && test.is_full() && settings_.commitment)
            test.step("commitment", offers_commitment, "without it set `commitment` to false");
    }

private:
    static std::string association_hint(const Error& error) {
        if (error.code == Errc::timed_out)
            return "something listens there, but it does not speak DICOM, or is overloaded";
        if (error.code != Errc::refused) return "check that this is the DICOM port, and whether it wants TLS";
        return "check `aet_target`, and that the peer knows our AE title and address";
    }

    Result<void> send_group(const dicom::Destination& destination, const dicom::SendGroup& group, Sending& sending) {
        auto association = spare_.take(destination, group.contexts, sending.stop);
        bool is_spare = association != nullptr;
        for (auto file = group.files.begin(); file != group.files.end();) {
            if (!association) {
                auto opened = dicom::SendAssociation::open(destination, group.contexts, sending.stop);
                if (!opened) return opened.error();
                association = std::move(*opened);
            }
            const auto reply = association->store(*file);
            if (!reply && is_spare && reply.error().code != Errc::cancelled) {
                // The peer may have closed it since the last task.
                association.reset();
                is_spare = false;
                continue;
            }
            if (!reply) return reply.error();
            is_spare = false;
            if (auto taken = note(*file, *reply, sending); !taken) {
                association->release();
                return taken;
            }
            ++file;
        }
        if (association) spare_.put_back(destination, group.contexts, std::move(association));
        return {};
    }

    /// Everything is there; now the peer is to promise to keep it. Asked anew at each attempt, unless the answer to the
    /// one before has come meanwhile.
    Result<void> commit(const Delivery& delivery, const dicom::Destination& destination, const StopFlag& stop) {
        const CommitmentReports::Key key{delivery.task.id, settings_.name};
        auto report = reports_.collect(key);
        if (!report) {
            dicom::CommitmentRequest request{dicom::make_transaction_uid(), {}};
            for (const auto& file : delivery.instances) {
                auto item = dicom::commitment_item_of(file);
                if (!item) return item.error();
                request.items.push_back(std::move(*item));
            }
            spare_.release_all();  // some peers serve one association at a time
            reports_.expect(key, request.transaction_uid);
            const auto has_come = [&] { return reports_.has_come(key); };
            auto asked = dicom::request_commitment(destination, request, wait_for_commitment, has_come, stop);
            if (!asked) return asked.error();
            report = *asked ? std::move(*asked) : reports_.collect(key);
        }
        if (!report) {
            return Error{Errc::busy,
                         fmt::format("{} has all instances but has not committed to keep them yet", settings_.name)};
        }
        return judge(delivery, *report);
    }

    /// What the peer does not keep is sent again.
    Result<void> judge(const Delivery& delivery, const dicom::CommitmentReport& report) const {
        std::map<std::string, std::uint16_t> reasons;
        for (const auto& failure : report.failed) reasons[failure.sop_instance_uid] = failure.reason;
        std::set<std::string> committed(report.committed.begin(), report.committed.end());
        Failures failures;
        for (const auto& file : delivery.instances) {
            const auto item = dicom::commitment_item_of(file);
            if (!item) return item.error();
            const auto failed = reasons.find(item->sop_instance_uid);
            if (failed == reasons.end() && committed.contains(item->sop_instance_uid)) continue;
            const std::uint16_t reason = failed == reasons.end() ? std::uint16_t{0} : failed->second;
            failures.add(
                file, failed == reasons.end() ? "the report does not name it" : dicom::commitment_failure_text(reason));
            if (delivery.withdraw) delivery.withdraw(file.filename().string(), reason);
        }
        if (failures.none()) return {};
        return failures.as_error(delivery.instances.size(), settings_.name, "are not kept by");
    }

    /// An error means that the others would fare no better.
    Result<void> note(const std::filesystem::path& file, const dicom::StoreReply& reply, Sending& sending) const {
        const bool accepted = settings_.accepted_statuses.contains(reply.status);
        switch (accepted && reply.outcome != dicom::StoreOutcome::unsent ? dicom::StoreOutcome::warning
                                                                         : reply.outcome) {
            case dicom::StoreOutcome::warning:
                ++sending.receipt.warnings;
                [[fallthrough]];
            case dicom::StoreOutcome::stored:
                ++sending.receipt.instances;
                sending.receipt.bytes += reply.bytes;
                if (reply.streamed) ++sending.receipt.streamed;
                sending.progress(file.filename().string(), reply.status);
                return {};
            case dicom::StoreOutcome::refused:
                return Error{Errc::busy, fmt::format("{} is out of resources (status 0x{:04X}: {})", settings_.name,
                                                     reply.status, reply.text)};
            case dicom::StoreOutcome::failed:
                sending.failures.add(file, fmt::format("status 0x{:04X}: {}", reply.status, reply.text));
                return {};
            case dicom::StoreOutcome::unsent:
                sending.failures.add(file, reply.text);
                return {};
        }
        return {};
    }

    Result<dicom::Destination> destination_for(const TaskInfo& info) const {
        dicom::Destination destination;
        destination.host = settings_.host == "sender" ? info.sender_address : settings_.host;
        if (destination.host.empty() || destination.host == "MISSING") {
            return Error{Errc::invalid, fmt::format("target {} has no address: set its `ip`", settings_.name)};
        }
        destination.port = settings_.port;
        destination.called_ae = settings_.called_ae;
        destination.calling_ae = settings_.calling_ae;
        if (settings_.pass_sender_ae && !info.sender_aet.empty()) destination.calling_ae = info.sender_aet;
        if (settings_.pass_receiver_ae && !info.receiver_aet.empty()) destination.called_ae = info.receiver_aet;
        destination.max_pdu = settings_.max_pdu;
        destination.tls = settings_.tls;
        destination.transfer_syntax_uid = settings_.transfer_syntax_uid;
        return destination;
    }

    const DicomSettings settings_;
    CommitmentReports& reports_;
    SpareAssociations spare_;
};

/// The UID of a name of the configuration; "" for `as_received`.
Result<std::string> transfer_syntax_uid(const std::string& name, const std::string& target) {
    static constexpr std::array<std::pair<std::string_view, const char*>, 5> known{{
        {"implicit_little_endian", "1.2.840.10008.1.2"},
        {"explicit_little_endian", "1.2.840.10008.1.2.1"},
        {"rle_lossless", "1.2.840.10008.1.2.5"},
        {"jpeg_lossless", "1.2.840.10008.1.2.4.70"},
        {"jpeg_ls_lossless", "1.2.840.10008.1.2.4.80"},
    }};
    if (name.empty() || name == "as_received") return std::string();
    for (const auto& [text, uid] : known) {
        if (name == text || name == uid) return std::string(uid);
    }
    return Error{Errc::invalid, fmt::format("target {}: this version cannot convert to the transfer syntax {}; choose "
                                            "jpeg_lossless, jpeg_ls_lossless, rle_lossless, explicit_little_endian, "
                                            "implicit_little_endian or as_received",
                                            target, name)};
}

Result<std::set<std::uint16_t>> read_statuses(const std::vector<std::string>& texts, const std::string& target) {
    std::set<std::uint16_t> statuses;
    for (const std::string& text : texts) {
        const bool has_prefix = text.starts_with("0x") || text.starts_with("0X");
        const char* const begin = text.data() + (has_prefix ? 2 : 0);
        const char* const end = text.data() + text.size();
        std::uint16_t status = 0;
        const auto [stopped, error] = std::from_chars(begin, end, status, 16);
        if (error != std::errc{} || stopped != end) {
            return Error{Errc::invalid,
                         fmt::format("target {}: accepted_statuses: \"{}\" is not a DIMSE status, which is "
                                     "four hexadecimal digits, such as 0x0111",
                                     target, text)};
        }
        statuses.insert(status);
    }
    return statuses;
}

Result<DicomSettings> read_settings(const TargetConfig& target, const Config& config) {
    const TargetSettings values(target);
    DicomSettings settings;
    settings.name = target.name;
    settings.host = values.text("ip");
    const std::string port = values.text("port");
    if (!port.empty()) std::from_chars(port.data(), port.data() + port.size(), settings.port);
    settings.called_ae = values.text("aet_target", "ANY-SCP");
    settings.calling_ae = values.text("aet_source", config.dicom.ae_title);
    settings.pass_sender_ae = values.flag("pass_sender_aet");
    settings.pass_receiver_ae = values.flag("pass_receiver_aet");
    settings.max_pdu = config.dicom.max_pdu;
    settings.commitment = values.flag("commitment");
    auto syntax = transfer_syntax_uid(values.text("transfer_syntax"), target.name);
    if (!syntax) return syntax.error();
    settings.transfer_syntax_uid = *syntax;
    auto statuses = read_statuses(values.texts("accepted_statuses"), target.name);
    if (!statuses) return statuses.error();
    settings.accepted_statuses = std::move(*statuses);
    if (target.type == "dicomtls") {
        settings.tls = dicom::TlsClient{values.text("tls_key"), values.text("tls_cert"), values.text("ca_cert")};
    }
    return settings;
}

}  // namespace

Result<std::unique_ptr<Target>> make_dicom_target(const TargetConfig& target, const Config& config,
                                                  CommitmentReports& reports) {
    auto settings = read_settings(target, config);
    if (!settings) return settings.error();
    return std::unique_ptr<Target>(std::make_unique<DicomTarget>(std::move(*settings), reports));
}

}  // namespace quicksilver
