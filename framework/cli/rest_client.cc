#include "framework/cli/rest_client.h"

#include <httplib.h>

#include <nlohmann/json.hpp>

namespace penstock::cli {

using nlohmann::json;

RestClient::RestClient(std::string url) : url_(std::move(url)) {
  while (!url_.empty() && url_.back() == '/') url_.pop_back();
  if (url_.find("://") == std::string::npos) url_ = "http://" + url_;
}

Result<json> RestClient::call(const std::string& method, const std::string& path,
                              const std::string& body) {
  httplib::Client client(url_);
  client.set_connection_timeout(5);
  client.set_read_timeout(90);
  httplib::Request request;
  request.method = method;
  request.path = path;
  request.headers = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
  request.body = body;
  const auto answer = client.send(request);
  if (!answer) {
    return fail(Errc::kUnavailable, url_ + " does not answer (" +
                                        httplib::to_string(answer.error()) +
                                        "); is the worker running there?");
  }
  json parsed;
  if (!answer->body.empty()) {
    parsed = json::parse(answer->body, nullptr, false);
    if (parsed.is_discarded())
      return fail(Errc::kUnavailable,
                  url_ + path + " did not answer with JSON; is it a Connect worker?");
  }
  if (answer->status < 300) return parsed;
  std::string text = parsed.is_object() && parsed.contains("message")
                         ? parsed["message"].get<std::string>()
                         : "HTTP status " + std::to_string(answer->status);
  Errc code = answer->status >= 500 ? Errc::kUnavailable : Errc::kInvalid;
  if (answer->status == 404) code = Errc::kNotFound;
  if (answer->status == 409) code = Errc::kConflict;
  return fail(code, std::move(text));
}

Result<json> RestClient::get(const std::string& path) { return call("GET", path, {}); }
Result<json> RestClient::put(const std::string& path, const json& body) {
  return call("PUT", path, body.dump());
}
Result<json> RestClient::put(const std::string& path) { return call("PUT", path, {}); }
Result<json> RestClient::post(const std::string& path, const json& body) {
  return call("POST", path, body.dump());
}
Result<json> RestClient::post(const std::string& path) { return call("POST", path, {}); }
Status RestClient::remove(const std::string& path) {
  PENSTOCK_RETURN_IF_ERROR(call("DELETE", path, {}));
  return {};
}

std::string encode_segment(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char raw : text) {
    const auto c = static_cast<unsigned char>(raw);
    if (std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out.push_back(raw);
    } else {
      out.push_back('%');
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
    }
  }
  return out;
}

}  // namespace penstock::cli
