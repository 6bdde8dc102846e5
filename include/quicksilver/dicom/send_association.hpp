#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver::dicom {

/// PEM files with which we open encrypted associations.
struct TlsClient {
    std::filesystem::path key, certificate;
    std::filesystem::path ca;  ///< who may have signed the peer's certificate
};

/// Where to and as whom.
struct Destination {
    std::string host;
    std::uint16_t port = 104;
    std::string called_ae = "ANY-SCP";
    std::string calling_ae = "QUICKSILVER";
    std::uint32_t max_pdu = 131072;
    std::chrono::seconds association_timeout{30};  ///< answer to A-ASSOCIATE-RQ
    std::chrono::seconds response_timeout{60};     ///< answer to a DIMSE request
    std::optional<TlsClient> tls;
    /// Convert to this one where the peer takes it and we can; empty: send what the file has.
    std::string transfer_syntax_uid;

    bool operator==(const Destination& other) const;
};

/// A SOP class together with the transfer syntax that the file has.
struct StorageContext {
    std::string sop_class_uid;
    std::string transfer_syntax_uid;

    auto operator<=>(const StorageContext&) const = default;
};

/// What the peer said to one C-STORE, by class (PS3.4 §B.2.3, PS3.7 annex C).
enum class StoreOutcome {
    stored,   ///< 0x0000
    warning,  ///< 0xBxxx and the like: stored, with a note
    refused,  ///< 0xA7xx: out of resources, may work later
    failed,   ///< any other status
    unsent,   ///< no presentation context, or the file cannot be read; the association goes on
};

struct StoreReply {
    StoreOutcome outcome = StoreOutcome::unsent;
    std::uint16_t status = 0;
    std::string text;         ///< the peer's comment, or why it was not sent
    std::uint64_t bytes = 0;  ///< of the data set on the wire
    bool streamed = false;    ///< sent as it lies in the file, without parsing it
};

/// One outgoing association. One thread, which it blocks.
class SendAssociation {
public:
    /// Proposes each pair as a context of its own, the wanted transfer syntax, and the native ones as a fallback.
    /// `contexts` may be empty: then only C-ECHO is proposed. At most max_contexts pairs.
    static Result<std::unique_ptr<SendAssociation>> open(const Destination& destination,
                                                         const std::vector<StorageContext>& contexts,
                                                         const StopFlag& stop);
    virtual ~SendAssociation() = default;

    /// Sends one file. An error means that the association is gone, and nothing is known of this instance.
    virtual Result<StoreReply> store(const std::filesystem::path& file) = 0;
    virtual Result<void> echo() = 0;
    /// Another task goes on with the association: its flag counts from now on. It outlives the use.
    virtual void use_stop(const StopFlag& stop) = 0;
    /// A-RELEASE. Without it the destructor aborts.
    virtual void release() = 0;

    /// Pairs in one association: each may need three of the 128 presentation contexts (PS3.8 §9.3.2).
    static constexpr std::size_t max_contexts = 40;
};

/// Classes a status of C-STORE.
StoreOutcome classify_store_status(std::uint16_t status);

/// The pair of a file, from its file meta information or, without that, from its data set.
Result<StorageContext> storage_context_of(const std::filesystem::path& file);

/// Splits files into groups whose pairs fit into one association each, keeping their order.
struct SendGroup {
    std::vector<StorageContext> contexts;
    std::vector<std::filesystem::path> files;
};
struct UnreadableFile {
    std::filesystem::path file;
    std::string reason;
};
struct SendPlan {
    std::vector<SendGroup> groups;
    std::vector<UnreadableFile> unreadable;
};
SendPlan plan_sending(const std::vector<std::filesystem::path>& files);

}  // namespace quicksilver::dicom
