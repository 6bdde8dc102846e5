#include "association_session.hpp"

#include "quicksilver/dicom/storage_commitment.hpp"

#include "command_set.hpp"
#include "incoming_instance.hpp"
#include "message_reader.hpp"
#include "message_writer.hpp"
#include "presentation_contexts.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dimse.h>
#include <dcmtk/dcmnet/diutil.h>
#include <fmt/format.h>

#include <fnmatch.h>
#include <memory>
#include <mutex>
#include <unistd.h>

namespace quicksilver::dicom {

namespace {

/// DCMTK takes the socket of an incoming association from one global.
std::mutex external_socket_mutex;

OFCondition receive_request(T_ASC_Network* network, int socket, long max_pdu, T_ASC_Association*& association) {
    const std::lock_guard lock(external_socket_mutex);
    dcmExternalSocketHandle.set(socket);
    const OFCondition received =
        ASC_receiveAssociation(network, &association, max_pdu, nullptr, nullptr, OFFalse, DUL_NOBLOCK, 5);
    dcmExternalSocketHandle.set(-1);
    return received;
}

std::uint16_t status_for(const Error& error) {
    switch (error.code) {
        case Errc::invalid:
            return STATUS_STORE_Error_CannotUnderstand;
        case Errc::refused:
            return STATUS_STORE_Error_DataSetDoesNotMatchSOPClass;
        default:
            return STATUS_STORE_Refused_OutOfResources;
    }
}

bool pattern_matches(const std::string& pattern, const std::string& value) {
    return pattern.empty() || fnmatch(pattern.c_str(), value.c_str(), 0) == 0;
}

class Session {
public:
    Session(SessionContext& context, const Config& config, int socket, const std::string& address)
        : context_(context), config_(config), socket_(socket) {
        peer_.address = address;
    }

    void run(const std::function<void()>& before_close) {
        const OFCondition received =
            receive_request(context_.network, socket_, static_cast<long>(config_.dicom.max_pdu), association_);
        if (received.bad()) {
            context_.log.info("association request refused", kv("peer", peer_.address), kv("reason", received.text()));
            before_close();
            drop();
            return;
        }
        if (negotiate()) {
            context_.observer.association_began(peer_);
            serve();
            context_.observer.association_ended(peer_);
        }
        before_close();
        drop();
    }

private:
    bool negotiate() {
        DIC_AE calling{};
        DIC_AE called{};
        ASC_getAPTitles(association_->params, calling, sizeof(calling), called, sizeof(called), nullptr, 0);
        peer_.calling_ae = calling;
        peer_.called_ae = called;

        char application_context[DICOM_UI_LENGTH + 1] = {};
        ASC_getApplicationContextName(association_->params, application_context, sizeof(application_context));
        if (std::string(application_context) != UID_StandardApplicationContext) {
            reject(ASC_REASON_SU_APPCONTEXTNAMENOTSUPPORTED, "application context is not DICOM's");
            return false;
        }
        if (!is_accepted()) {
            reject(ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED, "no pattern of dicom.accept matches");
            return false;
        }
        if (context_.stopping) {
            reject(ASC_REASON_SP_PRES_TEMPORARYCONGESTION, "the server is stopping");
            return false;
        }
        accept_contexts();
        ASC_setAPTitles(association_->params, nullptr, nullptr, config_.dicom.ae_title.c_str());
        const OFCondition acknowledged = ASC_acknowledgeAssociation(association_);
        if (acknowledged.bad()) {
            context_.log.info("association lost while it was answered", kv("peer", peer_.address),
                              kv("reason", acknowledged.text()));
        }
        return acknowledged.good();
    }

    bool is_accepted() const {
        if (config_.dicom.accept.empty()) return true;
        for (const AcceptPattern& pattern : config_.dicom.accept) {
            if (pattern_matches(pattern.calling_ae, peer_.calling_ae) &&
                pattern_matches(pattern.called_ae, peer_.called_ae) &&
                pattern_matches(pattern.address, peer_.address)) {
                return true;
            }
        }
        return false;
    }

    void reject(T_ASC_RejectParametersReason reason, const std::string& why) {
        const bool permanent = reason != ASC_REASON_SP_PRES_TEMPORARYCONGESTION;
        const bool by_provider = reason == ASC_REASON_SP_PRES_TEMPORARYCONGESTION;
        T_ASC_RejectParameters parameters{};
        parameters.result = permanent ? ASC_RESULT_REJECTEDPERMANENT : ASC_RESULT_REJECTEDTRANSIENT;
        parameters.source = by_provider ? ASC_SOURCE_SERVICEPROVIDER_PRESENTATION_RELATED : ASC_SOURCE_SERVICEUSER;
        parameters.reason = reason;
        ASC_rejectAssociation(association_, &parameters);
        context_.log.warn("association rejected", kv("calling", peer_.calling_ae), kv("called", peer_.called_ae),
                          kv("peer", peer_.address), kv("reason", why));
        context_.observer.association_rejected(peer_, why);
    }

    void accept_contexts() {
        T_ASC_Parameters* parameters = association_->params;
        for (int i = 0; i < ASC_countPresentationContexts(parameters); ++i) {
            T_ASC_PresentationContext proposed{};
            if (ASC_getPresentationContext(parameters, i, &proposed).bad()) continue;
            const std::string abstract_syntax = proposed.abstractSyntax;
            // One who keeps our images reports what it commits to; we commit to nothing ourselves.
            const bool reporting =
                abstract_syntax == UID_StorageCommitmentPushModelSOPClass &&
                (proposed.proposedRole == ASC_SC_ROLE_SCP || proposed.proposedRole == ASC_SC_ROLE_SCUSCP);
            const bool storing = is_storable(abstract_syntax);
            if (abstract_syntax != UID_VerificationSOPClass && !reporting && !storing) {
                ASC_refusePresentationContext(parameters, proposed.presentationContextID,
                                              ASC_P_ABSTRACTSYNTAXNOTSUPPORTED);
                continue;
            }
            std::vector<std::string> syntaxes;
            for (int k = 0; k < proposed.transferSyntaxCount; ++k) {
                syntaxes.emplace_back(proposed.proposedTransferSyntaxes[k]);
            }
            const bool compressed = config_.dicom.accept_compressed_images && storing;
            if (const auto chosen = choose_transfer_syntax(syntaxes, compressed)) {
                ASC_acceptPresentationContext(parameters, proposed.presentationContextID, chosen->c_str(),
                                              reporting ? ASC_SC_ROLE_SCP : ASC_SC_ROLE_DEFAULT);
            } else {
                ASC_refusePresentationContext(parameters, proposed.presentationContextID,
                                              ASC_P_TRANSFERSYNTAXESNOTSUPPORTED);
            }
        }
    }

    /// Commands until the peer releases, aborts, falls silent, or we stop.
    void serve() {
        std::chrono::seconds idle{0};
        for (;;) {
            T_ASC_PresentationContextID context_id = 0;
            const OFCondition received = receive_command(association_, std::chrono::seconds(1),
                                                         context_.limits.data_timeout, context_id, command_bytes_);
            if (received == DIMSE_NODATAAVAILABLE) {
                idle += std::chrono::seconds(1);
                if (context_.stopping) return abort("the server is stopping");
                if (idle >= context_.limits.idle_timeout) return abort("no command for too long");
                continue;
            }
            if (received == DUL_PEERREQUESTEDRELEASE) {
                ASC_acknowledgeRelease(association_);
                return;
            }
            if (received == DUL_PEERABORTEDASSOCIATION) {
                context_.log.info("association aborted by the peer", kv("calling", peer_.calling_ae),
                                  kv("peer", peer_.address));
                return;
            }
            if (received.bad()) return abort(received.text());
            idle = std::chrono::seconds(0);
            const auto command = decode_command(command_bytes_);
            if (!command) return abort(command.error().message);
            if (!answer(*command, context_id)) return;
        }
    }

    bool answer(const CommandSet& command, T_ASC_PresentationContextID context_id) {
        switch (command.command_field) {
            case command_field::c_echo_rq:
                return respond(command, context_id, command_field::c_echo_rsp, STATUS_Success, "");
            case command_field::c_store_rq:
                return store(command, context_id);
            case command_field::n_event_report_rq:
                return take_report(command, context_id);
            default:
                abort(fmt::format("unexpected command 0x{:04x}", command.command_field));
                return false;
        }
    }

    bool store(const CommandSet& request, T_ASC_PresentationContextID context_id) {
        if (!request.has_data_set) {
            abort("C-STORE without a data set");
            return false;
        }
        T_ASC_PresentationContext context{};
        if (ASC_findAcceptedPresentationContext(association_->params, context_id, &context).bad()) {
            abort("C-STORE on a presentation context that was not accepted");
            return false;
        }
        const IncomingInstance::Request asked{request.sop_class_uid, request.sop_instance_uid,
                                              context.acceptedTransferSyntax, peer_};
        IncomingInstance instance(context_.store, asked, scratch_);
        if (context_.stopping) instance.fail(Error{Errc::busy, "the server is stopping"});
        auto take = [&instance](std::span<const std::byte> fragment) { instance.add(fragment); };
        const OFCondition received = receive_data_set(association_, context_id, context_.limits.data_timeout, take);
        if (received.bad()) {
            instance.fail(Error{Errc::network, received.text()});
            abort(fmt::format("the data set did not arrive whole: {}", received.text()));
            return false;
        }
        const auto stored = instance.finish();
        if (!stored) return refuse(request, context_id, stored.error());
        // Durable, then known, then acknowledged: the sender may delete its copy once it has the response.
        context_.observer.instance_stored(*stored);
        return respond(request, context_id, command_field::c_store_rsp, STATUS_Success, "");
    }

    /// What a peer commits to, after we asked for it.
    bool take_report(const CommandSet& request, T_ASC_PresentationContextID context_id) {
        T_ASC_PresentationContext context{};
        const bool accepted = ASC_findAcceptedPresentationContext(association_->params, context_id, &context).good() &&
                              std::string_view(context.abstractSyntax) == UID_StorageCommitmentPushModelSOPClass;
        if (!accepted || !request.has_data_set) {
            abort("an event report that is none of storage commitment");
            return false;
        }
        std::string data_set;
        const OFCondition received =
            receive_data_set(association_, context_id, context_.limits.data_timeout, report_bytes_max, data_set);
        if (received.bad()) {
            abort(received.text());
            return false;
        }
        auto report = read_commitment_report(data_set, context.acceptedTransferSyntax);
        const std::uint16_t status = report ? STATUS_Success : STATUS_N_ProcessingFailure;
        const std::string comment = report ? "" : report.error().message;
        if (report) context_.observer.commitment_reported(peer_, std::move(*report));
        return respond(request, context_id, command_field::n_event_report_rsp, status, comment);
    }

    bool refuse(const CommandSet& request, T_ASC_PresentationContextID context_id, const Error& error) {
        const std::uint16_t status = status_for(error);
        context_.log.warn("instance refused", kv("status", fmt::format("0x{:04X}", status)),
                          kv("calling", peer_.calling_ae), kv("peer", peer_.address),
                          kv("instance", request.sop_instance_uid), kv("reason", error.message));
        context_.observer.instance_refused(peer_, request.sop_instance_uid, status, error.message);
        return respond(request, context_id, command_field::c_store_rsp, status, error.message);
    }

    bool respond(const CommandSet& request, T_ASC_PresentationContextID context_id, std::uint16_t field,
                 std::uint16_t status, const std::string& comment) {
        CommandSet response = response_to(request, field, status);
        response.error_comment = comment;
        std::string bytes = encode_command(response);
        const OFCondition sent = write_fragment(association_, context_id, DUL_COMMANDPDV, bytes, true);
        if (sent.bad()) {
            context_.log.info("association lost before the response", kv("peer", peer_.address),
                              kv("reason", sent.text()));
        }
        return sent.good();
    }

    void abort(const std::string& why) {
        context_.log.info("association aborted", kv("calling", peer_.calling_ae), kv("peer", peer_.address),
                          kv("reason", why));
        ASC_abortAssociation(association_);
    }

    /// Closes the socket, whoever owns it by now.
    void drop() {
        if (association_ && association_->DULassociation) {
            ASC_dropSCPAssociation(association_, 1);
            ASC_destroyAssociation(&association_);
            return;
        }
        if (association_) ASC_destroyAssociation(&association_);
        ::close(socket_);
    }

    SessionContext& context_;
    const Config& config_;
    int socket_;
    Peer peer_;
    T_ASC_Association* association_ = nullptr;
    IncomingInstance::Scratch scratch_;
    std::string command_bytes_;
};

}  // namespace

void run_association(SessionContext& context, std::shared_ptr<const Config> config, int socket,
                     const std::string& peer_address, const std::function<void()>& before_close) {
    Session(context, *config, socket, peer_address).run(before_close);
}

}  // namespace quicksilver::dicom
