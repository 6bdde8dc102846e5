#include "quicksilver/store/events.hpp"

#include <array>
#include <cstddef>

namespace quicksilver {

std::string_view to_string(MercureEventType type) {
    constexpr std::array<std::string_view, 6> names = {"UNKNOWN",          "BOOT",          "SHUTDOWN",
                                                       "SHUTDOWN_REQUEST", "CONFIG_UPDATE", "PROCESSING"};
    return names.at(static_cast<std::size_t>(type));
}

std::string_view to_string(WebguiEventType type) {
    constexpr std::array<std::string_view, 15> names = {
        "UNKNOWN",       "LOGIN",         "LOGIN_FAIL",  "LOGOUT",          "USER_CREATE",
        "USER_DELETE",   "USER_EDIT",     "RULE_CREATE", "RULE_DELETE",     "RULE_EDIT",
        "TARGET_CREATE", "TARGET_DELETE", "TARGET_EDIT", "SERVICE_CONTROL", "CONFIG_EDIT"};
    return names.at(static_cast<std::size_t>(type));
}

std::string_view to_string(TaskEventType type) {
    constexpr std::array<std::string_view, 20> names = {"UNKNOWN",
                                                        "REGISTER",
                                                        "PROCESS_BEGIN",
                                                        "PROCESS_COMPLETE",
                                                        "DISCARD",
                                                        "DISPATCH_BEGIN",
                                                        "DISPATCH_COMPLETE",
                                                        "CLEAN",
                                                        "ERROR",
                                                        "SUSPEND",
                                                        "COMPLETE",
                                                        "ASSIGN",
                                                        "NOTIFICATION",
                                                        "DELEGATE",
                                                        "MOVE",
                                                        "COPY",
                                                        "REMOVE",
                                                        "PROCESS_MODULE_BEGIN",
                                                        "PROCESS_MODULE_COMPLETE",
                                                        "PROCESS_RESTART"};
    return names.at(static_cast<std::size_t>(type));
}

}  // namespace quicksilver
