#pragma once

#include <cstddef>
#include <cstdint>

#include "framework/base/bytes.h"

namespace penstock {

inline constexpr std::size_t kVarintBytesMax = 10;

[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}
[[nodiscard]] constexpr std::size_t uvarint_size(std::uint64_t v) {
  std::size_t n = 1;
  while (v >= 0x80) {
    v >>= 7;
    ++n;
  }
  return n;
}
[[nodiscard]] constexpr std::size_t varint_size(std::int64_t v) { return uvarint_size(zigzag(v)); }

/// Writes `v` at `to` (room for kVarintBytesMax) and returns the byte behind it.
inline std::byte* put_uvarint(std::byte* to, std::uint64_t v) {
  while (v >= 0x80) {
    *to++ = static_cast<std::byte>(v | 0x80);
    v >>= 7;
  }
  *to++ = static_cast<std::byte>(v);
  return to;
}
inline std::byte* put_varint(std::byte* to, std::int64_t v) { return put_uvarint(to, zigzag(v)); }

/// Reads from hostile bytes at `at`, moving it on; false when cut short or longer than `bits`
/// allows (32 or 64).
inline bool get_uvarint(ByteView from, std::size_t& at, std::uint64_t& out, unsigned bits = 64) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at < from.size(); shift += 7) {
    const auto byte = static_cast<std::uint64_t>(from[at++]);
    value |= (byte & 0x7F) << shift;
    if (byte < 0x80) {
      if (shift == 63 && byte > 1) return false;
      if (bits < 64 && (value >> bits) != 0) return false;
      out = value;
      return true;
    }
  }
  return false;
}
inline bool get_varint(ByteView from, std::size_t& at, std::int64_t& out, unsigned bits = 64) {
  std::uint64_t raw = 0;
  if (!get_uvarint(from, at, raw, bits)) return false;
  out = unzigzag(raw);
  return true;
}

}  // namespace penstock
