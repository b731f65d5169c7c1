#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace penstock {

/// An integer that cannot be mistaken for another kind of integer.
template <class Tag, class Rep>
struct Id {
  using rep = Rep;
  Rep value{};

  constexpr Id() = default;
  constexpr explicit Id(Rep v) : value(v) {}
  constexpr auto operator<=>(const Id&) const = default;
};

/// Position of a record in its partition. kNone is -1.
struct Offset : Id<struct OffsetTag, std::int64_t> {
  using Id::Id;
  constexpr auto operator<=>(const Offset&) const = default;
  friend constexpr Offset operator+(Offset a, std::int64_t n) { return Offset(a.value + n); }
  friend constexpr Offset operator-(Offset a, std::int64_t n) { return Offset(a.value - n); }
  friend constexpr std::int64_t operator-(Offset a, Offset b) { return a.value - b.value; }
  static const Offset kNone;
};
inline constexpr Offset Offset::kNone{-1};

using PartitionId = Id<struct PartitionIdTag, std::int32_t>;
using LeaderEpoch = Id<struct LeaderEpochTag, std::int32_t>;
using ProducerId = Id<struct ProducerIdTag, std::int64_t>;
using ProducerEpoch = Id<struct ProducerEpochTag, std::int16_t>;
using BrokerId = Id<struct BrokerIdTag, std::int32_t>;

/// 128 random bits, as Kafka's topic ids. All zero means "none".
struct Uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  constexpr auto operator<=>(const Uuid&) const = default;
  [[nodiscard]] constexpr bool is_zero() const { return high == 0 && low == 0; }
  /// 22 characters, base64url without padding, as Kafka prints it.
  [[nodiscard]] std::string text() const;
  /// A random id whose text never starts with '-'.
  static Uuid random();
  /// Reads text(); false when it is not one.
  static bool parse(const std::string& text, Uuid& out);
};

}  // namespace penstock

template <class Tag, class Rep>
struct std::hash<penstock::Id<Tag, Rep>> {
  std::size_t operator()(penstock::Id<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
template <>
struct std::hash<penstock::Uuid> {
  std::size_t operator()(const penstock::Uuid& id) const noexcept {
    return static_cast<std::size_t>(id.high ^ (id.low * 0x9E3779B97F4A7C15ULL));
  }
};
