#include "quicksilver/dicom/send_association.hpp"

#include "quicksilver/core/peer_text.hpp"
#include "quicksilver/dicom/file_meta.hpp"

#include "command_set.hpp"
#include "file_data_set.hpp"
#include "message_reader.hpp"
#include "message_writer.hpp"
#include "requested_association.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dimse.h>
#include <dcmtk/dcmnet/diutil.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace quicksilver::dicom {

namespace {

/// What any receiver understands, in the order in which we like to fall back to it.
constexpr std::array<const char*, 2> native_fallbacks = {UID_LittleEndianExplicitTransferSyntax,
                                                         UID_LittleEndianImplicitTransferSyntax};

class DcmtkSendAssociation final : public SendAssociation {
public:
    DcmtkSendAssociation(const Destination& destination, const StopFlag& stop) : association_(destination, stop) {}

    Result<void> request(const std::vector<StorageContext>& contexts) {
        return association_.open(
            [&](T_ASC_Parameters* parameters) { propose(parameters, contexts, destination().transfer_syntax_uid); });
    }

    Result<StoreReply> store(const std::filesystem::path& file) override {
        auto data_set = FileDataSet::open(file);
        if (!data_set) return StoreReply{StoreOutcome::unsent, 0, data_set.error().message, 0, false};
        auto usable = usable_contexts(data_set->sop_class_uid(), data_set->transfer_syntax_uid());
        if (usable.empty()) {
            return StoreReply{
                StoreOutcome::unsent, 0,
                fmt::format("{} accepts neither {} nor a native transfer syntax for {}", destination().called_ae,
                            syntax_name(data_set->transfer_syntax_uid()), class_name(data_set->sop_class_uid())),
                0, false};
        }
        const auto prepared = prepare(*data_set, usable);
        if (!prepared) return StoreReply{StoreOutcome::unsent, 0, prepared.error().message, 0, false};
        const auto [context_id, streamed] = *prepared;

        const DIC_US message_id = association_.next_message_id();
        const OFCondition sent = streamed ? send_streamed(*data_set, context_id, message_id)
                                          : send_loaded(*data_set, context_id, message_id);
        if (sent.bad() || association_.stop()) return association_.error("sending to", sent);
        return receive_store_response(message_id, data_set->bytes(), streamed);
    }

    Result<void> echo() override {
        DIC_US status = 0;
        DcmDataset* detail = nullptr;
        const int timeout = static_cast<int>(destination().response_timeout.count());
        const OFCondition done = DIMSE_echoUser(association_.get(), association_.next_message_id(), DIMSE_NONBLOCKING,
                                                timeout, &status, &detail);
        delete detail;
        if (done.bad()) return association_.error("C-ECHO to", done);
        if (status != STATUS_Success) {
            return Error{Errc::refused,
                         fmt::format("{} answered C-ECHO with status 0x{:04X}", association_.peer_name(), status)};
        }
        return {};
    }

    void use_stop(const StopFlag& stop) override { association_.use_stop(stop); }
    void release() override { association_.release(); }

private:
    struct ChosenContext {
        T_ASC_PresentationContextID id;
        std::string transfer_syntax_uid;
    };

    static void propose(T_ASC_Parameters* parameters, const std::vector<StorageContext>& contexts,
                        const std::string& wanted) {
        T_ASC_PresentationContextID id = 1;
        const char* implicit[] = {UID_LittleEndianImplicitTransferSyntax};
        ASC_addPresentationContext(parameters, id, UID_VerificationSOPClass, implicit, 1);
        std::vector<std::string> with_fallback;
        const auto add = [&](const std::string& sop_class, const char** syntaxes, std::size_t count) {
            id = static_cast<T_ASC_PresentationContextID>(id + 2);
            ASC_addPresentationContext(parameters, id, sop_class.c_str(), syntaxes, static_cast<int>(count));
        };
        for (const StorageContext& context : contexts) {
            const char* own[] = {context.transfer_syntax_uid.c_str()};
            if (context.transfer_syntax_uid != wanted) add(context.sop_class_uid, own, 1);
            if (std::find(with_fallback.begin(), with_fallback.end(), context.sop_class_uid) != with_fallback.end()) {
                continue;
            }
            with_fallback.push_back(context.sop_class_uid);
            const char* conversion[] = {wanted.c_str()};
            if (!wanted.empty()) add(context.sop_class_uid, conversion, 1);
            std::array<const char*, native_fallbacks.size()> fallback = native_fallbacks;
            add(context.sop_class_uid, fallback.data(), fallback.size());
        }
    }

    /// The accepted contexts for an instance, best first.
    std::vector<ChosenContext> usable_contexts(const std::string& sop_class, const std::string& syntax) const {
        std::vector<std::string> wanted;
        if (!destination().transfer_syntax_uid.empty()) wanted.push_back(destination().transfer_syntax_uid);
        wanted.push_back(syntax);
        wanted.insert(wanted.end(), native_fallbacks.begin(), native_fallbacks.end());
        std::vector<ChosenContext> usable;
        for (const std::string& uid : wanted) {
            const T_ASC_PresentationContextID id =
                ASC_findAcceptedPresentationContextID(association_.get(), sop_class.c_str(), uid.c_str());
            T_ASC_PresentationContext accepted{};
            if (id != 0 && ASC_findAcceptedPresentationContext(association_.get()->params, id, &accepted).good() &&
                std::string(accepted.acceptedTransferSyntax) == uid) {
                usable.push_back(ChosenContext{id, uid});
            }
        }
        return usable;
    }

    struct Prepared {
        T_ASC_PresentationContextID context_id;
        bool streamed;
    };
    /// Takes the first context that the instance can be encoded for: an image that cannot be converted as wished goes
    /// as it is.
    static Result<Prepared> prepare(FileDataSet& data_set, const std::vector<ChosenContext>& usable) {
        Result<Prepared> failed = Error{};
        for (const ChosenContext& context : usable) {
            const bool as_it_is = context.transfer_syntax_uid == data_set.transfer_syntax_uid();
            if (as_it_is && data_set.can_stream()) return Prepared{context.id, true};
            auto loaded = data_set.load(context.transfer_syntax_uid);
            if (loaded) return Prepared{context.id, false};
            failed = loaded.error();
        }
        return failed;
    }

    OFCondition send_streamed(FileDataSet& data_set, T_ASC_PresentationContextID context_id, DIC_US message_id) {
        CommandSet request;
        request.command_field = command_field::c_store_rq;
        request.message_id = message_id;
        request.has_data_set = true;
        request.sop_class_uid = data_set.sop_class_uid();
        request.sop_instance_uid = data_set.sop_instance_uid();
        std::string command = encode_command(request);
        const OFCondition sent = write_fragment(association_.get(), context_id, DUL_COMMANDPDV, command, true);
        return sent.good() ? data_set.stream(association_.get(), context_id, association_.stop()) : sent;
    }

    OFCondition send_loaded(FileDataSet& data_set, T_ASC_PresentationContextID context_id, DIC_US message_id) {
        T_DIMSE_Message message{};
        message.CommandField = DIMSE_C_STORE_RQ;
        T_DIMSE_C_StoreRQ& request = message.msg.CStoreRQ;
        request.MessageID = message_id;
        copy_uid(request.AffectedSOPClassUID, data_set.sop_class_uid());
        copy_uid(request.AffectedSOPInstanceUID, data_set.sop_instance_uid());
        request.DataSetType = DIMSE_DATASET_PRESENT;
        request.Priority = DIMSE_PRIORITY_MEDIUM;
        return DIMSE_sendMessageUsingMemoryData(association_.get(), context_id, &message, nullptr, data_set.loaded(),
                                                nullptr, nullptr);
    }

    Result<StoreReply> receive_store_response(DIC_US message_id, std::uint64_t bytes, bool streamed) {
        T_ASC_PresentationContextID context_id = 0;
        const auto timeout = destination().response_timeout;
        const OFCondition received = receive_command(association_.get(), timeout, timeout, context_id, command_bytes_);
        if (received.bad()) return association_.error("waiting for the C-STORE response of", received);
        const auto response = decode_command(command_bytes_);
        if (!response || response->command_field != command_field::c_store_rsp || response->message_id != message_id) {
            return Error{Errc::network,
                         fmt::format("{} answered C-STORE with another message", association_.peer_name())};
        }
        StoreReply reply{classify_store_status(response->status), response->status, "", bytes, streamed};
        if (!response->error_comment.empty()) reply.text = peer_text(response->error_comment);
        if (reply.text.empty() && reply.outcome != StoreOutcome::stored)
            reply.text = DU_cstoreStatusString(reply.status);
        return reply;
    }

    static void copy_uid(char* to, const std::string& uid) {
        constexpr std::size_t capacity = DIC_UI_LEN + 1;
        const std::size_t length = std::min(uid.size(), capacity - 1);
        std::copy_n(uid.data(), length, to);
        to[length] = '\0';
    }

    static std::string syntax_name(const std::string& uid) {
        const char* name = dcmFindNameOfUID(uid.c_str(), nullptr);
        return name ? name : uid;
    }
    static std::string class_name(const std::string& uid) { return syntax_name(uid); }

    const Destination& destination() const { return association_.destination(); }

    RequestedAssociation association_;
    std::string command_bytes_;
};

}  // namespace

Result<std::unique_ptr<SendAssociation>> SendAssociation::open(const Destination& destination,
                                                               const std::vector<StorageContext>& contexts,
                                                               const StopFlag& stop) {
    auto association = std::make_unique<DcmtkSendAssociation>(destination, stop);
    if (auto requested = association->request(contexts); !requested) return requested.error();
    return std::unique_ptr<SendAssociation>(std::move(association));
}

bool Destination::operator==(const Destination& other) const {
    const auto files = [](const Destination& one) {
        return one.tls ? std::tuple(one.tls->key, one.tls->certificate, one.tls->ca)
                       : std::tuple<std::filesystem::path, std::filesystem::path, std::filesystem::path>();
    };
    return std::tie(host, port, called_ae, calling_ae, max_pdu, transfer_syntax_uid) ==
               std::tie(other.host, other.port, other.called_ae, other.calling_ae, other.max_pdu,
                        other.transfer_syntax_uid) &&
           files(*this) == files(other);
}

StoreOutcome classify_store_status(std::uint16_t status) {
    if (status == 0x0000) return StoreOutcome::stored;
    // 0x0001, 0x0107 and 0x0116 are the general warnings of PS3.7 §C.4.
    if ((status & 0xf000) == 0xb000 || status == 0x0001 || status == 0x0107 || status == 0x0116) {
        return StoreOutcome::warning;
    }
    if ((status & 0xff00) == 0xa700) return StoreOutcome::refused;
    return StoreOutcome::failed;
}

Result<StorageContext> storage_context_of(const std::filesystem::path& file) {
    auto data_set = FileDataSet::open(file);
    if (!data_set) return data_set.error();
    return StorageContext{data_set->sop_class_uid(), data_set->transfer_syntax_uid()};
}

SendPlan plan_sending(const std::vector<std::filesystem::path>& files) {
    SendPlan plan;
    for (const auto& file : files) {
        auto context = storage_context_of(file);
        if (!context) {
            plan.unreadable.push_back(UnreadableFile{file, context.error().message});
            continue;
        }
        if (plan.groups.empty()) plan.groups.emplace_back();
        SendGroup* group = &plan.groups.back();
        const bool known = std::find(group->contexts.begin(), group->contexts.end(), *context) != group->contexts.end();
        if (!known) {
            if (group->contexts.size() == SendAssociation::max_contexts) group = &plan.groups.emplace_back();
            group->contexts.push_back(std::move(*context));
        }
        group->files.push_back(file);
    }
    return plan;
}

}  // namespace quicksilver::dicom
