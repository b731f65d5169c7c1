#include "framework/log/compaction_map.h"

#include <algorithm>

#include "framework/base/bytes.h"
#include "framework/base/sha256.h"

namespace penstock::log {
namespace {

constexpr std::size_t kSlotsAtFirst = 1024;

// Beyond this share of taken slots, searches get long.
bool is_full(std::size_t used, std::size_t slots) { return used >= slots - slots / 8; }

}  // namespace

CompactionMap::CompactionMap(std::uint64_t bytes_max)
    : slots_max_(static_cast<std::size_t>(std::max<std::uint64_t>(bytes_max / kSlotBytes, 8))),
      slots_(std::min(slots_max_, kSlotsAtFirst)) {}

CompactionMap::Slot CompactionMap::slot_of(std::string_view key) {
  Sha256 hash;
  hash.add(as_bytes(key));
  const auto digest = hash.digest();
  return {load_be<std::uint64_t>(digest.data()), load_be<std::uint64_t>(digest.data() + 8), -1};
}

std::size_t CompactionMap::place_of(const Slot& wanted) const {
  std::size_t at = static_cast<std::size_t>(wanted.low % slots_.size());
  while (slots_[at].offset >= 0 && (slots_[at].high != wanted.high || slots_[at].low != wanted.low))
    at = at + 1 == slots_.size() ? 0 : at + 1;
  return at;
}

bool CompactionMap::grow() {
  if (slots_.size() >= slots_max_) return false;
  std::vector<Slot> old(std::min(slots_max_, slots_.size() * 2));
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.offset >= 0) slots_[place_of(slot)] = slot;
  }
  return true;
}

bool CompactionMap::put(std::string_view key, Offset offset) {
  Slot slot = slot_of(key);
  slot.offset = offset.value;
  std::size_t at = place_of(slot);
  if (slots_[at].offset < 0) {
    if (is_full(used_, slots_.size())) {
      if (!grow()) return false;
      at = place_of(slot);
    }
    ++used_;
  }
  slots_[at] = slot;
  return true;
}

std::optional<Offset> CompactionMap::find(std::string_view key) const {
  if (used_ == 0) return std::nullopt;
  const Slot& slot = slots_[place_of(slot_of(key))];
  return slot.offset < 0 ? std::nullopt : std::optional(Offset(slot.offset));
}

}  // namespace penstock::log
