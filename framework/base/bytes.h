#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace penstock {

using ByteView = std::span<const std::byte>;
using ByteSpan = std::span<std::byte>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads a big-endian integer at `from`, which must have sizeof(T) bytes; no alignment needed.
template <std::integral T>
[[nodiscard]] inline T load_be(const std::byte* from) {
  using U = std::make_unsigned_t<T>;
  U raw;
  std::memcpy(&raw, from, sizeof raw);
  if constexpr (sizeof(T) == 2) raw = static_cast<U>(__builtin_bswap16(raw));
  if constexpr (sizeof(T) == 4) raw = static_cast<U>(__builtin_bswap32(raw));
  if constexpr (sizeof(T) == 8) raw = static_cast<U>(__builtin_bswap64(raw));
  return static_cast<T>(raw);
}

template <std::integral T>
inline void store_be(std::byte* to, T value) {
  using U = std::make_unsigned_t<T>;
  U raw = static_cast<U>(value);
  if constexpr (sizeof(T) == 2) raw = static_cast<U>(__builtin_bswap16(raw));
  if constexpr (sizeof(T) == 4) raw = static_cast<U>(__builtin_bswap32(raw));
  if constexpr (sizeof(T) == 8) raw = static_cast<U>(__builtin_bswap64(raw));
  std::memcpy(to, &raw, sizeof raw);
}
static_assert(std::endian::native == std::endian::little, "load_be and store_be swap");

}  // namespace penstock
