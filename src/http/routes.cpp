#include "quicksilver/http/routes.hpp"

#include "target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace quicksilver {

struct Routes::Target {
    HttpHandler handler;
    std::optional<std::uint64_t> piecewise_max;
};

/// One segment of the paths. `{id}` and `{path...}` of the same place must have one name in all patterns.
struct Routes::Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> parameter;
    std::unique_ptr<Node> rest;
    std::string name;  ///< of the parameter that leads here
    std::map<std::string, Target, std::less<>> targets;

    const Node* find(std::string_view path, std::map<std::string, std::string>& parameters) const;
    const Node* find_rest(std::string_view path, std::map<std::string, std::string>& parameters) const;
    Node& child(std::string_view segment, bool last);
    static Node& named_child(std::unique_ptr<Node>& place, std::string_view name);
};

Routes::Routes() : root_(std::make_unique<Node>()) {}
Routes::~Routes() = default;
Routes::Routes(Routes&&) noexcept = default;
Routes& Routes::operator=(Routes&&) noexcept = default;

void Routes::add(const std::string& method, const std::string& pattern, HttpHandler handler) {
    add_target(method, pattern, Target{std::move(handler), std::nullopt});
}

void Routes::add_piecewise(const std::string& method, const std::string& pattern, std::uint64_t body_bytes_max,
                           HttpHandler handler) {
    add_target(method, pattern, Target{std::move(handler), body_bytes_max});
}

void Routes::add_target(const std::string& method, const std::string& pattern, Target target) {
    if (pattern.empty() || pattern.front() != '/') {
        throw std::invalid_argument(fmt::format("route {}: a path begins with /", pattern));
    }
    Node* node = root_.get();
    std::string_view path = pattern;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        node = &node->child(segment, path.empty());
    }
    if (!node->targets.emplace(method, std::move(target)).second) {
        throw std::invalid_argument(fmt::format("route {} {} exists already", method, pattern));
    }
    const std::string line = method + " " + pattern;
    list_.insert(std::upper_bound(list_.begin(), list_.end(), line), line);
}

RouteMatch Routes::find(std::string_view method, std::string_view path) const {
    RouteMatch match;
    if (path.empty() || path.front() != '/') return match;
    const Node* node = root_->find(path, match.parameters);
    if (!node) return match;
    for (const auto& [name, target] : node->targets) match.allowed.push_back(name);
    if (node->targets.contains("GET") && !node->targets.contains("HEAD")) match.allowed.emplace_back("HEAD");
    if (!node->targets.contains("OPTIONS")) match.allowed.emplace_back("OPTIONS");
    std::sort(match.allowed.begin(), match.allowed.end());
    auto found = node->targets.find(method);
    if (found == node->targets.end() && method == "HEAD") found = node->targets.find("GET");
    if (found == node->targets.end()) return match;
    match.handler = &found->second.handler;
    match.piecewise_max = found->second.piecewise_max;
    return match;
}

std::vector<std::string> Routes::list() const {
    return list_;
}

/// `path` is what follows this node: empty, or a slash and the next segments.
const Routes::Node* Routes::Node::find(std::string_view path, std::map<std::string, std::string>& parameters) const {
    if (path.empty()) return targets.empty() ? nullptr : this;
    const std::string_view after_slash = path.substr(1);
    const auto segment = percent_decode(after_slash.substr(0, after_slash.find('/')));
    const std::string_view remaining = after_slash.substr(std::min(after_slash.find('/'), after_slash.size()));
    if (!segment) return nullptr;
    if (const auto literal = literals.find(*segment); literal != literals.end()) {
        if (const Node* found = literal->second->find(remaining, parameters)) return found;
    }
    if (parameter && !segment->empty()) {
        if (const Node* found = parameter->find(remaining, parameters)) {
            parameters[parameter->name] = *segment;
            return found;
        }
    }
    return find_rest(after_slash, parameters);
}

const Routes::Node* Routes::Node::find_rest(std::string_view path,
                                            std::map<std::string, std::string>& parameters) const {
    if (!rest || path.empty()) return nullptr;
    const auto decoded = percent_decode(path);
    if (!decoded) return nullptr;
    parameters[rest->name] = *decoded;
    return rest.get();
}

Routes::Node& Routes::Node::child(std::string_view segment, bool last) {
    const bool braces = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
    if (!braces) {
        if (segment.find_first_of("{}") != std::string_view::npos || (segment.empty() && !last)) {
            throw std::invalid_argument(fmt::format("route segment '{}' is neither a literal nor {{name}}", segment));
        }
        auto& place = literals[std::string(segment)];
        if (!place) place = std::make_unique<Node>();
        return *place;
    }
    const std::string_view inside = segment.substr(1, segment.size() - 2);
    if (!inside.ends_with("...")) return named_child(parameter, inside);
    if (!last) throw std::invalid_argument(fmt::format("route segment {} must be the last one", segment));
    return named_child(rest, inside.substr(0, inside.size() - 3));
}

Routes::Node& Routes::Node::named_child(std::unique_ptr<Node>& place, std::string_view name) {
    if (!place) {
        place = std::make_unique<Node>();
        place->name = std::string(name);
    }
    if (place->name != name) {
        throw std::invalid_argument(fmt::format("route parameter {{{}}} is {{{}}} elsewhere", name, place->name));
    }
    return *place;
}

}  // namespace quicksilver
