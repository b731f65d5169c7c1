#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "framework/connect/channel/messages.h"
#include "framework/connect/herder/views.h"
#include "framework/connect/supervise/secrets.h"

namespace penstock::config {
class Definition;
}

namespace penstock::connect {

/// All settings of one connector class: Connect's common keys for its kind, and the plugin's own.
class ConnectorSettings {
 public:
  explicit ConnectorSettings(const message::ConnectorDefinition& connector);
  ~ConnectorSettings();
  ConnectorSettings(ConnectorSettings&&) noexcept;

  [[nodiscard]] std::vector<KeyView> keys() const;
  /// Checks what can be checked without the plugin. `config` has its placeholders resolved; values
  /// are shown from `shown`.
  [[nodiscard]] ValidationView check(const StringMap& config, const StringMap& shown) const;
  [[nodiscard]] bool is_secret(const std::string& key) const;

 private:
  std::string class_name_;
  bool sink_ = false;
  std::unique_ptr<config::Definition> definition_;
};

/// For connectors whose class is not known any more: keys that sound like secrets.
bool sounds_secret(const std::string& key);

}  // namespace penstock::connect
