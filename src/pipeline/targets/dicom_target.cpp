#include "quicksilver/dicom/send_association.hpp"

#include "builtin_targets.hpp"

#include <fmt/format.h>

#include <charconv>

namespace quicksilver {

namespace {

/// Counts what went wrong and remembers the first reason, which is usually the reason of all.
class Failures {
public:
    void add(const std::filesystem::path& file, const std::string& reason) {
        if (count_++ == 0) first_ = fmt::format("{}: {}", file.filename().string(), reason);
    }
    bool none() const { return count_ == 0; }
    Error as_error(std::size_t of, const std::string& target) const {
        return Error{Errc::refused, fmt::format("{} of {} instances were not stored by {}; the first: {}", count_, of,
                                                target, first_)};
    }

private:
    std::size_t count_ = 0;
    std::string first_;
};

class DicomTarget final : public Target {
public:
    DicomTarget(TargetConfig target, std::string own_ae, std::uint32_t max_pdu)
        : target_(std::move(target)), own_ae_(std::move(own_ae)), max_pdu_(max_pdu) {}

    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        if (delivery.instances.empty()) {
            return Error{Errc::invalid,
                         fmt::format("target {} takes DICOM instances, and the task has none", target_.name)};
        }
        const auto destination = destination_for(delivery.task.info);
        if (!destination) return destination.error();
        std::vector<std::filesystem::path> files;
        for (const auto& file : delivery.instances) {
            if (!delivery.confirmed.contains(file.filename().string())) files.push_back(file);
        }

        Receipt receipt;
        Failures failures;
        const dicom::SendPlan plan = dicom::plan_sending(files);
        for (const dicom::UnreadableFile& bad : plan.unreadable) failures.add(bad.file, bad.reason);
        for (const dicom::SendGroup& group : plan.groups) {
            auto sent = send_group(*destination, group, progress, stop, receipt, failures);
            if (!sent) return sent.error();
        }
        if (!failures.none()) return failures.as_error(files.size(), target_.name);
        return receipt;
    }

    Result<std::string> test(const StopFlag& stop) override {
        if (text("ip") == "sender") return std::string("sends back to the sender of each series; nothing to test");
        const auto destination = destination_for(TaskInfo{});
        if (!destination) return destination.error();
        auto association = dicom::SendAssociation::open(*destination, {}, stop);
        if (!association) return association.error();
        if (auto echoed = (*association)->echo(); !echoed) return echoed.error();
        (*association)->release();
        return fmt::format("{} at {}:{} answers C-ECHO", destination->called_ae, destination->host, destination->port);
    }

private:
    Result<void> send_group(const dicom::Destination& destination, const dicom::SendGroup& group,
                            const Progress& progress, const StopFlag& stop, Receipt& receipt, Failures& failures) {
        auto association = dicom::SendAssociation::open(destination, group.contexts, stop);
        if (!association) return association.error();
        for (const auto& file : group.files) {
            const auto reply = (*association)->store(file);
            if (!reply) return reply.error();
            switch (reply->outcome) {
                case dicom::StoreOutcome::warning:
                    ++receipt.warnings;
                    [[fallthrough]];
                case dicom::StoreOutcome::stored:
                    ++receipt.instances;
                    receipt.bytes += reply->bytes;
                    if (reply->streamed) ++receipt.streamed;
                    progress(file.filename().string(), reply->status);
                    break;
                case dicom::StoreOutcome::refused:
                    // Out of resources: the next one would be refused too.
                    (*association)->release();
                    return Error{Errc::busy, fmt::format("{} is out of resources (status 0x{:04X}: {})", target_.name,
                                                         reply->status, reply->text)};
                case dicom::StoreOutcome::failed:
                    failures.add(file, fmt::format("status 0x{:04X}: {}", reply->status, reply->text));
                    break;
                case dicom::StoreOutcome::unsent:
                    failures.add(file, reply->text);
                    break;
            }
        }
        (*association)->release();
        return {};
    }

    Result<dicom::Destination> destination_for(const TaskInfo& info) const {
        dicom::Destination destination;
        destination.host = text("ip");
        if (destination.host == "sender") destination.host = info.sender_address;
        if (destination.host.empty() || destination.host == "MISSING") {
            return Error{Errc::invalid, fmt::format("target {} has no address: set its `ip`", target_.name)};
        }
        const std::string port = text("port");
        if (!port.empty()) std::from_chars(port.data(), port.data() + port.size(), destination.port);
        destination.called_ae = pick(text("aet_target"), "ANY-SCP");
        destination.calling_ae = pick(text("aet_source"), own_ae_);
        if (flag("pass_sender_aet") && !info.sender_aet.empty()) destination.calling_ae = info.sender_aet;
        if (flag("pass_receiver_aet") && !info.receiver_aet.empty()) destination.called_ae = info.receiver_aet;
        destination.max_pdu = max_pdu_;
        return destination;
    }

    std::string text(const char* field) const {
        const auto found = target_.settings.find(field);
        if (found == target_.settings.end()) return {};
        if (found->is_number()) return found->dump();  // the configuration has ports as numbers, mercure's file as text
        return found->is_string() ? found->get<std::string>() : std::string();
    }
    bool flag(const char* field) const {
        const auto found = target_.settings.find(field);
        return found != target_.settings.end() && found->is_boolean() && found->get<bool>();
    }
    static std::string pick(std::string value, const std::string& otherwise) {
        return value.empty() ? otherwise : std::move(value);
    }

    const TargetConfig target_;
    const std::string own_ae_;
    const std::uint32_t max_pdu_;
};

}  // namespace

Result<std::unique_ptr<Target>> make_dicom_target(const TargetConfig& target, const Config& config) {
    return std::unique_ptr<Target>(std::make_unique<DicomTarget>(target, config.dicom.ae_title, config.dicom.max_pdu));
}

}  // namespace quicksilver
