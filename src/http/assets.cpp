#include "quicksilver/http/assets.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/durable_file.hpp"

#include "api/compress.hpp"
#include "embedded_file.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>

namespace quicksilver {

namespace {

using boost::asio::awaitable;

constexpr std::string_view index_name = "index.html";
constexpr std::size_t file_bytes_max = 32 * 1024 * 1024;  // of a folder

constexpr std::array<std::pair<std::string_view, std::string_view>, 16> types = {
    {{"html", "text/html; charset=utf-8"},
     {"css", "text/css; charset=utf-8"},
     {"js", "text/javascript; charset=utf-8"},
     {"mjs", "text/javascript; charset=utf-8"},
     {"json", "application/json"},
     {"map", "application/json"},
     {"webmanifest", "application/manifest+json"},
     {"svg", "image/svg+xml"},
     {"png", "image/png"},
     {"jpg", "image/jpeg"},
     {"webp", "image/webp"},
     {"ico", "image/x-icon"},
     {"woff2", "font/woff2"},
     {"wasm", "application/wasm"},
     {"txt", "text/plain; charset=utf-8"},
     {"", "application/octet-stream"}}};

std::string_view type_of(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    const std::size_t dot = name.rfind('.');
    const std::string_view suffix = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
    const auto found = std::ranges::find(types, suffix, &std::pair<std::string_view, std::string_view>::first);
    return found == types.end() ? types.back().second : found->second;
}

std::string make_etag(std::string_view content) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned length = 0;
    EVP_Digest(content.data(), content.size(), hash.data(), &length, EVP_sha256(), nullptr);
    std::string etag = "\"";
    for (std::size_t i = 0; i < 16; ++i) etag += fmt::format("{:02x}", hash[i]);
    return etag + "\"";
}

/// Relative addresses in the page then mean the same at every path of the interface, and below every prefix.
std::string with_base(std::string_view page, std::string_view prefix) {
    constexpr std::string_view head = "<head>";
    std::string based(page);
    const std::size_t place = based.find(head);
    if (place != std::string::npos) based.insert(place + head.size(), fmt::format("<base href=\"{}/ui/\" />", prefix));
    return based;
}

/// A path of the interface itself rather than a file that is missing.
bool is_application_path(std::string_view path) {
    return path.substr(path.rfind('/') + 1).find('.') == std::string_view::npos;
}

HttpResponse with_etag(const HttpRequest& request, HttpResponse response, const std::string& etag) {
    response.headers.emplace_back("ETag", etag);
    if (!matches_etag(request.header("If-None-Match"), etag)) return response;
    response.status = 304;
    response.content_type.clear();
    response.body.clear();
    response.static_body = {};
    return response;
}

/// Kept by the browser, but asked about each time: a new version of the program shows at once.
HttpResponse answer_copy(const HttpRequest& request, std::string_view path, std::string content) {
    HttpResponse response;
    response.cache_control = "no-cache";
    response.content_type = type_of(path);
    const std::string etag = make_etag(content);
    response.body = std::move(content);
    return with_etag(request, std::move(response), etag);
}

HttpResponse nothing_there(const HttpRequest& request) {
    return make_problem(request, 404, "not_found", "The web interface has no such file.");
}

HttpResponse redirect_to_page() {
    HttpResponse response;
    response.status = 302;
    response.cache_control = "no-cache";
    response.headers.emplace_back("Location", "/ui/");
    return response;
}

/// Those in the program.
class EmbeddedFiles {
public:
    EmbeddedFiles() {
        for (const EmbeddedFile& file : std::span(quicksilver_embedded_begin, quicksilver_embedded_end)) {
            files_[file.name] = {file.content(), file.packed(), make_etag(file.content())};
        }
    }

    HttpResponse answer(const HttpRequest& request, const std::string& path) const {
        const auto found = files_.find(path);
        const bool is_file = found != files_.end() && path != index_name;
        if (is_file) return answer_file(request, path, found->second);
        const auto index = files_.find(index_name);
        if (index == files_.end() || (!is_application_path(path) && path != index_name)) return nothing_there(request);
        HttpResponse response = answer_copy(request, index_name, with_base(index->second.content, request.prefix));
        return response;
    }

private:
    struct File {
        std::string_view content;
        std::string_view packed;
        std::string etag;
    };

    static HttpResponse answer_file(const HttpRequest& request, const std::string& path, const File& file) {
        HttpResponse response;
        response.cache_control = has_hashed_name(path) ? "public, max-age=31536000, immutable" : "no-cache";
        response.content_type = type_of(path);
        response.static_body = file.content;
        if (!file.packed.empty()) {
            response.headers.emplace_back("Vary", "Accept-Encoding");
            if (api::takes_gzip(request.header("Accept-Encoding"))) {
                response.headers.emplace_back("Content-Encoding", "gzip");
                response.static_body = file.packed;
            }
        }
        return with_etag(request, std::move(response), file.etag);
    }

    std::map<std::string, File, std::less<>> files_;
};

/// Names that could mean something else than a file below the folder do not count; nor do hidden files.
bool is_plain_path(std::string_view path) {
    if (path.find('\\') != std::string_view::npos) return false;
    while (!path.empty()) {
        const std::string_view segment = path.substr(0, path.find('/'));
        if (segment.empty() || segment.front() == '.') return false;
        path.remove_prefix(std::min(segment.size() + 1, path.size()));
    }
    return true;
}

/// Nothing when there is no such file, or a link leads out of the folder.
std::optional<std::string> read_below(const std::filesystem::path& folder, const std::string& path) {
    if (!is_plain_path(path)) return std::nullopt;
    std::error_code failed;
    const std::filesystem::path root = std::filesystem::canonical(folder, failed);
    if (failed) return std::nullopt;
    const std::filesystem::path file = std::filesystem::canonical(root / path, failed);
    if (failed || !std::filesystem::is_regular_file(file, failed)) return std::nullopt;
    const auto [in_root, in_file] = std::ranges::mismatch(root, file);
    if (in_root != root.end()) return std::nullopt;
    auto text = read_text_file(file, file_bytes_max);
    if (!text) return std::nullopt;
    return *std::move(text);
}

HttpResponse answer_from(const std::filesystem::path& folder, const HttpRequest& request, const std::string& path) {
    if (path != index_name) {
        if (auto content = read_below(folder, path)) return answer_copy(request, path, *std::move(content));
        if (!is_application_path(path)) return nothing_there(request);
    }
    const auto index = read_below(folder, std::string(index_name));
    if (!index) return nothing_there(request);
    return answer_copy(request, index_name, with_base(*index, request.prefix));
}

/// `answer` takes the request and the path below /ui/.
template <class Answer>
void add_routes(Routes& routes, const Answer& answer) {
    const auto redirect = [](const HttpRequest&) -> awaitable<HttpResponse> { co_return redirect_to_page(); };
    routes.add("GET", "/", redirect);
    routes.add("GET", "/ui", redirect);
    routes.add("GET", "/ui/", [answer](const HttpRequest& request) { return answer(request, std::string()); });
    routes.add("GET", "/ui/{path...}",
               [answer](const HttpRequest& request) { return answer(request, request.parameters.at("path")); });
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

awaitable<HttpResponse> at_once(HttpResponse response) {
    co_return response;
}

awaitable<HttpResponse> read_and_answer(const HttpRequest& request, std::string path, std::filesystem::path folder,
                                        boost::asio::thread_pool& files) {
    auto read = [&] { return answer_from(folder, request, path); };
    co_return co_await run_blocking(files, read);
}

}  // namespace

void add_asset_routes(Routes& routes) {
    const auto files = std::make_shared<const EmbeddedFiles>();
    add_routes(routes, [files](const HttpRequest& request, const std::string& path) {
        return at_once(files->answer(request, path));
    });
}

void add_asset_routes(Routes& routes, const std::filesystem::path& folder, boost::asio::thread_pool& files) {
    add_routes(routes, [folder, &files](const HttpRequest& request, const std::string& path) {
        return read_and_answer(request, path, folder, files);
    });
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
    // An entity tag may hold a comma, ours do not: splitting at commas never finds a tag that is not there.
    while (!if_none_match.empty()) {
        std::string_view tag = trimmed(if_none_match.substr(0, if_none_match.find(',')));
        if_none_match.remove_prefix(std::min(if_none_match.find(','), if_none_match.size() - 1) + 1);
        if (tag.starts_with("W/")) tag.remove_prefix(2);
        if (tag == etag || tag == "*") return true;
    }
    return false;
}

bool has_hashed_name(std::string_view path) {
    constexpr std::size_t hash_length = 8;
    if (!path.starts_with("assets/")) return false;
    const std::string_view stem = path.substr(0, path.rfind('.'));
    if (stem.size() == path.size() || stem.size() <= hash_length) return false;
    const auto is_of_hash = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    };
    const std::string_view hash = stem.substr(stem.size() - hash_length);
    return stem[stem.size() - hash_length - 1] == '-' && std::ranges::all_of(hash, is_of_hash);
}

}  // namespace quicksilver
