#include "framework/connect/herder/config_providers.h"

#include <cstdlib>

#include "framework/config/properties.h"

namespace penstock::connect {
namespace {

Result<std::string> from_file(const std::string& reference) {
  const auto colon = reference.rfind(':');
  if (colon == std::string::npos)
    return fail(Errc::kInvalid, "${file:...} needs a path and a key: ${file:/path:key}");
  const auto path = reference.substr(0, colon);
  const auto key = reference.substr(colon + 1);
  PENSTOCK_ASSIGN_OR_RETURN(const auto values, config::load_properties(path));
  const auto found = values.find(key);
  if (found == values.end()) return fail(Errc::kInvalid, path + " has no key " + key);
  return found->second;
}

Result<std::string> from_environment(std::string name) {
  if (name.starts_with(':')) name.erase(0, 1);  // Kafka writes an empty path: ${env::NAME}
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return fail(Errc::kInvalid, "the worker's environment has no " + name);
  return std::string(value);
}

}  // namespace

Result<std::string> ConfigProviders::resolve_value(const std::string& value,
                                                   std::vector<std::string>& provided) const {
  std::string out;
  std::size_t at = 0;
  for (;;) {
    const auto begin = value.find("${", at);
    const auto end = begin == std::string::npos ? begin : value.find('}', begin);
    if (end == std::string::npos) return out + value.substr(at);
    out += value.substr(at, begin - at);
    const auto inner = value.substr(begin + 2, end - begin - 2);
    const auto colon = inner.find(':');
    const auto provider = active_.find(inner.substr(0, colon));
    if (colon == std::string::npos || provider == active_.end()) {
      out += value.substr(begin, end + 1 - begin);
    } else {
      const auto reference = inner.substr(colon + 1);
      PENSTOCK_ASSIGN_OR_RETURN(const auto text, provider->second == Kind::kFile
                                                     ? from_file(reference)
                                                     : from_environment(reference));
      out += text;
      provided.push_back(text);
    }
    at = end + 1;
  }
}

Result<ConfigProviders::Resolved> ConfigProviders::resolve(const Map& config) const {
  Resolved out;
  for (const auto& [key, value] : config) {
    auto resolved = resolve_value(value, out.provided);
    if (!resolved) return tl::make_unexpected(resolved.error().in(key));
    out.config[key] = std::move(*resolved);
  }
  return out;
}

}  // namespace penstock::connect
