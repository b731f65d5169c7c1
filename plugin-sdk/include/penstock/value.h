#pragma once
// Values, schemas, records and the block that owns their bytes. Standard library only; part of the
// plugin ABI: a change of layout here needs a new PENSTOCK_PLUGIN_ABI_MAJOR (descriptor.h).

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <stdexcept>
#include <string_view>
#include <type_traits>

namespace penstock {

/// The types of Kafka Connect's data model, and two more: kNull is "no value", kAbsent is "was not
/// sent" (an unchanged TOAST column, a field left out); a sink leaves an absent field as it is.
enum class Type : std::uint8_t {
  kNull,
  kAbsent,
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat32,
  kFloat64,
  kString,
  kBytes,
  kArray,
  kMap,
  kStruct,
};

/// 16 bytes, trivially copyable. Bytes and items belong to the Block and live exactly as long as
/// its records. kBool uses b; kInt8 to kInt64 use i; kFloat32 and kFloat64 use d; kString (UTF-8)
/// and kBytes use bytes/size; kArray has `size` items; kMap has `size` items that are key, value,
/// key, value (size is even); kStruct has one item for each field of its schema, in schema order
/// (schema-less structs do not exist: use kMap).
struct Value {
  Type type = Type::kNull;
  std::uint32_t size = 0;
  union {
    bool b;
    std::int64_t i = 0;
    double d;
    const char* bytes;
    const Value* items;
  };

  static Value null() { return {}; }
  static Value absent() {
    Value v;
    v.type = Type::kAbsent;
    return v;
  }
  static Value boolean(bool x) {
    Value v;
    v.type = Type::kBool;
    v.i = 0;
    v.b = x;
    return v;
  }
  /// `type` is one of kInt8, kInt16, kInt32, kInt64; the number must fit it.
  static Value integer(std::int64_t x, Type type = Type::kInt64) {
    Value v;
    v.type = type;
    v.i = x;
    return v;
  }
  static Value float64(double x) {
    Value v;
    v.type = Type::kFloat64;
    v.d = x;
    return v;
  }
  static Value float32(float x) {
    Value v;
    v.type = Type::kFloat32;
    v.d = static_cast<double>(x);
    return v;
  }
  /// Views: the caller keeps the bytes alive (Block::copy does).
  static Value string(std::string_view x) { return view(Type::kString, x); }
  static Value binary(std::string_view x) { return view(Type::kBytes, x); }
  static Value array(std::span<const Value> x) { return list(Type::kArray, x); }
  static Value map(std::span<const Value> key_value_pairs) {
    return list(Type::kMap, key_value_pairs);
  }
  static Value row(std::span<const Value> fields) { return list(Type::kStruct, fields); }

  [[nodiscard]] bool is_null() const { return type == Type::kNull; }
  [[nodiscard]] bool is_integer() const { return type >= Type::kInt8 && type <= Type::kInt64; }
  [[nodiscard]] bool is_float() const { return type == Type::kFloat32 || type == Type::kFloat64; }
  /// kString and kBytes only.
  [[nodiscard]] std::string_view text() const { return {bytes, size}; }
  /// kArray, kMap and kStruct only.
  [[nodiscard]] std::span<const Value> elements() const { return {items, size}; }

 private:
  static Value view(Type type, std::string_view x) {
    Value v;
    v.type = type;
    v.size = fits(x.size());
    v.bytes = x.data();
    return v;
  }
  static Value list(Type type, std::span<const Value> x) {
    Value v;
    v.type = type;
    v.size = fits(x.size());
    v.items = x.data();
    return v;
  }
  /// More than 4 GiB would be cut silently: throws std::length_error instead.
  static std::uint32_t fits(std::size_t size) {
    if (size > 0xFFFFFFFFU) throw std::length_error("a value is larger than 4 GiB");
    return static_cast<std::uint32_t>(size);
  }
};
static_assert(sizeof(Value) == 16 && std::is_trivially_copyable_v<Value>);

/// Names of Connect's logical types; the value is of the type in brackets.
namespace logical {
inline constexpr std::string_view kDecimal =
    "org.apache.kafka.connect.data.Decimal";  // kBytes, big-endian two's complement, parameter
                                              // "scale"
inline constexpr std::string_view kDate =
    "org.apache.kafka.connect.data.Date";  // kInt32, days since 1970-01-01
inline constexpr std::string_view kTime =
    "org.apache.kafka.connect.data.Time";  // kInt32, ms since midnight
inline constexpr std::string_view kTimestamp =
    "org.apache.kafka.connect.data.Timestamp";  // kInt64, ms since 1970-01-01 UTC
/// A SQLite value of any storage class: struct {type: kString "null|integer|real|text|blob", value:
/// kString}; integers in decimal, reals in shortest round-trip form, blobs in base64.
inline constexpr std::string_view kSqliteAny = "penstock.sqlite.Any";
}  // namespace logical

class Schema;

struct Parameter {
  std::string_view name;
  std::string_view value;
};
struct Field {
  std::string_view name;
  const Schema* schema = nullptr;
};

/// What a schema is made of; given to Context::schema(), which copies it. Views need to live for
/// that call only.
struct SchemaSpec {
  Type type = Type::kString;  // never kNull or kAbsent
  bool optional = false;
  std::string_view name = {};  // "" for none; a logical type, or the name of a struct
  std::int32_t version = 0;    // 0 for none
  std::string_view doc = {};
  std::span<const Parameter> parameters = {};
  const Value* default_value = nullptr;
  std::span<const Field> fields = {};  // kStruct; names are unique
  const Schema* keys = nullptr;        // kMap
  const Schema* items = nullptr;       // kArray items, kMap values
};

/// Immutable and interned: equal schemas are one pointer within a task, so `==` on pointers is
/// equality. Valid until the task closes. Any thread.
class Schema {
 public:
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  [[nodiscard]] Type type() const { return spec_.type; }
  [[nodiscard]] bool optional() const { return spec_.optional; }
  [[nodiscard]] std::string_view name() const { return spec_.name; }
  [[nodiscard]] std::int32_t version() const { return spec_.version; }
  [[nodiscard]] std::string_view doc() const { return spec_.doc; }
  [[nodiscard]] std::span<const Parameter> parameters() const { return spec_.parameters; }
  [[nodiscard]] const Value* default_value() const { return spec_.default_value; }
  [[nodiscard]] std::span<const Field> fields() const { return spec_.fields; }
  [[nodiscard]] const Schema* keys() const { return spec_.keys; }
  [[nodiscard]] const Schema* items() const { return spec_.items; }
  /// The whole definition, to derive another schema from this one.
  [[nodiscard]] const SchemaSpec& spec() const { return spec_; }
  /// Position of field `field`, or -1.
  [[nodiscard]] int index_of(std::string_view field) const {
    for (std::size_t i = 0; i < spec_.fields.size(); ++i) {
      if (spec_.fields[i].name == field) return static_cast<int>(i);
    }
    return -1;
  }
  [[nodiscard]] std::string_view parameter(std::string_view key) const {
    for (const Parameter& p : spec_.parameters) {
      if (p.name == key) return p.value;
    }
    return {};
  }

 protected:
  explicit Schema(const SchemaSpec& owned) : spec_(owned) {}
  ~Schema() = default;

 private:
  SchemaSpec spec_;
};

struct Header {
  std::string_view name;
  const Schema* schema = nullptr;
  Value value;
};

/// Where to resume after a record: the number that SourceContext::partition() returned, and one
/// value for each field name given there. kAbsent leaves a field out of the stored offset.
struct SourceOffset {
  static constexpr std::uint32_t kNone = 0xFFFFFFFFU;
  std::uint32_t partition = kNone;  // kNone: nothing to store (bulk reads)
  std::span<const Value> fields;
};

/// Views only; copying a Record copies no data.
struct Record {
  std::string_view topic;
  std::int32_t partition = -1;         // source: -1 lets the producer choose by key
  std::int64_t offset = -1;            // sinks only
  std::int64_t timestamp_ms = -1;      // -1: none (a source record gets the time of producing)
  const Schema* key_schema = nullptr;  // nullptr: schema-less
  const Schema* value_schema = nullptr;
  Value key;
  Value value;
  std::span<const Header> headers;
  SourceOffset source;  // sources only: where to resume AFTER this record
};
static_assert(std::is_trivially_copyable_v<Record> && std::is_trivially_copyable_v<Header>);

/// Records and one arena, made, reused and freed by the host. Not thread-safe; a plugin never keeps
/// one. Memory given out stays where it is until the host resets the block. Allocation failure
/// throws std::bad_alloc.
class Block {
 public:
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  /// A new record, all fields at their defaults; the reference is valid until the next add().
  Record& add() {
    if (count_ == capacity_) grow_records();
    return *new (records_ + count_++) Record();
  }
  /// Takes back the last add(), as when its row turns out to be unusable. Not on an empty block.
  void drop_last() {
    if (count_ == 0) throw std::logic_error("drop_last() on an empty block");
    --count_;
  }
  /// `count` values, uninitialised: write each one before the record is handed over. Never moves.
  std::span<Value> values(std::size_t count) {
    return {static_cast<Value*>(allocate(bytes_of(count, sizeof(Value)))), count};
  }
  std::span<Header> headers(std::size_t count) {
    auto* first = static_cast<Header*>(allocate(bytes_of(count, sizeof(Header))));
    for (std::size_t i = 0; i < count; ++i) new (first + i) Header();
    return {first, count};
  }
  /// A copy of `bytes` in the arena. Never moves.
  std::string_view copy(std::string_view bytes) {
    if (bytes.empty()) return {"", 0};
    auto* to = static_cast<char*>(allocate(bytes.size()));
    std::memcpy(to, bytes.data(), bytes.size());
    return {to, bytes.size()};
  }
  /// Uninitialised bytes, 8-aligned.
  void* allocate(std::size_t size) {
    if (size > kAllocationMax) throw std::bad_alloc();
    size = (size + 7) & ~std::size_t{7};
    used_ += size;
    if (size > static_cast<std::size_t>(end_ - at_)) return grow(size);
    char* out = at_;
    at_ += size;
    return out;
  }
  /// Soft limit reached: return from poll(). More may still be added; one row too many is no error.
  [[nodiscard]] bool full() const { return count_ >= soft_records_ || used_ >= soft_bytes_; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::size_t bytes() const { return used_; }
  [[nodiscard]] std::span<Record> records() { return {records_, count_}; }
  [[nodiscard]] std::span<const Record> records() const { return {records_, count_}; }

 protected:
  Block() = default;
  virtual ~Block() = default;
  virtual void* grow(std::size_t size) = 0;  // a new slab of at least `size`; sets at_ and end_
  virtual void grow_records() = 0;           // larger records_, old records copied; sets capacity_

  /// So that rounding up never wraps around.
  static constexpr std::size_t kAllocationMax = SIZE_MAX / 2;
  static std::size_t bytes_of(std::size_t count, std::size_t each) {
    if (count > kAllocationMax / each) throw std::bad_alloc();
    return count * each;
  }

  Record* records_ = nullptr;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::size_t used_ = 0;
  std::size_t soft_records_ = 0;
  std::size_t soft_bytes_ = 0;
};

}  // namespace penstock
