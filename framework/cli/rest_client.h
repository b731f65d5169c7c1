#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "framework/base/error.h"

namespace penstock::cli {

/// Talks to one worker's Connect REST API. Not thread-safe.
class RestClient {
 public:
  /// `url`: http://host:port
  explicit RestClient(std::string url);
  [[nodiscard]] const std::string& url() const { return url_; }

  /// The answer's JSON (null when empty). Errors carry the worker's own message: 404 kNotFound, 409
  /// kConflict, other 4xx kInvalid, 5xx kUnavailable; no connection kUnavailable.
  Result<nlohmann::json> get(const std::string& path);
  Result<nlohmann::json> put(const std::string& path, const nlohmann::json& body);
  Result<nlohmann::json> put(const std::string& path);
  Result<nlohmann::json> post(const std::string& path, const nlohmann::json& body);
  Result<nlohmann::json> post(const std::string& path);
  Status remove(const std::string& path);

 private:
  Result<nlohmann::json> call(const std::string& method, const std::string& path,
                              const std::string& body);
  std::string url_;
};

/// Percent-encodes a path segment.
std::string encode_segment(const std::string& text);

}  // namespace penstock::cli
