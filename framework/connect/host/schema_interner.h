#pragma once
// Equal schemas are one pointer: what Context::schema() is made of.

#include <cstddef>
#include <deque>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "penstock/value.h"

namespace penstock::host {

/// More schemas than this in one task is a plugin that makes one a record: std::invalid_argument.
inline constexpr std::size_t kSchemasMax = 100'000;
inline constexpr std::size_t kSchemaFieldsMax = 10'000;

/// One a task. Schemas live as long as it does. Any thread.
class SchemaInterner {
 public:
  SchemaInterner();
  ~SchemaInterner();
  SchemaInterner(const SchemaInterner&) = delete;
  SchemaInterner& operator=(const SchemaInterner&) = delete;

  /// Copies `spec` deeply, or finds the equal one. Nested schemas must come from this interner.
  /// Throws std::invalid_argument that says what is wrong with the definition.
  const Schema* intern(const SchemaSpec& spec);
  [[nodiscard]] std::size_t size() const;

 private:
  class Owned;
  void check(const SchemaSpec& spec) const;
  void check_logical(const SchemaSpec& spec) const;
  SchemaSpec copy(const SchemaSpec& spec);
  std::string_view copy(std::string_view text);
  Value copy(const Value& value);

  // Guards everything below. Schemas are made at start and when a table changes, never once a
  // record, and a plugin's own threads may ask, so that there is no single owner.
  mutable std::mutex mutex_;
  std::pmr::monotonic_buffer_resource memory_;
  std::deque<Owned> schemas_;
  std::unordered_multimap<std::size_t, const Schema*> by_hash_;
  std::unordered_set<const Schema*> known_;
};

/// nullopt when `value` is what `schema` says (all levels down; kAbsent is allowed as a field of a
/// struct); else what is wrong, beginning with the path: "field price: INT64 where the schema has
/// FLOAT64". `schema` nullptr: schema-less, structs are refused.
std::optional<std::string> mismatch(const Schema* schema, const Value& value);

/// Connect's name of a type in upper case: INT32, STRING, STRUCT; NULL and ABSENT for the two
/// others.
std::string_view to_string(Type type);

}  // namespace penstock::host
