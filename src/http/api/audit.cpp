#include "quicksilver/store/audit.hpp"

#include "quicksilver/http/problem.hpp"

#include "api.hpp"
#include "cursor.hpp"

namespace quicksilver::api {

namespace {

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
    AuditLog::Filter filter{call.query("user"), call.query("action"), call.query("object"), INT64_MAX,
                            call.limit() + 1};
    if (const std::string cursor = call.query("cursor"); !cursor.empty()) {
        filter.before = read_cursor(api.key(), "audit", cursor).get<std::int64_t>();
    }
    auto entries = AuditLog(api.services().administration).list(filter);
    Json next;
    if (entries.size() > call.limit()) {
        entries.pop_back();
        next = make_cursor(api.key(), "audit", entries.back().id);
    }
    Json items = Json::array();
    for (const AuditEntry& entry : entries) items.push_back(to_json(entry));
    return make_json({{"items", std::move(items)}, {"next_cursor", std::move(next)}});
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
                    .answer = schema::object({{"items", schema::list_of(entry_schema())},
                                              {"next_cursor", schema::optional(schema::text())}})},
                   [&api](Call& call) { return list_audit(api, call); });
}

}  // namespace quicksilver::api
