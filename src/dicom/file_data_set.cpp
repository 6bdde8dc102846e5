#include "file_data_set.hpp"

#include "quicksilver/dicom/file_meta.hpp"

#include "instance_identity.hpp"
#include "message_writer.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <dcmtk/dcmnet/dimse.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace quicksilver::dicom {

namespace {

std::string text_of(DcmItem& item, const DcmTagKey& tag) {
    OFString value;
    item.findAndGetOFString(tag, value);
    return value.c_str();
}

}  // namespace

FileDataSet::FileDataSet(FileDataSet&& other) noexcept
    : path_(std::move(other.path_)),
      sop_class_uid_(std::move(other.sop_class_uid_)),
      sop_instance_uid_(std::move(other.sop_instance_uid_)),
      transfer_syntax_uid_(std::move(other.transfer_syntax_uid_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      offset_(other.offset_),
      bytes_(other.bytes_),
      file_(std::move(other.file_)) {}

FileDataSet::~FileDataSet() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<FileDataSet> FileDataSet::open(const std::filesystem::path& file) {
    FileDataSet data_set;
    data_set.path_ = file;
    const auto meta = read_file_meta(file);
    if (!meta && meta.error().code == Errc::io) return meta.error();
    if (!meta || meta->sop_class_uid.empty() || meta->sop_instance_uid.empty()) {
        if (auto opened = data_set.open_without_meta(); !opened) return opened.error();
        return data_set;
    }
    data_set.sop_class_uid_ = meta->sop_class_uid;
    data_set.sop_instance_uid_ = meta->sop_instance_uid;
    data_set.transfer_syntax_uid_ = meta->transfer_syntax_uid;
    data_set.offset_ = meta->data_set_offset;
    data_set.descriptor_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (data_set.descriptor_ < 0 || ::fstat(data_set.descriptor_, &status) != 0) {
        return Error{Errc::io, fmt::format("cannot read {}: {}", file.string(), std::strerror(errno))};
    }
    data_set.bytes_ = static_cast<std::uint64_t>(status.st_size) -
                      std::min<std::uint64_t>(data_set.offset_, static_cast<std::uint64_t>(status.st_size));
    // What we received ourselves agrees with its data set.
    if (!meta->checksum) data_set.take_uids_of_data_set();
    return data_set;
}

/// The file meta information of some writers names other UIDs than the data set, and a receiver refuses an instance
/// that is not the one of the request.
void FileDataSet::take_uids_of_data_set() {
    std::vector<std::byte> head(16 * 1024);
    const ssize_t got = ::pread(descriptor_, head.data(), head.size(), static_cast<off_t>(offset_));
    if (got <= 0) return;
    head.resize(static_cast<std::size_t>(got));
    const auto identity = read_identity(head, transfer_syntax_uid_, head.size() == bytes_);
    if (!identity || identity->sop_class_uid.empty()) return;
    sop_class_uid_ = identity->sop_class_uid;
    sop_instance_uid_ = identity->sop_instance_uid;
}

/// A file without proper file meta information: DCMTK guesses its transfer syntax, and its data set names the rest.
Result<void> FileDataSet::open_without_meta() {
    file_ = std::make_unique<DcmFileFormat>();
    const OFCondition loaded =
        file_->loadFile(path_.c_str(), EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect);
    if (loaded.bad()) {
        return Error{Errc::invalid, fmt::format("{} is not a DICOM file: {}", path_.string(), loaded.text())};
    }
    sop_class_uid_ = text_of(*file_->getDataset(), DCM_SOPClassUID);
    sop_instance_uid_ = text_of(*file_->getDataset(), DCM_SOPInstanceUID);
    transfer_syntax_uid_ = DcmXfer(file_->getDataset()->getOriginalXfer()).getXferID();
    if (sop_class_uid_.empty() || sop_instance_uid_.empty()) {
        return Error{Errc::invalid, fmt::format("{} has no SOPClassUID or no SOPInstanceUID", path_.string())};
    }
    return {};
}

OFCondition FileDataSet::stream(T_ASC_Association* association, T_ASC_PresentationContextID context_id,
                                const StopFlag& stop) {
    // A fragment must have an even length (PS3.8 §E.1).
    const std::size_t capacity = association->sendPDVLength & ~std::size_t{1};
    std::uint64_t left = bytes_;
    std::uint64_t at = offset_;
    while (left > 0) {
        if (stop) return DIMSE_SENDFAILED;
        const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, capacity));
        std::size_t filled = 0;
        while (filled < wanted) {
            const ssize_t got = ::pread(descriptor_, association->sendPDVBuffer + filled, wanted - filled,
                                        static_cast<off_t>(at + filled));
            if (got <= 0) return DIMSE_SENDFAILED;
            filled += static_cast<std::size_t>(got);
        }
        left -= wanted;
        at += wanted;
        const OFCondition sent =
            write_fragment(association, context_id, DUL_DATASETPDV,
                           std::span(reinterpret_cast<char*>(association->sendPDVBuffer), wanted), left == 0);
        if (sent.bad()) return sent;
    }
    return EC_Normal;
}

Result<void> FileDataSet::load(const std::string& transfer_syntax_uid) {
    const auto failed = [&](const OFCondition& why) {
        return Error{Errc::invalid, fmt::format("{} cannot be sent as {}: {}", path_.string(),
                                                DcmXfer(transfer_syntax_uid.c_str()).getXferName(), why.text())};
    };
    if (!file_) {
        file_ = std::make_unique<DcmFileFormat>();
        const OFCondition loaded = file_->loadFile(path_.c_str());
        if (loaded.bad()) return failed(loaded);
    }
    const E_TransferSyntax syntax = DcmXfer(transfer_syntax_uid.c_str()).getXfer();
    DcmDataset& data_set = *file_->getDataset();
    // From one compression to another only by way of pixels.
    const bool recompress = DcmXfer(data_set.getCurrentXfer()).isEncapsulated() && DcmXfer(syntax).isEncapsulated() &&
                            data_set.getCurrentXfer() != syntax;
    if (recompress) {
        const OFCondition decompressed = data_set.chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
        if (decompressed.bad()) return failed(decompressed);
    }
    const OFCondition represented = data_set.chooseRepresentation(syntax, nullptr);
    if (represented.bad()) return failed(represented);
    if (!data_set.canWriteXfer(syntax)) return failed(EC_UnsupportedEncoding);
    bytes_ = data_set.calcElementLength(syntax, EET_ExplicitLength);
    return {};
}

}  // namespace quicksilver::dicom
