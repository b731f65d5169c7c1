#include "framework/connect/rest/router.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace penstock::connect::rest {
namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at < path.size()) {
    const auto end = std::min(path.find('/', at), path.size());
    if (end > at) parts.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex(text[i + 1]);
      const int low = hex(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

bool matches(const std::vector<std::string>& pattern, Request& request) {
  if (pattern.size() != request.path.size()) return false;
  request.captured.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "{}")
      request.captured.push_back(request.path[i]);
    else if (pattern[i] != request.path[i])
      return false;
  }
  return true;
}

}  // namespace

bool Request::flag(const std::string& name) const {
  const auto found = query.find(name);
  return found != query.end() && found->second == "true";
}

Response error(int status, const std::string& message) {
  const nlohmann::ordered_json body{{"error_code", status}, {"message", message}};
  return {status, body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace), {}};
}

bool parse_target(std::string_view target, Request& request) {
  const auto mark = target.find('?');
  for (const auto& part : split(target.substr(0, mark))) {
    auto decoded = percent_decoded(part, false);
    if (!decoded) return false;
    request.path.push_back(std::move(*decoded));
  }
  if (mark == std::string_view::npos) return true;
  auto rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const auto equals = pair.find('=');
    auto name = percent_decoded(pair.substr(0, equals), true);
    auto value = percent_decoded(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!name || !value) return false;
    request.query.emplace(std::move(*name), std::move(*value));
  }
  return true;
}

void Router::add(std::string method, std::string_view pattern, Handler handler, bool takes_json) {
  routes_.push_back({std::move(method), split(pattern), std::move(handler), takes_json});
}

Response Router::handle(Request request) const {
  bool path_known = false;
  for (const auto& route : routes_) {
    if (!matches(route.pattern, request)) continue;
    path_known = true;
    if (route.method != request.method) continue;
    if (route.takes_json && !request.content_type.starts_with("application/json")) {
      return error(415, "HTTP 415 Unsupported Media Type");
    }
    try {
      return route.handler(request);
    } catch (const std::exception& exception) {
      return error(500, exception.what());
    }
  }
  return path_known ? error(405, "HTTP 405 Method Not Allowed") : error(404, "HTTP 404 Not Found");
}

}  // namespace penstock::connect::rest
