#pragma once

#include <map>
#include <string>
#include <vector>

#include "framework/base/error.h"

namespace penstock::connect {

/// Connect's indirection for secrets: ${file:path:key} reads a .properties file, ${env:NAME} the
/// environment. Only providers that the worker's config.providers names are active; other
/// placeholders stay as they are, as in Connect.
class ConfigProviders {
 public:
  enum class Kind : std::uint8_t { kFile, kEnvironment };
  using Map = std::map<std::string, std::string>;
  ConfigProviders() = default;
  explicit ConfigProviders(std::map<std::string, Kind> active) : active_(std::move(active)) {}

  struct Resolved {
    Map config;                         // placeholders replaced
    std::vector<std::string> provided;  // what they were replaced with
  };
  /// Errors name setting, provider and what is missing; never a value.
  [[nodiscard]] Result<Resolved> resolve(const Map& config) const;
  [[nodiscard]] bool empty() const { return active_.empty(); }

 private:
  Result<std::string> resolve_value(const std::string& value,
                                    std::vector<std::string>& provided) const;
  std::map<std::string, Kind> active_;
};

}  // namespace penstock::connect
