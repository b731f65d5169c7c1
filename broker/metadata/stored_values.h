#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/base/error.h"

namespace penstock::broker {

/// What else is kept in the metadata store besides topics: JSON by key. Control thread only, once
/// the topics are loaded.
class StoredValues {
 public:
  virtual ~StoredValues() = default;
  /// Those whose key begins with `prefix`, in order.
  virtual Result<std::vector<std::pair<std::string, std::string>>> values(
      std::string_view prefix) = 0;
  /// How many changes were ever committed, those of topics among them.
  virtual Result<std::int64_t> revision() = 0;
  /// All or none, durable on return; nullopt removes.
  virtual Status store_values(
      std::vector<std::pair<std::string, std::optional<std::string>>> values) = 0;
};

}  // namespace penstock::broker
