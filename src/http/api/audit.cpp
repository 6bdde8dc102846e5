#include "quicksilver/store/audit.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"

#include "api.hpp"
#include "cursor.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr const char* cursor_list = "audit pages";

Json entry_schema() {
    return schema::object({{"id", schema::integer(0, INT64_MAX)},
                           {"time", schema::time()},
                           {"user", schema::text()},
                           {"address", schema::text()},
                           {"action", schema::text()},
                           {"object", schema::text(20'000)},
                           {"outcome", schema::choice({"done", "refused", "failed"})},
                           {"request_id", schema::text()},
                           {"revision", schema::optional(schema::integer(1, INT64_MAX))}});
}

Json to_json(const AuditEntry& entry) {
    return {{"id", entry.id},
            {"time", entry.time},
            {"user", entry.user},
            {"address", entry.address},
            {"action", entry.action},
            {"object", entry.object},
            {"outcome", entry.outcome},
            {"request_id", entry.request_id},
            {"revision", entry.revision ? Json(*entry.revision) : Json()}};
}

/// As a spreadsheet takes it: quoted, and nothing that it would take for a formula.
std::string cell(const std::string& text) {
    std::string quoted = "\"";
    if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) quoted += '\'';
    for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"";
}

std::string line_of(const AuditEntry& entry) {
    return fmt::format("{},{},{},{},{},{},{},{},{}\r\n", entry.id, entry.time, cell(entry.user), cell(entry.address),
                       cell(entry.action), cell(entry.object), entry.outcome, cell(entry.request_id),
                       entry.revision ? std::to_string(*entry.revision) : "");
}

/// Reads the audit on the administration's thread, a piece at a time, as fast as the client takes it.
class AuditBody final : public BodySource {
public:
    AuditBody(const Api& api, AuditLog::Filter filter) : services_(api.services()), filter_(std::move(filter)) {
        filter_.limit = entries_of_piece;
    }

    asio::awaitable<std::optional<std::string>> next() override {
        if (at_end_) co_return std::nullopt;
        auto read = [this] { return AuditLog(services_.administration).list(filter_); };
        const std::vector<AuditEntry> entries = co_await run_blocking(services_.administration_pool, read);
        at_end_ = entries.size() < entries_of_piece;
        std::string piece = std::exchange(header_, "");
        for (const AuditEntry& entry : entries) piece += line_of(entry);
        if (piece.empty()) co_return std::nullopt;
        if (!entries.empty()) filter_.before = entries.back().id;
        co_return std::optional<std::string>(std::move(piece));
    }

private:
    static constexpr std::size_t entries_of_piece = 1000;
    const ApiServices& services_;
    AuditLog::Filter filter_;
    std::string header_ = "id,time,user,address,action,object,outcome,request_id,revision\r\n";
    bool at_end_ = false;
};

AuditLog::Filter filter_of(const Call& call) {
    AuditLog::Filter filter;
    filter.user = call.query("user");
    filter.action = call.query("action");
    filter.object = call.query("object");
    return filter;
}

asio::awaitable<HttpResponse> export_audit(const Api& api, const Call& call) {
    HttpResponse response;
    response.content_type = "text/csv";
    response.headers.emplace_back("Content-Disposition", "attachment; filename=\"audit.csv\"");
    response.stream = std::make_shared<AuditBody>(api, filter_of(call));
    co_return response;
}

HttpResponse list_audit(const Api& api, const Call& call) {
    AuditLog::Filter filter = filter_of(call);
    filter.limit = call.limit() + 1;
    const std::string cursor = call.query("cursor");
    if (!cursor.empty()) {
        const Json place = read_cursor(api.key(), cursor_list, cursor);
        (place.size() > 1 ? filter.after : filter.before) = place.at(0).get<std::int64_t>();
    }
    const bool backwards = filter.after != 0;
    AuditLog audit(api.services().administration);
    auto entries = audit.list(filter);
    const std::uint64_t total = audit.count(filter);
    const bool more = entries.size() > call.limit();
    if (more) entries.erase(backwards ? entries.begin() : std::prev(entries.end()));
    Json content = {{"next_cursor", nullptr}, {"prev_cursor", nullptr}};
    if (!entries.empty() && (more || backwards)) {
        content["next_cursor"] = make_cursor(api.key(), cursor_list, Json::array({entries.back().id}));
    }
    if (!entries.empty() && (backwards ? more : !cursor.empty())) {
        content["prev_cursor"] = make_cursor(api.key(), cursor_list, Json::array({entries.front().id, "back"}));
    }
    Json items = Json::array();
    for (const AuditEntry& entry : entries) items.push_back(to_json(entry));
    content["items"] = std::move(items);
    content["total"] = {{"value", std::min(total, AuditLog::counted_max)}, {"exact", total <= AuditLog::counted_max}};
    return make_json(content);
}

}  // namespace

void add_audit_operations(Api& api) {
    const std::vector<QueryParameter> filters = {{"user", schema::text(64), "Name of the user."},
                                                 {"action", schema::text(64), "Id of the operation."},
                                                 {"object", schema::text(200), "Part of the path."}};
    api.administer({.method = "GET",
                    .path = "/audit",
                    .id = "listAudit",
                    .summary = "Who did what, newest first",
                    .tag = "audit",
                    .access = Access::admin,
                    .scope = "admin",
                    .query = paged(filters),
                    .answer = schema::page_of(entry_schema())},
                   [&api](Call& call) { return list_audit(api, call); });
    api.wait({.method = "GET",
              .path = "/audit/export",
              .id = "exportAudit",
              .summary = "All of it as a table for spreadsheets, newest first",
              .tag = "audit",
              .access = Access::admin,
              .scope = "admin",
              .query = filters,
              .answer = schema::text(),
              .answer_type = "text/csv",
              .audit_reads = true},
             [&api](Call& call) { return export_audit(api, call); });
}

}  // namespace quicksilver::api
