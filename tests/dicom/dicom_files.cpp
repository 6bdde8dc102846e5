#include "dicom/dicom_files.hpp"

#include "support/catch.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <dcmtk/dcmdata/dcuid.h>

namespace quicksilver::test {

void write_dicom(const std::filesystem::path& file, const std::function<void(DcmFileFormat&)>& change,
                 E_TransferSyntax syntax) {
    DcmFileFormat content;
    DcmDataset& data = *content.getDataset();
    data.putAndInsertString(DCM_SOPClassUID, UID_MRImageStorage);
    data.putAndInsertString(DCM_SOPInstanceUID, instance_uid);
    data.putAndInsertString(DCM_StudyInstanceUID, "2.25.1");
    data.putAndInsertString(DCM_SeriesInstanceUID, series_uid);
    data.putAndInsertString(DCM_Modality, "MR");
    DcmMetaInfo& meta = *content.getMetaInfo();
    meta.putAndInsertString(DCM_MediaStorageSOPClassUID, UID_MRImageStorage);
    meta.putAndInsertString(DCM_MediaStorageSOPInstanceUID, instance_uid);
    change(content);
    const OFCondition saved =
        content.saveFile(file.c_str(), syntax, EET_UndefinedLength, EGL_recalcGL, EPD_noChange, 0, 0, EWM_updateMeta);
    if (saved.bad()) FAIL(saved.text());
}

std::filesystem::path pydicom_data() {
    const std::filesystem::path folder = "/usr/lib/python3/dist-packages/pydicom/data";
    if (!std::filesystem::exists(folder)) FAIL("python3-pydicom is missing: packaging/packages.sh test installs it");
    return folder;
}

}  // namespace quicksilver::test
