#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"

namespace penstock::log {

/// The last offset of each key, in bounded memory. Keys are known by 128 bits of their SHA-256.
class CompactionMap {
 public:
  static constexpr std::size_t kSlotBytes = 24;
  /// Room for at least one key.
  explicit CompactionMap(std::uint64_t bytes_max);

  /// False, and nothing changed, when `key` is new and there is no room for it. Offsets must rise.
  bool put(std::string_view key, Offset offset);
  [[nodiscard]] std::optional<Offset> find(std::string_view key) const;
  [[nodiscard]] std::size_t size() const { return used_; }

 private:
  struct Slot {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::int64_t offset = -1;  // -1: free
  };
  static_assert(sizeof(Slot) == kSlotBytes);
  static Slot slot_of(std::string_view key);
  [[nodiscard]] std::size_t place_of(const Slot& wanted) const;
  bool grow();

  std::size_t slots_max_;
  std::size_t used_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace penstock::log
