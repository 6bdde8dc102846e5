#include "quicksilver/dicom/deidentifier.hpp"

#include "burned_in.hpp"
#include "date_shift.hpp"
#include "deidentification_notes.hpp"
#include "dummy_value.hpp"
#include "editable_content.hpp"
#include "element_text.hpp"
#include "identity_collector.hpp"
#include "item_elements.hpp"
#include "private_attributes.hpp"
#include "unknown_elements.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace quicksilver::dicom {

namespace {

std::uint32_t number_of(const DcmTagKey& key) {
    return (static_cast<std::uint32_t>(key.getGroup()) << 16U) | key.getElement();
}

std::string text_of(DcmElement& element) {
    OFString value;
    if (element.getOFStringArray(value).bad()) return {};
    return std::string(value.c_str(), value.size());
}

bool is_unknown(DcmEVR vr) {
    return vr == EVR_UN || vr == EVR_UNKNOWN || vr == EVR_UNKNOWN2B;
}

bool is_free_text(DcmEVR vr) {
    return has_character_set(vr) || vr == EVR_AE || vr == EVR_UR;
}

/// Parts of a code, which the standard or a coding scheme has written.
bool is_code(const DcmTagKey& key) {
    constexpr std::array codes = {0x00080100U, 0x00080102U, 0x00080103U, 0x00080104U, 0x00080119U, 0x00080120U};
    return std::ranges::find(codes, number_of(key)) != codes.end();
}

/// One instance on its way through the table.
class Treating {
public:
    Treating(const DeidentificationOptions& options, const Pseudonyms& pseudonyms, DcmDataset& data_set)
        : options_(options),
          pseudonyms_(pseudonyms),
          data_set_(data_set),
          identity_(collect_identity(data_set, options.profile)),
          private_(data_set, options) {}

    void run() {
        treat_overlays();
        treat(data_set_, false);
        const std::string pseudonym = pseudonyms_.patient(identity_.patient);
        data_set_.putAndInsertString(DCM_PatientID, pseudonym.c_str());
        data_set_.putAndInsertString(DCM_PatientName, pseudonym.c_str());
        note_deidentification(data_set_, options_.profile);
    }

private:
    /// `is_cleaned`: inside a sequence of which only what identifies goes.
    void treat(DcmItem& item, bool is_cleaned) {
        private_.remove_unsafe(item);
        for (DcmElement* element : elements_of(item)) {
            const DcmTagKey key = element->getTag();
            if (key.isPrivate()) {
                keep(*element, is_cleaned);
                continue;
            }
            // Nobody can tell what is in it: most likely a sequence that somebody has copied unread.
            if (is_unknown(element->ident())) {
                delete item.remove(element);
                continue;
            }
            const ConfidentialityRow* row = find_confidentiality_row(number_of(key));
            const Treatment treatment = row != nullptr ? treatment_of(*row, options_.profile) : Treatment::keep;
            if (treatment == Treatment::remove ||
                (treatment == Treatment::dummy && key == DCM_GraphicAnnotationSequence)) {
                delete item.remove(element);
            } else {
                treat_one(*element, row, treatment, is_cleaned);
            }
        }
    }

    void treat_one(DcmElement& element, const ConfidentialityRow* row, Treatment treatment, bool is_cleaned) {
        const DcmTagKey key = element.getTag();
        if (key == DCM_PatientID || key == DCM_PatientName) {
            const std::string pseudonym = pseudonyms_.patient(text_of(element));
            element.putString(pseudonym.c_str());
            return;
        }
        switch (treatment) {
            case Treatment::empty:
                element.clear();
                break;
            case Treatment::dummy:
                make_dummy(element, pseudonyms_);
                break;
            case Treatment::uid:
                replace_uids(element, pseudonyms_);
                break;
            case Treatment::clean:
                clean(element, *row);
                break;
            case Treatment::keep:
            case Treatment::remove:
                keep(element, is_cleaned);
                break;
        }
    }

    void clean(DcmElement& element, const ConfidentialityRow& row) {
        if ((row.options & dates) != 0 && options_.profile.retain_modified_dates) {
            const DcmEVR vr = element.ident();
            if (vr != EVR_DA && vr != EVR_DT) return;  // times of day and zones tell no date
            const int days = pseudonyms_.days_back(identity_.patient, options_.days_back_max);
            element.putString(shift_dates(text_of(element), days).c_str());
            return;
        }
        keep(element, true);
    }

    /// What stays, but for what would give the patient away in it.
    void keep(DcmElement& element, bool is_cleaned) {
        const DcmEVR vr = element.ident();
        if (vr == EVR_SQ) {
            for (DcmItem* item : items_of(element)) treat(*item, is_cleaned);
        } else if (vr == EVR_UI) {
            replace_known_uids(element);
        } else if (is_free_text(vr)) {
            const std::string text = text_of(element);
            const bool all = is_cleaned && has_character_set(vr) && !is_code(element.getTag());
            const std::string left = all ? identity_.words.cleaned(text) : identity_.words.without(text);
            if (left != text) put_text(element, left);
        } else if (vr == EVR_CS) {
            const std::string text = text_of(element);
            const bool has_number = text.find_first_of("0123456789") != std::string::npos;
            if (has_number && identity_.words.occurs_in(text)) element.clear();
        }
    }

    /// Marks may make a value longer than it may be.
    static void put_text(DcmElement& element, const std::string& text) {
        const bool is_short = element.ident() == EVR_SH || element.ident() == EVR_AE;
        element.putString(is_short ? text.substr(0, 16).c_str() : text.c_str());
    }

    /// UIDs of this instance may stand where the table expects none.
    void replace_known_uids(DcmElement& element) {
        if (options_.profile.retain_uids) return;
        if (identity_.uids.contains(text_of(element))) replace_uids(element, pseudonyms_);
    }

    /// An overlay without its data is none. Of those that stay, only regions are known to be no writing.
    void treat_overlays() {
        for (Uint16 group = 0x6000; group <= 0x60fe; group = static_cast<Uint16>(group + 2)) {
            if (!data_set_.tagExists(DcmTagKey(group, 0x3000))) continue;
            const bool is_region = element_bytes(data_set_, DcmTagKey(group, 0x0040)) == "R";
            if (options_.profile.clean_graphics && is_region) continue;
            for (DcmElement* element : elements_of(data_set_)) {
                if (element->getGTag() == group) delete data_set_.remove(element);
            }
        }
    }

    const DeidentificationOptions& options_;
    const Pseudonyms& pseudonyms_;
    DcmDataset& data_set_;
    const Identity identity_;
    const PrivateAttributes private_;
};

/// Only what a reader needs stays: who sent it to whom, and the checksum of what it was, go.
void treat_meta(DcmMetaInfo& meta) {
    constexpr Uint16 last_needed = 0x0013;  // ImplementationVersionName
    for (DcmElement* element : elements_of(meta)) {
        if (element->getETag() > last_needed) delete meta.remove(element);
    }
}

}  // namespace

Deidentifier::Deidentifier(DeidentificationOptions options, Pseudonyms pseudonyms)
    : options_(std::move(options)), pseudonyms_(std::move(pseudonyms)) {}

Result<void> Deidentifier::apply(EditableFile& file) const {
    DcmDataset& data_set = file.content().data_set();
    restore_unknown_elements(data_set);
    if (element_bytes(data_set, DCM_SOPInstanceUID).empty()) {
        return Error{Errc::invalid, fmt::format("{} has no SOPInstanceUID", file.content().path.string())};
    }
    if (!options_.accept_burned_in) {
        if (const std::string reason = burned_in_reason(data_set); !reason.empty()) {
            return Error{Errc::refused,
                         fmt::format("patient data may be written in the pixels of an image: {}. Check the images and "
                                     "set accept_burned_in, or exclude them by the rule",
                                     reason)};
        }
    }
    Treating(options_, pseudonyms_, data_set).run();
    treat_meta(*file.content().file->getMetaInfo());
    return {};
}

}  // namespace quicksilver::dicom
