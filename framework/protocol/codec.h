#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "framework/base/assert.h"
#include "framework/base/bytes.h"
#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/base/varint.h"

// Kafka's wire primitives. A message is one field list from which decode, encode and print all
// come:
//
//   struct DeleteTopicsRequest {
//     std::vector<std::string_view> names;
//     std::int32_t timeout_ms = 0;
//     template <class V> void fields(V& v) {
//       v(names, until(5));
//       v(timeout_ms);
//     }
//   };
//
// Types choose the encoding: bool, int8..int64, uint16, double, Uuid, std::string_view or
// std::string, ByteView (bytes), std::vector<T>, structs with fields(), and std::optional<...> of
// string, bytes, vector or struct for nullable ones. Enums and Id<> are encoded as their integers.
// In a flexible version lengths are compact and each struct ends in tagged fields. Tagged fields
// come last in a field list: v.tagged(0, field, since(10)). Views point into the frame, which must
// outlive them.
namespace penstock::protocol {

struct Versions {
  std::int16_t low = 0;
  std::int16_t high = std::numeric_limits<std::int16_t>::max();
  [[nodiscard]] constexpr bool has(std::int16_t v) const { return v >= low && v <= high; }
};
constexpr Versions since(std::int16_t low) {
  return {low, std::numeric_limits<std::int16_t>::max()};
}
constexpr Versions until(std::int16_t high) { return {0, high}; }
constexpr Versions between(std::int16_t low, std::int16_t high) { return {low, high}; }

/// Longest text on the wire, in every version: compact lengths could say more, but Kafka refuses it
/// too, and what comes in by a flexible version has to fit the classic lengths of stored records.
inline constexpr std::size_t kTextBytesMax = 32'767;

namespace detail {
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
concept IdType = requires(T t) {
  typename T::rep;
  t.value;
};
template <class T>
concept Text = std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>;
template <class T>
concept Struct = !Text<T> && !std::is_same_v<T, ByteView> && !IsVector<T>::value;
}  // namespace detail

/// Decodes hostile bytes. After the first error nothing more is read; ask ok() once at the end.
/// `budget` bounds the memory that decoded arrays may take, `elements` how many they may hold in
/// all; tagged fields of one struct are at most kTagsMax.
class Reader {
 public:
  static constexpr std::size_t kTagsMax = 1024;

  Reader(ByteView from, std::int16_t version, bool flexible, std::size_t budget,
         std::size_t elements = std::numeric_limits<std::size_t>::max())
      : from_(from), budget_(budget), elements_(elements), version_(version), flexible_(flexible) {}

  template <class T>
  void operator()(T& field, Versions in = {}) {
    if (in.has(version_)) read(field);
  }
  template <class T>
  void tagged(std::uint32_t tag, T& field, Versions in = {}) {
    if (!flexible_ || !in.has(version_) || !ok_) return;
    load_tags();
    for (const Tag& t : tags_) {
      if (t.number != tag) continue;
      Reader inner(t.bytes, version_, flexible_, budget_, elements_);
      inner.read(field);
      budget_ = inner.budget_;
      elements_ = inner.elements_;
      if (!inner.ok_ || inner.left() != 0) ok_ = false;
    }
  }
  template <class T>
  void structure(T& value) {
    const bool outer_loaded = std::exchange(tags_loaded_, false);
    auto outer_tags = std::exchange(tags_, {});
    value.fields(*this);
    if (flexible_ && ok_) load_tags();
    tags_loaded_ = outer_loaded;
    tags_ = std::move(outer_tags);
  }

  // For a walk by hand over a large message: the number of items of the array that follows (-1:
  // null), and the end of a structure.
  std::int64_t count() {
    const std::int64_t items = length(false);
    if (items > 0 && static_cast<std::size_t>(items) > left()) ok_ = false;
    return ok_ ? items : -1;
  }
  void end_structure() {
    if (!flexible_ || !ok_) return;
    tags_loaded_ = false;
    tags_.clear();
    load_tags();
  }

  /// Takes `bytes` of memory from the budget, as decoding an array does; fails when it is spent.
  void charge(std::size_t bytes) {
    if (bytes > budget_)
      ok_ = false;
    else
      budget_ -= bytes;
  }

  [[nodiscard]] bool ok() const { return ok_; }
  void fail() { ok_ = false; }
  [[nodiscard]] std::size_t left() const { return from_.size() - at_; }
  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] std::int16_t version() const { return version_; }

 private:
  struct Tag {
    std::uint32_t number;
    ByteView bytes;
  };

  template <class T>
  void read(T& field) {
    if (!ok_) return;
    if constexpr (std::is_same_v<T, bool>) {
      std::int8_t raw = 0;
      integer(raw);
      field = raw != 0;
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> raw{};
      integer(raw);
      if (ok_) field = static_cast<T>(raw);
    } else if constexpr (std::is_same_v<T, double>) {
      std::int64_t raw = 0;
      integer(raw);
      std::memcpy(&field, &raw, sizeof field);
    } else if constexpr (std::is_integral_v<T>) {
      integer(field);
    } else if constexpr (detail::IdType<T>) {
      integer(field.value);
    } else if constexpr (std::is_same_v<T, Uuid>) {
      integer(field.high);
      integer(field.low);
    } else if constexpr (detail::Text<T> || std::is_same_v<T, ByteView>) {
      const std::optional<ByteView> bytes = sized(detail::Text<T>);
      if (!bytes) {
        ok_ = false;
      } else if constexpr (detail::Text<T>) {
        field = as_text(*bytes);
      } else {
        field = *bytes;
      }
    } else if constexpr (detail::IsVector<T>::value) {
      if (!array(field)) ok_ = false;
    } else if constexpr (detail::IsOptional<T>::value) {
      optional(field);
    } else {
      structure(field);
    }
  }

  template <class T>
  void optional(std::optional<T>& field) {
    field.reset();
    if constexpr (detail::Text<T>) {
      if (const auto bytes = sized(true)) field = T(as_text(*bytes));
    } else if constexpr (std::is_same_v<T, ByteView>) {
      field = sized(false);
    } else if constexpr (detail::IsVector<T>::value) {
      T list;
      if (array(list)) field = std::move(list);
    } else {
      std::int8_t present = -1;
      integer(present);
      if (ok_ && present > 0) structure(field.emplace());
    }
  }

  /// False when the array is null, which is an error only where null is not allowed.
  template <class T>
  bool array(std::vector<T>& list) {
    const std::int64_t count = length(false);
    if (count < 0) return false;
    const auto n = static_cast<std::size_t>(count);
    // An element takes at least one byte on the wire.
    if (n > left() || n > budget_ / sizeof(T) || n > elements_) {
      ok_ = false;
      return true;
    }
    budget_ -= n * sizeof(T);
    elements_ -= n;
    list.resize(n);
    for (std::size_t i = 0; i < n && ok_; ++i) {
      if constexpr (std::is_same_v<T, bool>) {
        bool item = false;
        read(item);
        list[i] = item;
      } else {
        read(list[i]);
      }
    }
    return true;
  }

  template <class T>
  void integer(T& out) {
    if (!ok_ || left() < sizeof(T)) {
      ok_ = false;
      return;
    }
    out = load_be<T>(from_.data() + at_);
    at_ += sizeof(T);
  }

  /// -1 for null. Classic strings have 16 bits, all else 32.
  std::int64_t length(bool text) {
    std::int64_t size = -1;
    if (flexible_) {
      std::uint64_t raw = 0;
      if (ok_ && get_uvarint(from_, at_, raw, 32))
        size = static_cast<std::int64_t>(raw) - 1;
      else
        ok_ = false;
    } else if (text) {
      std::int16_t raw = -1;
      integer(raw);
      size = raw;
    } else {
      std::int32_t raw = -1;
      integer(raw);
      size = raw;
    }
    if (size < -1) ok_ = false;
    return ok_ ? size : -1;
  }

  std::optional<ByteView> sized(bool text) {
    const std::int64_t size = length(text);
    if (size < 0) return std::nullopt;
    if (static_cast<std::size_t>(size) > (text ? std::min(left(), kTextBytesMax) : left())) {
      ok_ = false;
      return std::nullopt;
    }
    const ByteView out = from_.subspan(at_, static_cast<std::size_t>(size));
    at_ += out.size();
    return out;
  }

  void load_tags() {
    if (tags_loaded_) return;
    tags_loaded_ = true;
    std::uint64_t count = 0;
    if (!get_uvarint(from_, at_, count, 32) || count > kTagsMax || count * 2 > left()) {
      ok_ = false;
      return;
    }
    std::int64_t last = -1;
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t number = 0;
      std::uint64_t size = 0;
      if (!get_uvarint(from_, at_, number, 32) || !get_uvarint(from_, at_, size, 32) ||
          size > left() || static_cast<std::int64_t>(number) <= last) {
        ok_ = false;
        return;
      }
      last = static_cast<std::int64_t>(number);
      tags_.push_back({static_cast<std::uint32_t>(number), from_.subspan(at_, size)});
      at_ += size;
    }
  }

  ByteView from_;
  std::size_t at_ = 0;
  std::size_t budget_;
  std::size_t elements_;
  std::int16_t version_;
  bool flexible_;
  bool ok_ = true;
  bool tags_loaded_ = false;
  std::vector<Tag> tags_;
};

/// Encodes into a growing buffer. A text over kTextBytesMax is not written: ask ok() once at the
/// end, and throw away what is there when it says no.
class Writer {
 public:
  Writer(std::vector<std::byte>& to, std::int16_t version, bool flexible)
      : to_(to), version_(version), flexible_(flexible) {}

  template <class T>
  void operator()(const T& field, Versions in = {}) {
    if (in.has(version_)) write(field);
  }
  /// Written only when it differs from a default-made T.
  template <class T>
  void tagged(std::uint32_t tag, const T& field, Versions in = {}) {
    if (!flexible_ || !in.has(version_) || is_default(field)) return;
    std::vector<std::byte> bytes;
    Writer inner(bytes, version_, flexible_);
    inner.write(field);
    ok_ = ok_ && inner.ok_;
    tags_.push_back({tag, std::move(bytes)});
  }
  template <class T>
  void structure(const T& value) {
    auto outer = std::exchange(tags_, {});
    const_cast<T&>(value).fields(
        *this);  // one field list reads and writes; a Writer changes nothing
    if (flexible_) {
      uvarint(tags_.size());
      for (const Tag& t : tags_) {
        uvarint(t.number);
        uvarint(t.bytes.size());
        raw(t.bytes);
      }
    }
    tags_ = std::move(outer);
  }

  void raw(ByteView bytes) { to_.insert(to_.end(), bytes.begin(), bytes.end()); }
  template <std::integral T>
  void integer(T value) {
    const std::size_t at = to_.size();
    to_.resize(at + sizeof(T));
    store_be(to_.data() + at, value);
  }
  void uvarint(std::uint64_t value) {
    std::byte buffer[kVarintBytesMax];
    raw({buffer, static_cast<std::size_t>(put_uvarint(buffer, value) - buffer)});
  }
  /// The length in front of bytes or items that follow by other means (records sent from a file).
  /// -1: null.
  void length(std::int64_t size) {
    if (flexible_)
      uvarint(static_cast<std::uint64_t>(size + 1));
    else
      integer(static_cast<std::int32_t>(size));
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::int16_t version() const { return version_; }
  [[nodiscard]] bool flexible() const { return flexible_; }

 private:
  struct Tag {
    std::uint32_t number;
    std::vector<std::byte> bytes;
  };

  template <class T>
  static bool is_default(const T& field) {
    if constexpr (detail::IsVector<T>::value || std::is_same_v<T, ByteView>)
      return field.empty();
    else if constexpr (detail::IsOptional<T>::value)
      return !field.has_value();
    else
      return field == T{};
  }

  template <class T>
  void write(const T& field) {
    if constexpr (std::is_same_v<T, bool>) {
      integer(static_cast<std::int8_t>(field ? 1 : 0));
    } else if constexpr (std::is_enum_v<T>) {
      integer(static_cast<std::underlying_type_t<T>>(field));
    } else if constexpr (std::is_same_v<T, double>) {
      std::int64_t bits;
      std::memcpy(&bits, &field, sizeof bits);
      integer(bits);
    } else if constexpr (std::is_integral_v<T>) {
      integer(field);
    } else if constexpr (detail::IdType<T>) {
      integer(field.value);
    } else if constexpr (std::is_same_v<T, Uuid>) {
      integer(field.high);
      integer(field.low);
    } else if constexpr (detail::Text<T>) {
      if (field.size() > kTextBytesMax) {
        ok_ = false;
        return;
      }
      text_length(static_cast<std::int64_t>(field.size()));
      raw(as_bytes(field));
    } else if constexpr (std::is_same_v<T, ByteView>) {
      length(static_cast<std::int64_t>(field.size()));
      raw(field);
    } else if constexpr (detail::IsVector<T>::value) {
      length(static_cast<std::int64_t>(field.size()));
      for (const auto& item : field) write(item);
    } else if constexpr (detail::IsOptional<T>::value) {
      using Inner = typename T::value_type;
      if (field) {
        if constexpr (detail::Struct<Inner>) integer(std::int8_t{1});
        write(*field);
      } else if constexpr (detail::Text<Inner>) {
        text_length(-1);
      } else if constexpr (detail::Struct<Inner>) {
        integer(std::int8_t{-1});
      } else {
        length(-1);
      }
    } else {
      structure(field);
    }
  }

  void text_length(std::int64_t size) {
    if (flexible_)
      uvarint(static_cast<std::uint64_t>(size + 1));
    else
      integer(static_cast<std::int16_t>(size));
  }

  std::vector<std::byte>& to_;
  std::int16_t version_;
  bool flexible_;
  bool ok_ = true;
  std::vector<Tag> tags_;
};

/// Memory that what is decoded from a body may take: a struct is wider in memory than on the wire.
constexpr std::size_t decode_budget(std::size_t body_bytes) { return 16 * body_bytes + 65536; }

/// The same for a request, however long it is. Elements are counted besides, in all its arrays
/// together, because a handler makes something of each, and 4 bytes on the wire may become a
/// hundred in its answer. Clients stay far below: it would be a request about as many partitions.
inline constexpr std::size_t kRequestBudgetMax = 32U << 20;
inline constexpr std::size_t kRequestElementsMax = 250'000;

/// Reads the body of a request; kInvalid when it is malformed or asks for too much. Bytes behind it
/// are left unread, as Kafka does: librdkafka sends three too many when it asks for the metadata of
/// all topics (Metadata 9 and later).
template <class T>
Status decode_front(T& message, ByteView body, std::int16_t version, bool flexible,
                    std::size_t* left = nullptr) {
  Reader reader(body, version, flexible, std::min(decode_budget(body.size()), kRequestBudgetMax),
                kRequestElementsMax);
  reader.structure(message);
  if (!reader.ok()) return fail(Errc::kInvalid, "malformed message");
  if (left != nullptr) *left = reader.left();
  return {};
}

/// Reads any message; kInvalid when it is malformed or bytes are left behind it.
template <class T>
Status decode(T& message, ByteView body, std::int16_t version, bool flexible) {
  Reader reader(body, version, flexible, decode_budget(body.size()));
  reader.structure(message);
  if (!reader.ok()) return fail(Errc::kInvalid, "malformed message");
  if (reader.left() != 0) return fail(Errc::kInvalid, "bytes behind the message");
  return {};
}

/// For what we made ourselves and bounded: a text that the wire cannot hold is a defect here.
template <class T>
void encode(const T& message, std::vector<std::byte>& to, std::int16_t version, bool flexible) {
  Writer writer(to, version, flexible);
  writer.structure(message);
  PENSTOCK_ASSERT(writer.ok());
}

}  // namespace penstock::protocol
