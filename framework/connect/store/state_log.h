#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "framework/base/error.h"

namespace penstock::connect {

struct StateEntry {
  std::string key;
  std::optional<std::string> value;  // nullopt: the key is gone
};

/// Keys and values where the last value counts. One thread.
class StateLog {
 public:
  virtual ~StateLog() = default;
  /// All entries or none; durable when this returns. After kStorageFull it takes entries again once
  /// there is room; any other error is final.
  virtual Status put(std::span<const StateEntry> entries) = 0;
  /// The live entries, in the order of their last writes.
  using Visitor = std::function<void(std::string_view key, std::string_view value)>;
  virtual Status read_all(const Visitor& visit) = 0;
};

enum class StateTopic : std::uint8_t { kConfigs, kOffsets, kStatuses };
inline constexpr std::size_t kStateTopics = 3;

}  // namespace penstock::connect
