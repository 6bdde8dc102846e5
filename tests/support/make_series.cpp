// Makes one series of phantom files, for tests and measurements that need instances on disk.
//     make_series --out FOLDER [--modality CT|MR] [--instances N] [--bytes N] [--seed N] [--study UID] [--series UID] …
// Prints one line a file.

#include "quicksilver/dicom/phantom.hpp"
#include "quicksilver/dicom/startup.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace dicom = quicksilver::dicom;

int main(int argc, char* argv[]) {
    dicom::PhantomOptions options;
    std::filesystem::path folder;
    std::string modality = "CT";
    std::uint64_t picture_bytes = 0;
    bool implicit = false;

    CLI::App app("Makes one series of phantom files");
    app.add_option("--out", folder, "folder for the files")->required();
    app.add_option("--modality", modality)->check(CLI::IsMember({"CT", "MR"}));
    app.add_option("--instances", options.instances);
    app.add_option("--bytes", picture_bytes, "bytes of pixel data an instance; instead of rows and columns");
    app.add_option("--rows", options.rows);
    app.add_option("--columns", options.columns);
    app.add_option("--seed", options.seed);
    app.add_option("--study", options.study_uid);
    app.add_option("--series", options.series_uid);
    app.add_option("--series-number", options.series_number);
    app.add_option("--description", options.series_description);
    app.add_option("--patient-name", options.patient_name);
    app.add_option("--patient-id", options.patient_id);
    app.add_option("--accession", options.accession_number);
    app.add_flag("--implicit", implicit, "implicit VR little endian");
    CLI11_PARSE(app, argc, argv);

    options.modality = modality == "MR" ? dicom::PhantomModality::mr : dicom::PhantomModality::ct;
    if (implicit) options.syntax = dicom::PhantomSyntax::implicit_little_endian;
    if (picture_bytes != 0) dicom::set_picture_bytes(options, picture_bytes);

    const auto log = quicksilver::make_stderr_log(quicksilver::LogFormat::text, quicksilver::LogLevel::warn);
    const auto startup = dicom::Startup::begin(quicksilver::Log(log, "make_series"));
    if (!startup) {
        std::cerr << startup.error().message << '\n';
        return 1;
    }
    const auto files = dicom::write_phantom_series(options, folder);
    if (!files) {
        std::cerr << files.error().message << '\n';
        return 1;
    }
    for (const auto& file : *files) std::cout << file.string() << '\n';
    return 0;
}
