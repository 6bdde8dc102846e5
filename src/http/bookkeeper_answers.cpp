#include "bookkeeper_answers.hpp"

#include "quicksilver/core/peer_text.hpp"
#include "quicksilver/dicom/dictionary.hpp"
#include "quicksilver/dicom/json_model.hpp"
#include "quicksilver/store/durable_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace quicksilver {

using nlohmann::json;

namespace {

std::uint64_t number_in(const HttpRequest& request, const char* parameter, std::uint64_t otherwise) {
    const std::string text(request.query_value(parameter));
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return text.empty() ? otherwise : number;
}

/// As mercure shows times: without zone.
std::string local_time(const std::string& rfc3339_text) {
    const auto time = parse_rfc3339(rfc3339_text);
    return time ? local_timestamp(*time) : rfc3339_text;
}

json query_dicom_files(const BookkeeperAsked& asked) {
    json list = json::array();
    for (const BookkeeperQueries::File& file : asked.queries.dicom_files(asked.request.query_value("series_uid"))) {
        list.push_back({{"id", file.id},
                        {"time", local_time(file.time)},
                        {"filename", file.filename},
                        {"file_uid", file.file_uid},
                        {"series_uid", file.series_uid}});
    }
    return list;
}

std::string read_log_file(const std::string& path) {
    constexpr std::size_t log_bytes_max = 4 * 1024 * 1024;
    auto text = read_text_file(path, log_bytes_max);
    return text ? *std::move(text) : std::string();
}

json query_process_logs(const BookkeeperAsked& asked) {
    json list = json::array();
    for (const BookkeeperQueries::ProcessLog& log : asked.queries.process_logs(asked.request.query_value("task_id"))) {
        list.push_back({{"id", log.id},
                        {"task_id", log.task_id},
                        {"module_name", log.module},
                        {"time", local_time(log.time)},
                        {"logs", log.file.empty() ? log.text : read_log_file(log.file)}});
    }
    return list;
}

json query_process_results(const BookkeeperAsked& asked) {
    json list = json::array();
    for (const BookkeeperQueries::ProcessResult& result :
         asked.queries.process_results(asked.request.query_value("task_id"))) {
        list.push_back({{"id", result.id},
                        {"time", local_time(result.time)},
                        {"task_id", result.task_id},
                        {"task_acc", result.acc},
                        {"task_mrn", result.mrn},
                        {"module", result.module},
                        {"index", result.index},
                        {"settings", json::parse(result.settings, nullptr, false)},
                        {"output", json::parse(result.output, nullptr, false)}});
        for (const char* member : {"settings", "output"}) {
            if (list.back()[member].is_discarded()) list.back()[member] = nullptr;
        }
    }
    return list;
}

/// For the table widget that mercure's page uses.
json query_find_task(const BookkeeperAsked& asked) {
    constexpr std::uint64_t page_max = 500;
    BookkeeperQueries::TaskSearch search;
    search.text = asked.request.query_value("search[value]");
    search.studies_only = asked.request.query_value("study_filter") == "true";
    search.column = static_cast<int>(std::min<std::uint64_t>(number_in(asked.request, "order[0][column]", 3), 4));
    search.ascending = asked.request.query_value("order[0][dir]") == "asc";
    search.start = static_cast<std::int64_t>(std::min<std::uint64_t>(number_in(asked.request, "start", 0), INT32_MAX));
    search.length = static_cast<std::int64_t>(std::min(number_in(asked.request, "length", 10), page_max));
    const auto found = asked.queries.find_tasks(search);
    json data = json::array();
    for (const BookkeeperQueries::FoundTask& task : found.page) {
        data.push_back({{"DT_RowId", "task_" + task.id},
                        {"ACC", task.acc},
                        {"MRN", task.mrn},
                        {"Scope", task.scope == "study" ? "STUDY" : "SERIES"},
                        {"Time", local_time(task.time)},
                        {"Rule", task.rules},
                        {"task_id", task.id}});
    }
    return {{"draw", number_in(asked.request, "draw", 0)},
            {"recordsTotal", found.total},
            {"recordsFiltered", found.matching},
            {"data", std::move(data)}};
}

json text_or_null(const std::optional<std::string>& text) {
    return text ? json(*text) : json();
}

json query_series(const BookkeeperAsked& asked) {
    json list = json::array();
    for (const BookkeeperQueries::Series& series : asked.queries.series(asked.request.query_value("series_uid"))) {
        list.push_back({{"id", series.id},
                        {"time", local_time(series.time)},
                        {"series_uid", series.series_uid},
                        {"tag_seriesdescription", text_or_null(series.description)},
                        {"tag_modality", text_or_null(series.modality)}});
    }
    return list;
}

json query_tasks(const BookkeeperAsked& asked) {
    json list = json::array();
    for (const BookkeeperQueries::Task& task : asked.queries.tasks()) {
        list.push_back({{"id", task.id},
                        {"time", local_time(task.time)},
                        {"tag_seriesdescription", text_or_null(task.description)},
                        {"tag_modality", text_or_null(task.modality)}});
    }
    return list;
}

json query_tests(const BookkeeperAsked& asked) {
    constexpr auto patience = std::chrono::minutes(10);
    json list = json::array();
    for (const BookkeeperQueries::Test& test : asked.queries.tests()) {
        const auto begun = parse_rfc3339(test.time_begin);
        const bool is_lost = test.time_end.empty() && begun && *begun < asked.now - patience;
        list.push_back({{"id", test.id},
                        {"type", test.type},
                        {"rule_type", test.rule_type},
                        {"time_begin", local_time(test.time_begin)},
                        {"time_end", test.time_end.empty() ? json() : json(local_time(test.time_end))},
                        {"status", is_lost ? "failed" : test.status},
                        {"task_id", test.task_id.empty() ? json() : json(test.task_id)},
                        {"data", nullptr}});
    }
    return list;
}

json query_task_events(const BookkeeperAsked& asked) {
    json list = json::array();
    for (const BookkeeperQueries::Event& event : asked.queries.task_events(asked.request.query_value("task_id"))) {
        list.push_back({{"id", event.id},
                        {"task_id", event.task_id},
                        {"time", local_time(event.time)},
                        {"local_time", local_time(event.time)},
                        {"sender", event.sender},
                        {"event", event.event},
                        {"file_count", event.file_count},
                        {"target", event.target},
                        {"info", without_peer_marks(event.info)},
                        {"client_timestamp", event.client_timestamp}});
    }
    return list;
}

json readable(const json& data_set);

/// One value as it is, several as a list; of a person the name alone.
json readable_value(const json& element) {
    if (!element.is_object() || !element.contains("Value") || !element["Value"].is_array()) return "";
    json values = json::array();
    for (const json& value : element["Value"]) {
        if (!value.is_object()) {
            values.push_back(value);
        } else if (element.value("vr", "") == "PN") {
            values.push_back(value.value("Alphabetic", json("")));
        } else {
            values.push_back(readable(value));
        }
    }
    const bool is_sequence = element.contains("vr") && element["vr"] == "SQ";
    return values.size() == 1 && !is_sequence ? values.front() : values;
}

/// A data set of the DICOM JSON model by keywords; elements without one as `gggg,eeee`.
json readable(const json& data_set) {
    json shown = json::object();
    for (const auto& [tag, element] : data_set.items()) {
        std::string name = dicom::keyword_of(tag);
        if (name.empty()) name = tag.size() == 8 ? tag.substr(0, 4) + "," + tag.substr(4) : tag;
        shown[name] = readable_value(element);
    }
    return shown;
}

/// The tags of a file that the task left in success/ or error/; nothing when it left none.
std::optional<json> tags_of_result(const TaskFolders& folders, const std::string& task_id) {
    if (!TaskFolders::is_id(task_id)) return std::nullopt;
    for (const Stage stage : {Stage::success, Stage::error}) {
        const std::filesystem::path folder = folders.path(stage, task_id);
        std::error_code error;
        for (std::filesystem::recursive_directory_iterator file(folder, error), end; !error && file != end;
             file.increment(error)) {
            if (file->path().extension() != ".dcm") continue;
            const auto tags = dicom::read_json(file->path());
            return tags ? std::optional(readable(*tags)) : std::nullopt;
        }
    }
    return std::nullopt;
}

json query_task_info(const BookkeeperAsked& asked) {
    json answer = json::object();
    const std::string task_id(asked.request.query_value("task_id"));
    if (const auto known = asked.queries.series_of_task(task_id)) {
        json& information = answer["information"] = json::object();
        for (const auto& [name, value] : known->tags) information[name] = text_or_null(value);
        const json tags = json::parse(known->all_tags, nullptr, false);
        if (tags.is_object()) answer["sample_tags_received"] = tags;
    }
    for (const auto& [id, text] : asked.queries.task_files(task_id)) {
        json data = json::parse(text, nullptr, false);
        const std::string name = "task " + id;
        const bool has_tags = data.is_object() && data.contains("tags") && data["tags"].is_object();
        if (has_tags && id == task_id) answer["sample_tags_received"] = readable(data["tags"]);
        const bool has_tags_alone = has_tags && data.size() == (data.contains("id") ? 2U : 1U);
        if (data.is_object() && !data.empty() && !has_tags_alone) answer[name] = std::move(data);
        if (auto tags = tags_of_result(asked.folders, id)) answer[name]["sample_tags_result"] = *std::move(tags);
    }
    return answer;
}

}  // namespace

const std::vector<std::pair<const char*, BookkeeperQuestion>>& bookkeeper_questions() {
    static const std::vector<std::pair<const char*, BookkeeperQuestion>> questions = {
        {"/query/series", query_series},
        {"/query/tasks", query_tasks},
        {"/query/tests", query_tests},
        {"/query/task-events", query_task_events},
        {"/query/dicom-files", query_dicom_files},
        {"/query/task_process_logs", query_process_logs},
        {"/query/task_process_results", query_process_results},
        {"/query/find_task", query_find_task},
        {"/query/get_task_info", query_task_info}};
    return questions;
}

}  // namespace quicksilver
