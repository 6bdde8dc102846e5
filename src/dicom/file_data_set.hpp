#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/send_association.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmnet/assoc.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace quicksilver::dicom {

/// The data set of a file on its way out: streamed as it lies there, or loaded and re-encoded. One thread.
class FileDataSet {
public:
    static Result<FileDataSet> open(const std::filesystem::path& file);
    FileDataSet(FileDataSet&&) noexcept;
    FileDataSet& operator=(FileDataSet&&) = delete;
    ~FileDataSet();

    const std::string& sop_class_uid() const { return sop_class_uid_; }
    const std::string& sop_instance_uid() const { return sop_instance_uid_; }
    const std::string& transfer_syntax_uid() const { return transfer_syntax_uid_; }

    /// Whether the bytes of the file can go on the wire unread.
    bool can_stream() const { return descriptor_ >= 0 && bytes_ > 0 && bytes_ % 2 == 0; }
    OFCondition stream(T_ASC_Association* association, T_ASC_PresentationContextID context_id, const StopFlag& stop);

    /// Parses the file and encodes it anew, decompressing if need be.
    Result<void> load(const std::string& transfer_syntax_uid);
    DcmDataset* loaded() { return file_->getDataset(); }

    std::uint64_t bytes() const { return bytes_; }

private:
    FileDataSet() = default;
    Result<void> open_without_meta();
    void take_uids_of_data_set();

    std::filesystem::path path_;
    std::string sop_class_uid_, sop_instance_uid_, transfer_syntax_uid_;
    int descriptor_ = -1;
    std::uint64_t offset_ = 0;
    std::uint64_t bytes_ = 0;
    std::unique_ptr<DcmFileFormat> file_;
};

}  // namespace quicksilver::dicom
