#include "framework/base/murmur2.h"

#include <cstring>

namespace penstock {

std::uint32_t murmur2(ByteView key) {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  constexpr unsigned kShift = 24;
  std::uint32_t hash = 0x9747b28cU ^ static_cast<std::uint32_t>(key.size());
  std::size_t at = 0;
  for (; at + 4 <= key.size(); at += 4) {
    std::uint32_t word;
    std::memcpy(&word, key.data() + at, sizeof word);
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash *= kMultiplier;
    hash ^= word;
  }
  const std::size_t left = key.size() - at;
  if (left >= 3) hash ^= static_cast<std::uint32_t>(key[at + 2]) << 16;
  if (left >= 2) hash ^= static_cast<std::uint32_t>(key[at + 1]) << 8;
  if (left >= 1) {
    hash ^= static_cast<std::uint32_t>(key[at]);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

std::int32_t partition_for_key(ByteView key, std::int32_t count) {
  return static_cast<std::int32_t>(murmur2(key) & 0x7fffffffU) % count;
}

}  // namespace penstock
