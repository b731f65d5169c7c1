#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "framework/base/error.h"
#include "framework/connect/channel/messages.h"

namespace penstock::connect {

/// A plugin file as it was when it was looked at.
struct PluginFile {
  std::string path;
  std::int64_t modified_ns = 0;
  std::int64_t size_bytes = 0;
  std::string sha256;  // "" until read
  [[nodiscard]] bool same_time_and_size(const PluginFile& other) const {
    return modified_ns == other.modified_ns && size_bytes == other.size_bytes;
  }
};

/// What is known of the plugins in plugin.path. Runs no plugin code; who owns it asks a probe. One
/// thread.
class PluginCatalog {
 public:
  /// One connector class of a described plugin.
  struct Class {
    const PluginFile* file = nullptr;
    const message::Definition* plugin = nullptr;
    const message::ConnectorDefinition* connector = nullptr;
  };

  /// `cache_path` "" keeps nothing on disk.
  PluginCatalog(std::vector<std::string> folders, std::string cache_path);

  /// Looks at the folders again and returns the files that have to be described. Files that went
  /// away are forgotten.
  std::vector<PluginFile> scan();
  void described(const PluginFile& file, message::Definition definition);
  /// `why` is one sentence.
  void refused(const PluginFile& file, std::string why);

  /// Accepts the class name, its aliases, and both without their package or with "Connector" added.
  /// kNotFound lists what there is.
  [[nodiscard]] Result<Class> find(const std::string& class_name) const;
  [[nodiscard]] std::vector<Class> classes() const;
  /// Folders that cannot be read, files that were refused: one sentence each.
  [[nodiscard]] std::vector<std::string> problems() const;

 private:
  struct Entry {
    PluginFile file;
    bool known = false;
    message::Definition definition;
    std::string refusal;
  };
  void load_cache();
  void save_cache() const;

  std::vector<std::string> folders_;
  std::string cache_path_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, Entry> cached_;
  std::vector<std::string> folder_problems_;
};

}  // namespace penstock::connect
