#pragma once

#include <string_view>

namespace quicksilver {

/// mercure's event names and severities (contract §9.3). `to_string` gives the exact spelling for the database.

enum class MercureEventType { unknown, boot, shutdown, shutdown_request, config_update, processing };

enum class WebguiEventType {
    unknown,
    login,
    login_fail,
    logout,
    user_create,
    user_delete,
    user_edit,
    rule_create,
    rule_delete,
    rule_edit,
    target_create,
    target_delete,
    target_edit,
    service_control,
    config_edit,
};

enum class TaskEventType {
    unknown,
    registered,  ///< "REGISTER"
    process_begin,
    process_complete,
    discard,
    dispatch_begin,
    dispatch_complete,
    clean,
    error,
    suspend,
    complete,
    assign,
    notification,
    delegate,
    move,
    copy,
    remove,
    process_module_begin,
    process_module_complete,
    process_restart,
};

enum class Severity { info = 0, warning = 1, error = 2, critical = 3 };

std::string_view to_string(MercureEventType type);
std::string_view to_string(WebguiEventType type);
std::string_view to_string(TaskEventType type);

}  // namespace quicksilver
