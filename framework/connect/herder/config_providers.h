#pragma once

#include <map>
#include <string>

#include "framework/base/error.h"

namespace penstock::connect {

/// Connect's indirection for secrets: ${file:path:key} reads a .properties file, ${env:NAME} the environment. Only providers that the
/// worker's config.providers names are active; other placeholders stay as they are, as in Connect.
class ConfigProviders {
 public:
  enum class Kind : std::uint8_t { kFile, kEnvironment };
  using Map = std::map<std::string, std::string>;
  ConfigProviders() = default;
  explicit ConfigProviders(std::map<std::string, Kind> active) : active_(std::move(active)) {}

  /// All values with their placeholders replaced. Errors name setting, provider and what is missing; never a value.
  [[nodiscard]] Result<Map> resolve(const Map& config) const;
  [[nodiscard]] bool empty() const { return active_.empty(); }

 private:
  [[nodiscard]] Result<std::string> resolve_value(const std::string& value) const;
  std::map<std::string, Kind> active_;
};

}  // namespace penstock::connect
