#include "quicksilver/store/audit.hpp"

#include "quicksilver/http/problem.hpp"

#include "api.hpp"
#include "cursor.hpp"

#include <iterator>

namespace quicksilver::api {

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

HttpResponse list_audit(const Api& api, const Call& call) {
    AuditLog::Filter filter;
    filter.user = call.query("user");
    filter.action = call.query("action");
    filter.object = call.query("object");
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
    api.administer({.method = "GET",
                    .path = "/audit",
                    .id = "listAudit",
                    .summary = "Who did what, newest first",
                    .tag = "audit",
                    .access = Access::admin,
                    .scope = "admin",
                    .query = paged({{"user", schema::text(64), "Name of the user."},
                                    {"action", schema::text(64), "Id of the operation."},
                                    {"object", schema::text(200), "Part of the path."}}),
                    .answer = schema::page_of(entry_schema())},
                   [&api](Call& call) { return list_audit(api, call); });
}

}  // namespace quicksilver::api
