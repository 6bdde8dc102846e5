#include "quicksilver/dicom/phantom.hpp"

#include "quicksilver/dicom/uids.hpp"

#include "phantom_picture.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <fstream>

namespace quicksilver::dicom {

namespace {

constexpr double head_height_mm = 200;
constexpr double head_width_mm = 240;
// PS3.5 §7.1: 0xffffffff means "undefined length", and lengths are even.
constexpr std::uint64_t picture_bytes_max = 0xfffffffe;

/// The UIDs of a series, complete.
struct SeriesUids {
    std::string study, series, frame_of_reference;

    std::string instance(unsigned number) const { return make_uid(fmt::format("{} instance {}", series, number)); }
};

SeriesUids uids_of(const PhantomOptions& options) {
    const auto or_made = [](const std::string& given, const std::string& seed) {
        return given.empty() ? make_uid(seed) : given;
    };
    SeriesUids uids;
    uids.study = or_made(options.study_uid, fmt::format("phantom study {} {}", options.patient_id, options.seed));
    uids.series =
        or_made(options.series_uid, fmt::format("{} series {} {} {}", uids.study, static_cast<int>(options.modality),
                                                options.series_number, options.seed));
    uids.frame_of_reference = make_uid(uids.study + " frame of reference");
    return uids;
}

/// -1 for the bottom of the head, 1 for its top.
double height_of(unsigned number, unsigned instances) {
    return instances < 2 ? 0 : 2.0 * (number - 1) / (instances - 1) - 1;
}

/// Attributes of one data set. The first failure is kept; DCMTK refuses only what is not in its dictionary.
class Attributes {
public:
    explicit Attributes(DcmItem& item) : item_(item) {}

    void set(const DcmTagKey& key, const std::string& value) { keep(item_.putAndInsertString(key, value.c_str())); }
    void set(const DcmTagKey& key, std::uint16_t value) { keep(item_.putAndInsertUint16(key, value)); }

    const OFCondition& result() const { return result_; }

private:
    void keep(const OFCondition& condition) {
        if (result_.good()) result_ = condition;
    }

    DcmItem& item_;
    OFCondition result_ = EC_Normal;
};

void set_patient_and_study(Attributes& a, const PhantomOptions& options, const SeriesUids& uids) {
    a.set(DCM_PatientName, options.patient_name);
    a.set(DCM_PatientID, options.patient_id);
    a.set(DCM_PatientBirthDate, "");
    a.set(DCM_PatientSex, "O");
    a.set(DCM_StudyInstanceUID, uids.study);
    a.set(DCM_StudyDate, "20260101");
    a.set(DCM_StudyTime, "120000");
    a.set(DCM_ReferringPhysicianName, "");
    a.set(DCM_StudyID, "1");
    a.set(DCM_AccessionNumber, options.accession_number);
    a.set(DCM_StudyDescription, options.study_description);
}

void set_series(Attributes& a, const PhantomOptions& options, const SeriesUids& uids) {
    a.set(DCM_SpecificCharacterSet, "ISO_IR 192");
    a.set(DCM_SeriesInstanceUID, uids.series);
    a.set(DCM_SeriesNumber, std::to_string(options.series_number));
    a.set(DCM_SeriesDescription, options.series_description);
    a.set(DCM_SeriesDate, "20260101");
    a.set(DCM_SeriesTime, "120500");
    a.set(DCM_BodyPartExamined, "HEAD");
    a.set(DCM_ProtocolName, "Phantom");
    a.set(DCM_PatientPosition, "HFS");
    a.set(DCM_FrameOfReferenceUID, uids.frame_of_reference);
    a.set(DCM_PositionReferenceIndicator, "");
    a.set(DCM_Manufacturer, "Quicksilver");
    a.set(DCM_ManufacturerModelName, "Phantom");
    a.set(DCM_StationName, "PHANTOM");
    a.set(DCM_InstitutionName, "Quicksilver");
}

void set_image(Attributes& a, const PhantomOptions& options, unsigned number) {
    const double slice_mm = head_height_mm / std::max(options.instances, 1U);
    const double pixel_mm = head_width_mm / std::max(options.rows, options.columns);
    a.set(DCM_InstanceNumber, std::to_string(number));
    a.set(DCM_AcquisitionNumber, "1");
    a.set(DCM_AcquisitionDate, "20260101");
    a.set(DCM_AcquisitionTime, "120500");
    a.set(DCM_ContentDate, "20260101");
    a.set(DCM_ContentTime, "120500");
    a.set(DCM_ImageComments, "Synthetic picture without a patient");
    a.set(DCM_SliceThickness, fmt::format("{:.4g}", slice_mm));
    a.set(DCM_PixelSpacing, fmt::format("{0:.6g}\\{0:.6g}", pixel_mm));
    a.set(DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
    a.set(DCM_ImagePositionPatient, fmt::format("{:.6g}\\{:.6g}\\{:.6g}", -pixel_mm * options.columns / 2,
                                                -pixel_mm * options.rows / 2, slice_mm * (number - 1)));
    a.set(DCM_SamplesPerPixel, std::uint16_t{1});
    a.set(DCM_PhotometricInterpretation, "MONOCHROME2");
    a.set(DCM_Rows, options.rows);
    a.set(DCM_Columns, options.columns);
    a.set(DCM_BitsAllocated, std::uint16_t{16});
    a.set(DCM_BitsStored, std::uint16_t{PhantomPicture::value_bits});
    a.set(DCM_HighBit, std::uint16_t{PhantomPicture::value_bits - 1});
    a.set(DCM_PixelRepresentation, std::uint16_t{0});
    a.set(DCM_BurnedInAnnotation, "NO");
}

void set_ct(Attributes& a) {
    a.set(DCM_SOPClassUID, UID_CTImageStorage);
    a.set(DCM_Modality, "CT");
    a.set(DCM_ImageType, "ORIGINAL\\PRIMARY\\AXIAL");
    a.set(DCM_KVP, "120");
    a.set(DCM_ConvolutionKernel, "STANDARD");
    a.set(DCM_RescaleIntercept, "-1024");
    a.set(DCM_RescaleSlope, "1");
    a.set(DCM_RescaleType, "HU");
    a.set(DCM_WindowCenter, "40");
    a.set(DCM_WindowWidth, "160");
}

void set_mr(Attributes& a) {
    a.set(DCM_SOPClassUID, UID_MRImageStorage);
    a.set(DCM_Modality, "MR");
    a.set(DCM_ImageType, "ORIGINAL\\PRIMARY\\M");
    a.set(DCM_ScanningSequence, "SE");
    a.set(DCM_SequenceVariant, "NONE");
    a.set(DCM_ScanOptions, "");
    a.set(DCM_MRAcquisitionType, "2D");
    a.set(DCM_SequenceName, "phantom2d");
    a.set(DCM_RepetitionTime, "500");
    a.set(DCM_EchoTime, "11");
    a.set(DCM_EchoTrainLength, "1");
    a.set(DCM_MagneticFieldStrength, "1.5");
    a.set(DCM_WindowCenter, "500");
    a.set(DCM_WindowWidth, "1000");
}

/// CT in stored values, so 1024 is water; MR as T1-weighted spin echo sees a head.
PhantomPicture::Palette palette_of(PhantomModality modality) {
    if (modality == PhantomModality::ct) return {24, 1924, 1060, 1030, 1095, 24};
    return {20, 120, 620, 210, 820, 60};
}

E_TransferSyntax syntax_of(const PhantomOptions& options) {
    return options.syntax == PhantomSyntax::implicit_little_endian ? EXS_LittleEndianImplicit
                                                                   : EXS_LittleEndianExplicit;
}

/// The file up to its pixel data: preamble, file meta information and all smaller attributes.
Result<std::string> encode_head(const PhantomOptions& options, const SeriesUids& uids, unsigned number) {
    DcmFileFormat file;
    Attributes attributes(*file.getDataset());
    attributes.set(DCM_SOPInstanceUID, uids.instance(number));
    set_patient_and_study(attributes, options, uids);
    set_series(attributes, options, uids);
    set_image(attributes, options, number);
    options.modality == PhantomModality::ct ? set_ct(attributes) : set_mr(attributes);
    if (attributes.result().bad()) {
        return Error{Errc::invalid, fmt::format("phantom instance cannot be made: {}", attributes.result().text())};
    }

    std::array<char, 32 * 1024> buffer{};  // a head has about 2 kB, most of it the names that the caller gives
    DcmOutputBufferStream stream(buffer.data(), static_cast<offile_off_t>(buffer.size()));
    file.transferInit();
    const OFCondition written =
        file.write(stream, syntax_of(options), EET_UndefinedLength, nullptr, EGL_noChange, EPD_withoutPadding);
    file.transferEnd();
    if (written.bad()) {
        return Error{Errc::invalid,
                     fmt::format("phantom instance cannot be made, its names are too long: {}", written.text())};
    }
    void* bytes = nullptr;
    offile_off_t length = 0;
    stream.flushBuffer(bytes, length);
    return std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

std::uint64_t picture_bytes(const PhantomOptions& options) {
    return std::uint64_t{2} * options.rows * options.columns;
}

/// Tag, VR and length of the pixel data, which is the last element.
std::string encode_pixel_data_head(const PhantomOptions& options) {
    std::string head("\xe0\x7f\x10\x00", 4);
    if (options.syntax == PhantomSyntax::explicit_little_endian) head += std::string("OW\0\0", 4);
    const std::uint64_t length = picture_bytes(options);
    for (unsigned shift = 0; shift < 32; shift += 8) head += static_cast<char>((length >> shift) & 0xffU);
    return head;
}

void write_row(std::ofstream& out, const std::vector<std::uint16_t>& row) {
    static_assert(std::endian::native == std::endian::little, "pixels are written as they lie in memory");
    out.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size() * sizeof(row[0])));
}

Result<void> write_instance(const PhantomOptions& options, const SeriesUids& uids, unsigned number,
                            const std::filesystem::path& path) {
    const Result<std::string> head = encode_head(options, uids, number);
    if (!head) return head.error();
    const std::string noise_seed = fmt::format("{} {}", options.seed, number);
    PhantomPicture picture(palette_of(options.modality), options.rows, options.columns,
                           height_of(number, options.instances), XXH3_64bits(noise_seed.data(), noise_seed.size()));
    errno = 0;
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << *head << encode_pixel_data_head(options);
    for (unsigned row = 0; row < options.rows && out; ++row) write_row(out, picture.next_row());
    out.close();
    if (out) return {};
    const int reason = errno;
    return Error{reason == ENOSPC ? Errc::no_space : Errc::io,
                 fmt::format("{} cannot be written: {}", path.string(), std::generic_category().message(reason))};
}

Result<void> require_possible(const PhantomOptions& options) {
    if (options.rows == 0 || options.columns == 0) {
        return Error{Errc::invalid, "a phantom picture needs at least one row and one column"};
    }
    if (picture_bytes(options) > picture_bytes_max) {
        return Error{Errc::invalid, fmt::format("a phantom picture of {} by {} pixels has more bytes than DICOM can "
                                                "express, {}",
                                                options.rows, options.columns, picture_bytes_max)};
    }
    return {};
}

}  // namespace

void set_picture_bytes(PhantomOptions& options, std::uint64_t bytes) {
    const std::uint64_t pixels = std::clamp<std::uint64_t>(bytes, 2, picture_bytes_max) / 2;
    const auto rows = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(pixels)));
    options.rows = static_cast<std::uint16_t>(rows);
    options.columns = static_cast<std::uint16_t>(pixels / rows);
}

Result<std::vector<std::filesystem::path>> write_phantom_series(const PhantomOptions& options,
                                                                const std::filesystem::path& folder) {
    if (Result<void> possible = require_possible(options); !possible) return std::move(possible).error();
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
        return Error{Errc::io, fmt::format("folder {} cannot be made: {}", folder.string(), error.message())};
    }
    const SeriesUids uids = uids_of(options);
    std::vector<std::filesystem::path> files;
    for (unsigned number = 1; number <= options.instances; ++number) {
        files.push_back(folder / (uids.instance(number) + ".dcm"));
        if (Result<void> written = write_instance(options, uids, number, files.back()); !written) {
            return std::move(written).error();
        }
    }
    return files;
}

}  // namespace quicksilver::dicom
