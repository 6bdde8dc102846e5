#include "quicksilver/pipeline/runners/builtin_steps.hpp"

#include "quicksilver/dicom/deidentifier.hpp"
#include "quicksilver/store/site_key.hpp"

#include "builtin_runners.hpp"
#include "deidentify_settings.hpp"
#include "file_step.hpp"
#include "tag_edits.hpp"

namespace quicksilver {

namespace {

class EditTags final : public FileStep {
public:
    EditTags(std::vector<TagEdit> edits, dicom::TagReadOptions tag_options)
        : edits_(std::move(edits)), tag_options_(std::move(tag_options)) {}
    Result<void> apply(dicom::EditableFile& file) const override { return apply_tag_edits(edits_, file, tag_options_); }

private:
    const std::vector<TagEdit> edits_;
    const dicom::TagReadOptions tag_options_;
};

class Deidentify final : public FileStep {
public:
    explicit Deidentify(dicom::Deidentifier deidentifier) : deidentifier_(std::move(deidentifier)) {}
    Result<void> apply(dicom::EditableFile& file) const override { return deidentifier_.apply(file); }
    std::string folder_name(const std::string& name) const override { return deidentifier_.pseudonyms().name(name); }
    bool renames_all() const override { return true; }
    bool passes_other_files() const override { return false; }

private:
    const dicom::Deidentifier deidentifier_;
};

Result<std::unique_ptr<FileStep>> make_edit_tags(const ModuleRun& run) {
    std::vector<SettingProblem> problems;
    auto edits = parse_tag_edits(run.settings, problems);
    if (!problems.empty()) return settings_error(run.module, problems);
    dicom::TagReadOptions tag_options;
    if (run.server) tag_options.additional_tags = run.server->dicom.additional_tags;
    return std::unique_ptr<FileStep>(std::make_unique<EditTags>(std::move(edits), std::move(tag_options)));
}

Result<std::unique_ptr<FileStep>> make_deidentify(const ModuleRun& run, const std::filesystem::path& key_file) {
    std::vector<SettingProblem> problems;
    auto settings = parse_deidentify_settings(run.settings, problems);
    if (!problems.empty()) return settings_error(run.module, problems);
    const auto ops = make_file_ops();
    auto key = SiteKey::open(*ops, key_file);
    if (!key) return key.error();
    auto hash = [key = *key](std::string_view purpose, std::string_view text) { return key.digest(purpose, text); };
    dicom::Pseudonyms pseudonyms(std::move(hash), settings.pseudonym_prefix);
    dicom::Deidentifier deidentifier(std::move(settings.options), std::move(pseudonyms));
    return std::unique_ptr<FileStep>(std::make_unique<Deidentify>(std::move(deidentifier)));
}

}  // namespace

bool is_builtin_step(std::string_view runner) {
    return runner == edit_tags_step || runner == deidentify_step;
}

std::vector<SettingProblem> check_step_settings(std::string_view runner, const nlohmann::json& settings) {
    std::vector<SettingProblem> problems;
    if (runner == edit_tags_step) (void)parse_tag_edits(settings, problems);
    if (runner == deidentify_step) (void)parse_deidentify_settings(settings, problems);
    return problems;
}

std::unique_ptr<ModuleRunner> make_edit_tags_runner() {
    return std::make_unique<FileStepRunner>(make_edit_tags);
}

std::unique_ptr<ModuleRunner> make_deidentify_runner(std::filesystem::path key_file) {
    auto make = [key_file = std::move(key_file)](const ModuleRun& run) { return make_deidentify(run, key_file); };
    return std::make_unique<FileStepRunner>(std::move(make));
}

}  // namespace quicksilver
