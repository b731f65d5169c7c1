#pragma once
// Plugin files: finding, checking and loading them. Only here is Boost.DLL named.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/error.h"
#include "framework/config/definition.h"
#include "penstock/descriptor.h"

namespace penstock::plugin {

struct ListedFiles {
  std::vector<std::filesystem::path> files;  // *.so, sorted by path
  std::vector<Error> problems;               // folders that cannot be read
};
/// Plugin files in the folders of plugin.path, and in their direct sub-folders.
ListedFiles list_plugin_files(std::span<const std::string> folders);

/// True when `asked` names this connector: its name, an alias, or either as Java users write them
/// (with a package in front, with or without "Connector" at the end).
bool answers_to(const ConnectorDescriptor& connector, std::string_view asked);

/// A loaded plugin. It stays in memory until the process ends: threads or exit handlers of its own
/// may outlive any handle.
class PluginLibrary {
 public:
  /// Looks for the symbol without running code, loads, and checks in the order of descriptor.h.
  /// Each refusal is one sentence that names the file and says what to do. Static initialisers of
  /// the plugin run in here.
  static Result<std::shared_ptr<const PluginLibrary>> load(const std::filesystem::path& file);

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  [[nodiscard]] std::string_view name() const { return descriptor_->name; }
  [[nodiscard]] std::string_view version() const { return descriptor_->version; }
  [[nodiscard]] std::uint16_t abi_minor() const { return descriptor_->abi_minor; }
  [[nodiscard]] std::span<const ConnectorDescriptor> connectors() const {
    return {descriptor_->connectors, descriptor_->connector_count};
  }
  /// By any name that answers_to() takes; nullptr when there is none.
  [[nodiscard]] const ConnectorDescriptor* find(std::string_view connector_class) const;

 private:
  PluginLibrary(std::filesystem::path file, const PluginDescriptor* descriptor)
      : file_(std::move(file)), descriptor_(descriptor) {}

  std::filesystem::path file_;
  const PluginDescriptor* descriptor_;
};

/// What is wrong with a descriptor ("its magic number is ...; ..."), without the file's name; ""
/// when it is sound.
std::string refusal_of(const PluginDescriptor& descriptor);

/// The settings of a connector as data.
config::Definition definition_of(const ConnectorDescriptor& connector);

}  // namespace penstock::plugin
