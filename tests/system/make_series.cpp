// Writes one phantom series to disk, for tests and measurements of the whole program:
//     make_series FOLDER [modality=CT|MR] [instances=10] [bytes=33000] [seed=1] [patient_name=A^B] …
// The keys are those of `settings()`. One file an instance; failures go to standard error and end it with status 1.

#include "quicksilver/dicom/phantom.hpp"
#include "quicksilver/dicom/startup.hpp"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace quicksilver::dicom {

namespace {

/// Takes over one value; false when it is not what the key needs.
using Setting = std::function<bool(std::string_view value)>;

template <class Number>
Setting number(Number& target) {
    return [&target](std::string_view value) {
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), target);
        return error == std::errc{} && end == value.data() + value.size();
    };
}

Setting text(std::string& target) {
    return [&target](std::string_view value) {
        target = value;
        return true;
    };
}

std::map<std::string, Setting, std::less<>> settings(PhantomOptions& options) {
    const auto modality = [&options](std::string_view value) {
        options.modality = value == "MR" ? PhantomModality::mr : PhantomModality::ct;
        return value == "MR" || value == "CT";
    };
    const auto syntax = [&options](std::string_view value) {
        options.syntax =
            value == "implicit" ? PhantomSyntax::implicit_little_endian : PhantomSyntax::explicit_little_endian;
        return value == "implicit" || value == "explicit";
    };
    const auto bytes = [&options](std::string_view value) {
        std::uint64_t wanted = 0;
        if (!number(wanted)(value)) return false;
        set_picture_bytes(options, wanted);
        return true;
    };
    return {{"modality", modality},
            {"syntax", syntax},
            {"bytes", bytes},
            {"rows", number(options.rows)},
            {"columns", number(options.columns)},
            {"instances", number(options.instances)},
            {"seed", number(options.seed)},
            {"series_number", number(options.series_number)},
            {"study_uid", text(options.study_uid)},
            {"series_uid", text(options.series_uid)},
            {"study_description", text(options.study_description)},
            {"series_description", text(options.series_description)},
            {"patient_name", text(options.patient_name)},
            {"patient_id", text(options.patient_id)},
            {"accession_number", text(options.accession_number)}};
}

Result<void> apply(PhantomOptions& options, std::string_view argument) {
    const auto known = settings(options);
    const std::size_t equals = argument.find('=');
    const auto setting = known.find(argument.substr(0, equals));
    if (equals == std::string_view::npos || setting == known.end()) {
        return Error{Errc::invalid, fmt::format("\"{}\" is not one of the settings of make_series", argument)};
    }
    if (!setting->second(argument.substr(equals + 1))) {
        return Error{Errc::invalid, fmt::format("\"{}\" has a value that its setting does not take", argument)};
    }
    return {};
}

Result<void> make_series(const Log& log, int argc, char* argv[]) {
    if (argc < 2) return Error{Errc::invalid, "usage: make_series FOLDER [key=value] …"};
    PhantomOptions options;
    for (int i = 2; i < argc; ++i) {
        if (Result<void> applied = apply(options, argv[i]); !applied) return applied;
    }
    const auto startup = Startup::begin(log);
    if (!startup) return startup.error();
    if (const auto files = write_phantom_series(options, argv[1]); !files) return files.error();
    return {};
}

}  // namespace

}  // namespace quicksilver::dicom

int main(int argc, char* argv[]) {
    using namespace quicksilver;
    const Log log(make_stderr_log(LogFormat::text, LogLevel::warn), "make_series");
    const Result<void> made = dicom::make_series(log, argc, argv);
    if (!made) log.error(made.error().message);
    return made ? 0 : 1;
}
