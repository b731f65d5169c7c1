#include <cstring>
#include <set>
#include <string>

#include "framework/connect/host/plugin_config.h"
#include "framework/connect/plugin/library.h"

namespace penstock::plugin {
namespace {

constexpr std::uint32_t kConnectorsMax = 64;
constexpr std::uint32_t kKeysMax = 1000;
constexpr const char* kAuthor = "; ask the plugin's author for a corrected one";

bool plain_name(const char* name) {
  if (name == nullptr || *name == '\0' || std::strlen(name) > 100) return false;
  for (const char* c = name; *c != '\0'; ++c) {
    const bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
    if (!letter && !(*c >= '0' && *c <= '9') && *c != '_' && *c != '-') return false;
  }
  return true;
}

std::string of_factories(const ConnectorDescriptor& c) {
  const auto pair = [](bool make, bool destroy, bool wanted) {
    return make == wanted && destroy == wanted;
  };
  const bool source =
      pair(c.make_source != nullptr, c.destroy_source != nullptr, c.kind == PluginKind::kSource);
  const bool sink =
      pair(c.make_sink != nullptr, c.destroy_sink != nullptr, c.kind == PluginKind::kSink);
  const bool transform = pair(c.make_transform != nullptr, c.destroy_transform != nullptr,
                              c.kind == PluginKind::kTransform);
  if (!source || !sink || !transform) return "its factories do not match its kind";
  if ((c.make_connector != nullptr) != (c.destroy_connector != nullptr))
    return "make_connector comes without destroy_connector or the reverse";
  return {};
}

std::string of_keys(const ConnectorDescriptor& c) {
  if (c.key_count > kKeysMax)
    return "it declares " + std::to_string(c.key_count) + " settings, more than 1000";
  if (c.key_count > 0 && c.keys == nullptr) return "its settings are missing";
  for (std::uint32_t i = 0; i < c.key_count; ++i) {
    const ConfigKey& key = c.keys[i];
    if (key.name == nullptr || *key.name == '\0')
      return "setting number " + std::to_string(i) + " has no name";
    if (key.kind > ConfigKey::kBytes)
      return "setting " + std::string(key.name) + " has a kind that this Penstock does not know";
    if (key.importance > ConfigKey::kLow)
      return "setting " + std::string(key.name) +
             " has an importance that this Penstock does not know";
    if (key.doc == nullptr || *key.doc == '\0')
      return "setting " + std::string(key.name) + " has no doc";
  }
  const auto defects = definition_of(c).defects();
  return defects.empty() ? std::string() : defects.front().text;
}

std::string of_connector(const ConnectorDescriptor& c) {
  if (c.struct_size != sizeof(ConnectorDescriptor)) {
    return "its descriptor has " + std::to_string(c.struct_size) +
           " bytes, this Penstock expects " + std::to_string(sizeof(ConnectorDescriptor));
  }
  if (c.kind != PluginKind::kSource && c.kind != PluginKind::kSink &&
      c.kind != PluginKind::kTransform) {
    return "its kind " + std::to_string(static_cast<std::uint32_t>(c.kind)) +
           " is none that this Penstock knows";
  }
  if (c.doc == nullptr) return "it has no doc";
  if (std::string why = of_factories(c); !why.empty()) return why;
  return of_keys(c);
}

}  // namespace

std::string refusal_of(const PluginDescriptor& d) {
  if (d.magic != PENSTOCK_PLUGIN_MAGIC) {
    return "its " PENSTOCK_PLUGIN_SYMBOL_TEXT
           " is not a plugin descriptor (wrong magic number); build it with PENSTOCK_PLUGIN()";
  }
  if (d.struct_size != sizeof(PluginDescriptor)) {
    return "its descriptor has " + std::to_string(d.struct_size) +
           " bytes, this Penstock expects " + std::to_string(sizeof(PluginDescriptor)) +
           "; rebuild the plugin with this Penstock's SDK";
  }
  if (d.abi_major != PENSTOCK_PLUGIN_ABI_MAJOR) {
    return "it says plugin ABI " + std::to_string(d.abi_major) +
           "; this Penstock has ABI 1: rebuild the plugin with PenstockPluginSdk 1";
  }
  if (d.abi_minor > PENSTOCK_PLUGIN_ABI_MINOR) {
    return "it needs plugin ABI 1." + std::to_string(d.abi_minor) + ", this Penstock has 1." +
           std::to_string(PENSTOCK_PLUGIN_ABI_MINOR) +
           "; upgrade Penstock, or rebuild the plugin with this Penstock's SDK";
  }
  if (d.toolchain == nullptr || std::strcmp(d.toolchain, PENSTOCK_TOOLCHAIN) != 0) {
    return std::string("built with ") +
           (d.toolchain == nullptr ? "an unnamed toolchain" : d.toolchain) +
           ", this Penstock with " PENSTOCK_TOOLCHAIN
           "; rebuild the plugin with the same compiler major and standard library";
  }
  if (!plain_name(d.name))
    return std::string("the plugin has no plain name (letters, digits, - and _)") + kAuthor;
  if (d.version == nullptr || *d.version == '\0')
    return std::string("the plugin has no version") + kAuthor;
  if (d.connectors == nullptr || d.connector_count == 0 || d.connector_count > kConnectorsMax) {
    return "it has " + std::to_string(d.connectors == nullptr ? 0 : d.connector_count) +
           " connectors; 1 to 64 are allowed" + kAuthor;
  }
  std::set<std::string_view> names;
  for (std::uint32_t i = 0; i < d.connector_count; ++i) {
    const ConnectorDescriptor& c = d.connectors[i];
    if (c.struct_size == sizeof c && !plain_name(c.name)) {
      return "connector number " + std::to_string(i) +
             " has no plain name (letters, digits, - and _)" + kAuthor;
    }
    const std::string who = c.struct_size == sizeof c ? "connector " + std::string(c.name)
                                                      : "connector number " + std::to_string(i);
    if (std::string why = of_connector(c); !why.empty()) return who + ": " + why + kAuthor;
    if (!names.insert(c.name).second) return who + ": its name comes twice" + kAuthor;
  }
  return {};
}

}  // namespace penstock::plugin
