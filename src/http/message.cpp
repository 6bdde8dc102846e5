#include "quicksilver/http/message.hpp"

#include <boost/beast/core/string.hpp>

namespace quicksilver {

std::string_view HttpRequest::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (boost::beast::iequals(key, name)) return value;
    }
    return {};
}

std::string_view HttpRequest::query_value(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name) return value;
    }
    return {};
}

}  // namespace quicksilver
