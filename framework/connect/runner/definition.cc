#include "framework/connect/runner/definition.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

#include "framework/base/sha256.h"

namespace penstock::connect {
namespace {

std::string_view kind_name(ConfigKey::Kind kind) {
  switch (kind) {
    case ConfigKey::kString:
      return "string";
    case ConfigKey::kPassword:
      return "password";
    case ConfigKey::kInt:
      return "int";
    case ConfigKey::kLong:
      return "long";
    case ConfigKey::kDouble:
      return "double";
    case ConfigKey::kBool:
      return "bool";
    case ConfigKey::kList:
      return "list";
    case ConfigKey::kDuration:
      return "duration";
    case ConfigKey::kBytes:
      return "bytes";
  }
  return "string";
}

std::string_view importance_name(ConfigKey::Importance importance) {
  switch (importance) {
    case ConfigKey::kHigh:
      return "high";
    case ConfigKey::kMedium:
      return "medium";
    case ConfigKey::kLow:
      return "low";
  }
  return "medium";
}

std::string text(const char* from) { return from == nullptr ? "" : from; }

message::KeyDefinition key_message(const ConfigKey& key) {
  message::KeyDefinition out;
  out.name = text(key.name);
  out.kind = kind_name(key.kind);
  out.doc = text(key.doc);
  out.one_of = text(key.one_of);
  out.pattern = text(key.pattern);
  out.when = text(key.when);
  out.importance = importance_name(key.importance);
  out.group = text(key.group);
  if (key.fallback != nullptr) out.fallback = key.fallback;
  out.min = key.min;
  out.max = key.max;
  return out;
}

std::vector<std::string> split(std::string_view aliases) {
  std::vector<std::string> out;
  while (!aliases.empty()) {
    const auto bar = aliases.find('|');
    if (const auto one = aliases.substr(0, bar); !one.empty()) out.emplace_back(one);
    aliases = bar == std::string_view::npos ? std::string_view() : aliases.substr(bar + 1);
  }
  return out;
}

}  // namespace

message::Definition definition_message(const plugin::PluginLibrary& plugin) {
  message::Definition out;
  out.plugin = plugin.name();
  out.version = plugin.version();
  for (const ConnectorDescriptor& descriptor : plugin.connectors()) {
    if (descriptor.kind == PluginKind::kTransform) continue;  // no task runs them in this version
    message::ConnectorDefinition connector;
    connector.name = text(descriptor.name);
    connector.kind = descriptor.kind == PluginKind::kSource ? "source" : "sink";
    connector.doc = text(descriptor.doc);
    connector.aliases = split(text(descriptor.aliases));
    connector.has_connector = descriptor.make_connector != nullptr;
    for (std::uint32_t i = 0; i < descriptor.key_count; ++i)
      connector.keys.push_back(key_message(descriptor.keys[i]));
    out.connectors.push_back(std::move(connector));
  }
  return out;
}

Status check_file(const std::string& path, const std::string& sha256) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return fail_errno(errno, "plugin " + path);
  if (sha256.empty()) return {};
  Sha256 sum;
  std::array<std::byte, std::size_t{64} << 10> buffer;
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), file.get())) > 0;) {
    sum.add({buffer.data(), n});
  }
  if (std::ferror(file.get()) != 0) return fail_errno(errno, "reading plugin " + path);
  if (sum.hex() != sha256)
    return fail(Errc::kConflict,
                "plugin " + path + " changed while the worker was running; list the plugins again");
  return {};
}

}  // namespace penstock::connect
