#include "quicksilver/dicom/storage_commitment.hpp"

#include "quicksilver/core/peer_text.hpp"

#include "command_set.hpp"
#include "file_data_set.hpp"
#include "message_reader.hpp"
#include "message_writer.hpp"
#include "requested_association.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmnet/dimse.h>
#include <fmt/format.h>

#include <algorithm>

namespace quicksilver::dicom {

namespace {

constexpr std::uint16_t action_request_commitment = 1;

void propose(T_ASC_Parameters* parameters) {
    const char* syntaxes[] = {UID_LittleEndianExplicitTransferSyntax, UID_LittleEndianImplicitTransferSyntax};
    ASC_addPresentationContext(parameters, 1, UID_StorageCommitmentPushModelSOPClass, syntaxes, 2);
}

Result<void> open(RequestedAssociation& association) {
    auto opened = association.open(propose);
    if (opened) return opened;
    const Error& error = opened.error();
    const bool is_answered = association.get() != nullptr && error.code == Errc::refused;
    if (!is_answered) return error;
    return Error{Errc::refused, fmt::format("{} does not offer Storage Commitment; set `commitment` to false, or have "
                                            "it switched on there",
                                            association.peer_name())};
}

void fill(DcmDataset& data_set, const CommitmentRequest& request) {
    data_set.putAndInsertString(DCM_TransactionUID, request.transaction_uid.c_str());
    for (const CommitmentItem& item : request.items) {
        DcmItem* entry = nullptr;
        data_set.findOrCreateSequenceItem(DCM_ReferencedSOPSequence, entry, -2);
        entry->putAndInsertString(DCM_ReferencedSOPClassUID, item.sop_class_uid.c_str());
        entry->putAndInsertString(DCM_ReferencedSOPInstanceUID, item.sop_instance_uid.c_str());
    }
}

OFCondition send_action(RequestedAssociation& association, const CommitmentRequest& request, DIC_US message_id) {
    DcmDataset data_set;
    fill(data_set, request);
    T_DIMSE_Message message{};
    message.CommandField = DIMSE_N_ACTION_RQ;
    T_DIMSE_N_ActionRQ& action = message.msg.NActionRQ;
    action.MessageID = message_id;
    OFStandard::strlcpy(action.RequestedSOPClassUID, UID_StorageCommitmentPushModelSOPClass,
                        sizeof(action.RequestedSOPClassUID));
    OFStandard::strlcpy(action.RequestedSOPInstanceUID, UID_StorageCommitmentPushModelSOPInstance,
                        sizeof(action.RequestedSOPInstanceUID));
    action.ActionTypeID = action_request_commitment;
    action.DataSetType = DIMSE_DATASET_PRESENT;
    return DIMSE_sendMessageUsingMemoryData(association.get(), 1, &message, nullptr, &data_set, nullptr, nullptr);
}

Result<void> ask(RequestedAssociation& association, const CommitmentRequest& request) {
    const DIC_US message_id = association.next_message_id();
    const OFCondition sent = send_action(association, request, message_id);
    if (sent.bad()) return association.error("asking for storage commitment of", sent);
    const auto timeout = association.destination().response_timeout;
    T_ASC_PresentationContextID context_id = 0;
    std::string bytes;
    const OFCondition received = receive_command(association.get(), timeout, timeout, context_id, bytes);
    if (received.bad()) return association.error("waiting for the N-ACTION response of", received);
    const auto response = decode_command(bytes);
    if (!response || response->command_field != command_field::n_action_rsp || response->message_id != message_id) {
        return Error{Errc::network, fmt::format("{} answered N-ACTION with another message", association.peer_name())};
    }
    if (response->status != STATUS_Success) {
        return Error{Errc::refused,
                     fmt::format("{} refused to commit with status 0x{:04X}{}{}", association.peer_name(),
                                 response->status, response->error_comment.empty() ? "" : ": ",
                                 response->error_comment.empty() ? "" : peer_text(response->error_comment))};
    }
    return {};
}

/// The report that `command` announces; an error ends the association.
Result<CommitmentReport> take_report(RequestedAssociation& association, const CommandSet& command,
                                     T_ASC_PresentationContextID context_id) {
    T_ASC_PresentationContext context{};
    ASC_findAcceptedPresentationContext(association.get()->params, context_id, &context);
    std::string data_set;
    const auto timeout = association.destination().response_timeout;
    const OFCondition received = receive_data_set(association.get(), context_id, timeout, report_bytes_max, data_set);
    if (received.bad()) return association.error("waiting for the commitment report of", received);
    auto report = read_commitment_report(data_set, context.acceptedTransferSyntax);
    std::string answer =
        encode_command(response_to(command, command_field::n_event_report_rsp,
                                   static_cast<std::uint16_t>(report ? STATUS_Success : STATUS_N_ProcessingFailure)));
    // What it said is true, whether it hears the answer or not.
    (void)write_fragment(association.get(), context_id, DUL_COMMANDPDV, answer, true);
    return report;
}

Result<std::optional<CommitmentReport>> wait_for_report(RequestedAssociation& association,
                                                        const std::string& transaction_uid, std::chrono::seconds wait,
                                                        const std::function<bool()>& is_reported) {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    const auto timeout = association.destination().response_timeout;
    while (!is_reported() && std::chrono::steady_clock::now() < deadline) {
        if (association.stop()) return association.error("waiting for", DIMSE_NODATAAVAILABLE);
        T_ASC_PresentationContextID context_id = 0;
        std::string bytes;
        const OFCondition received =
            receive_command(association.get(), std::chrono::seconds(1), timeout, context_id, bytes);
        if (received == DIMSE_NODATAAVAILABLE) continue;
        if (received.bad()) return std::optional<CommitmentReport>();  // it will report on another association
        const auto command = decode_command(bytes);
        if (!command || command->command_field != command_field::n_event_report_rq || !command->has_data_set) {
            return Error{Errc::network, fmt::format("{} sent an unexpected message", association.peer_name())};
        }
        auto report = take_report(association, *command, context_id);
        if (!report) return report.error();
        if (report->transaction_uid == transaction_uid) return std::optional(std::move(*report));
    }
    return std::optional<CommitmentReport>();
}

std::string text_of(DcmItem& item, const DcmTagKey& tag) {
    OFString text;
    item.findAndGetOFString(tag, text);
    return std::string(text.c_str());
}

}  // namespace

Result<CommitmentItem> commitment_item_of(const std::filesystem::path& file) {
    const auto data_set = FileDataSet::open(file);
    if (!data_set) return data_set.error();
    return CommitmentItem{data_set->sop_class_uid(), data_set->sop_instance_uid()};
}

std::string make_transaction_uid() {
    char uid[DIC_UI_LEN + 1] = {};
    dcmGenerateUniqueIdentifier(uid);
    return uid;
}

Result<std::optional<CommitmentReport>> request_commitment(const Destination& destination,
                                                           const CommitmentRequest& request, std::chrono::seconds wait,
                                                           const std::function<bool()>& is_reported,
                                                           const StopFlag& stop) {
    RequestedAssociation association(destination, stop);
    if (auto opened = open(association); !opened) return opened.error();
    if (auto asked = ask(association, request); !asked) return asked.error();
    auto report = wait_for_report(association, request.transaction_uid, wait, is_reported);
    if (report) association.release();
    return report;
}

Result<void> test_commitment(const Destination& destination, const StopFlag& stop) {
    RequestedAssociation association(destination, stop);
    if (auto opened = open(association); !opened) return opened;
    association.release();
    return {};
}

Result<CommitmentReport> read_commitment_report(std::string_view data_set, const std::string& transfer_syntax_uid) {
    DcmInputBufferStream stream;
    stream.setBuffer(data_set.data(), static_cast<offile_off_t>(data_set.size()));
    stream.setEos();
    DcmDataset parsed;
    parsed.transferInit();
    const OFCondition read = parsed.read(stream, DcmXfer(transfer_syntax_uid.c_str()).getXfer(), EGL_noChange);
    parsed.transferEnd();
    if (read.bad()) return Error{Errc::invalid, fmt::format("the commitment report cannot be read: {}", read.text())};
    CommitmentReport report;
    report.transaction_uid = text_of(parsed, DCM_TransactionUID);
    if (report.transaction_uid.empty()) return Error{Errc::invalid, "the commitment report has no TransactionUID"};
    const auto for_each_item = [&parsed](const DcmTagKey& tag, const auto& take) {
        DcmSequenceOfItems* sequence = nullptr;
        if (parsed.findAndGetSequence(tag, sequence).bad() || !sequence) return;
        for (unsigned long i = 0; i < sequence->card(); ++i) take(*sequence->getItem(i));
    };
    for_each_item(DCM_ReferencedSOPSequence,
                  [&](DcmItem& item) { report.committed.push_back(text_of(item, DCM_ReferencedSOPInstanceUID)); });
    for_each_item(DCM_FailedSOPSequence, [&](DcmItem& item) {
        Uint16 reason = 0;
        item.findAndGetUint16(DCM_FailureReason, reason);
        report.failed.push_back({text_of(item, DCM_ReferencedSOPInstanceUID), reason});
    });
    return report;
}

std::string commitment_failure_text(std::uint16_t reason) {
    switch (reason) {
        case 0x0110:
            return "processing failure";
        case 0x0112:
            return "no such instance there";
        case 0x0213:
            return "out of resources";
        case 0x0122:
            return "SOP class not supported";
        case 0x0119:
            return "class and instance conflict";
        case 0x0131:
            return "duplicate transaction UID";
        default:
            return fmt::format("reason 0x{:04X}", reason);
    }
}

}  // namespace quicksilver::dicom
