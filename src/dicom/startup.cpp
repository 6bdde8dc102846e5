#include "quicksilver/dicom/startup.hpp"

#include "log_bridge.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dcmtrans.h>
#include <dcmtk/dcmnet/dimse.h>
#include <dcmtk/dcmtls/tlslayer.h>
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace quicksilver::dicom {

namespace {

constexpr int connect_timeout_s = 10;
/// How long a peer may neither send nor take a byte in the middle of a message.
constexpr int silence_timeout_s = 60;

Result<void> require_data_dictionary() {
    const bool loaded = dcmDataDict.isDictionaryLoaded();
    const DcmDataDictionary& dictionary = dcmDataDict.rdlock();
    const bool complete = loaded && dictionary.findEntry(DCM_PatientName, nullptr) != nullptr;
    dcmDataDict.rdunlock();
    if (complete) return {};

    const std::string built_in = DCM_DICT_DEFAULT_PATH;
    const std::filesystem::path file = built_in.substr(0, built_in.find(':'));
    const char* chosen = std::getenv("DCMDICTPATH");
    if (chosen != nullptr) {
        return Error{Errc::not_found,
                     fmt::format("DICOM data dictionary not usable: DCMDICTPATH is \"{}\"; unset it, or let it name {} "
                                 "or a copy of that file",
                                 chosen, file.string())};
    }
    return Error{Errc::not_found, fmt::format("DICOM data dictionary not readable: {}; install the package {}, or set "
                                              "DCMDICTPATH to a copy of that file",
                                              file.string(), file.parent_path().filename().string())};
}

/// DCMTK reads these variables for every socket that it opens or takes over, and offers no other way.
void configure_sockets() {
    // With Nagle's algorithm each C-STORE waits for two delayed acknowledgements: 11 instances a second, not 2,800.
    ::setenv("TCP_NODELAY", "1", 1);
    // A fixed buffer size would switch off the kernel's own adaptation, which serves distant peers better.
    ::unsetenv("TCP_BUFFER_LENGTH");
    // A peer that goes away while we send is an error of that association, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);

    dcmConnectionTimeout.set(connect_timeout_s);
    dcmSocketSendTimeout.set(silence_timeout_s);
    dcmSocketReceiveTimeout.set(silence_timeout_s);
    dcmMaxOutgoingPDUSize.set(max_pdu_bytes);
    // Reverse look-ups of peers can take seconds each, and nobody reads the names.
    dcmDisableGethostbyaddr.set(OFTrue);
}

/// The first network sets up DCMTK's state machine, which is not safe to do from two threads at once.
Result<void> initialise_network() {
    T_ASC_Network* network = nullptr;
    const OFCondition made = ASC_initializeNetwork(NET_REQUESTOR, 0, connect_timeout_s, &network);
    if (made.bad()) return Error{Errc::io, fmt::format("DICOM network cannot be initialised: {}", made.text())};
    ASC_dropNetwork(&network);
    DcmTLSTransportLayer::initializeOpenSSL();
    return {};
}

void register_codecs() {
    DcmRLEDecoderRegistration::registerCodecs();
    DcmRLEEncoderRegistration::registerCodecs();
    DJDecoderRegistration::registerCodecs();
    DJEncoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
    DJLSEncoderRegistration::registerCodecs();
}

void remove_codecs() {
    DJLSEncoderRegistration::cleanup();
    DJLSDecoderRegistration::cleanup();
    DJEncoderRegistration::cleanup();
    DJDecoderRegistration::cleanup();
    DcmRLEEncoderRegistration::cleanup();
    DcmRLEDecoderRegistration::cleanup();
}

}  // namespace

Result<std::unique_ptr<Startup>> Startup::begin(const Log& log) {
    const Log dcmtk_log = log.named("dcmtk");
    bridge_dcmtk_log(dcmtk_log);
    if (Result<void> found = require_data_dictionary(); !found) return std::move(found).error();
    configure_sockets();
    if (Result<void> ready = initialise_network(); !ready) return std::move(ready).error();
    return std::unique_ptr<Startup>(new Startup(dcmtk_log));
}

Startup::Startup(Log log) : log_(std::move(log)) {
    register_codecs();
}

Startup::~Startup() {
    remove_codecs();
    silence_dcmtk_log();
}

void Startup::follow_log_level() const {
    dicom::follow_log_level(log_);
}

std::string dcmtk_version() {
    return OFFIS_DCMTK_VERSION_STRING;
}

}  // namespace quicksilver::dicom
