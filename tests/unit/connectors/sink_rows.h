#pragma once
// Records for sink tests, made field by field.

#include <string>
#include <utility>
#include <vector>

#include "penstock/testing/harness.h"

namespace penstock::testing {

struct Cell {
  std::string name;
  SchemaSpec spec;
  Value value;
};

inline Cell int64(std::string name, std::int64_t v) {
  return {std::move(name), {.type = Type::kInt64}, Value::integer(v)};
}
inline Cell int32(std::string name, std::int64_t v) {
  return {
      std::move(name), {.type = Type::kInt32, .optional = true}, Value::integer(v, Type::kInt32)};
}
inline Cell text(std::string name, std::string_view v) {
  return {std::move(name), {.type = Type::kString, .optional = true}, Value::string(v)};
}
inline Cell real(std::string name, double v) {
  return {std::move(name), {.type = Type::kFloat64, .optional = true}, Value::float64(v)};
}
inline Cell blob(std::string name, std::string_view v) {
  return {std::move(name), {.type = Type::kBytes, .optional = true}, Value::binary(v)};
}
inline Cell flag(std::string name, bool v) {
  return {std::move(name), {.type = Type::kBool, .optional = true}, Value::boolean(v)};
}
inline Cell null(Cell cell) {
  cell.value = Value::null();
  return cell;
}
inline Cell absent(Cell cell) {
  cell.value = Value::absent();
  return cell;
}
inline Cell date(std::string name, std::int64_t days) {
  return {std::move(name),
          {.type = Type::kInt32, .optional = true, .name = logical::kDate, .version = 1},
          Value::integer(days, Type::kInt32)};
}
inline Cell time(std::string name, std::int64_t ms) {
  return {std::move(name),
          {.type = Type::kInt32, .optional = true, .name = logical::kTime, .version = 1},
          Value::integer(ms, Type::kInt32)};
}
inline Cell timestamp(std::string name, std::int64_t ms) {
  return {std::move(name),
          {.type = Type::kInt64, .optional = true, .name = logical::kTimestamp, .version = 1},
          Value::integer(ms)};
}
/// scale 2, precision 10
inline Cell decimal(std::string name, std::string_view unscaled) {
  static const Parameter kParameters[] = {{"scale", "2"}, {"connect.decimal.precision", "10"}};
  return {std::move(name),
          {.type = Type::kBytes,
           .optional = true,
           .name = logical::kDecimal,
           .version = 1,
           .parameters = kParameters},
          Value::binary(unscaled)};
}

/// Schema and value of a struct; bytes must outlive the next put().
inline std::pair<const Schema*, Value> row_of(SinkHarness& sink, const std::vector<Cell>& cells) {
  std::vector<Field> fields;
  for (const Cell& cell : cells) fields.push_back({cell.name, sink.schema(cell.spec)});
  const auto values = sink.block().values(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) values[i] = cells[i].value;
  return {sink.schema({.type = Type::kStruct, .name = "row", .fields = fields}),
          Value::row(values)};
}
inline Value object_of(SinkHarness& sink, const std::vector<Cell>& cells) {
  const auto values = sink.block().values(cells.size() * 2);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    values[2 * i] = Value::string(sink.block().copy(cells[i].name));
    values[2 * i + 1] = cells[i].value;
  }
  return Value::map(values);
}

inline Record& add_value(SinkHarness& sink, std::string_view topic,
                         const std::vector<Cell>& value) {
  const auto [schema, row] = row_of(sink, value);
  Record& record = sink.add(topic);
  record.value_schema = schema;
  record.value = row;
  return record;
}
inline void add_pair(SinkHarness& sink, std::string_view topic, const std::vector<Cell>& key,
                     const std::vector<Cell>& value) {
  const auto [key_schema, key_row] = row_of(sink, key);
  const auto [schema, row] = row_of(sink, value);
  Record& record = sink.add(topic);
  record.key_schema = key_schema;
  record.key = key_row;
  record.value_schema = schema;
  record.value = row;
}
inline void add_tombstone(SinkHarness& sink, std::string_view topic, const std::vector<Cell>& key) {
  const auto [key_schema, key_row] = row_of(sink, key);
  Record& record = sink.add(topic);
  record.key_schema = key_schema;
  record.key = key_row;
  record.value = Value::null();
}
inline void add_object(SinkHarness& sink, std::string_view topic, const std::vector<Cell>& value) {
  const Value object = object_of(sink, value);
  sink.add(topic).value = object;
}

/// Text of the exception of type E that `call` throws, or "" when it throws none.
template <class E, class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const E& e) {
    return e.what();
  }
  return {};
}

}  // namespace penstock::testing
