#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quicksilver {

/// The fields of an application/x-www-form-urlencoded body, in their order. Unlike in an address, line ends are
/// allowed; a broken escape stays as it is.
class Form {
public:
    explicit Form(std::string_view body);

    /// "" when there is no such field.
    std::string value(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace quicksilver
