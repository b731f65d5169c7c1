#include "framework/connect/host/schema_interner.h"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <thread>

namespace penstock::host {
namespace {

std::string refusal(SchemaInterner& interner, const SchemaSpec& spec) {
  try {
    interner.intern(spec);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(SchemaInterner, EqualDefinitionsAreOnePointerAndOutliveTheirSpec) {
  SchemaInterner interner;
  const Schema* first = nullptr;
  for (int round = 0; round < 2; ++round) {
    const std::string name = "flights", field = "id", scale = "2";
    const Parameter parameters[] = {{"scale", scale}};
    const Schema* price = interner.intern(
        {.type = Type::kBytes, .name = logical::kDecimal, .version = 1, .parameters = parameters});
    const Value fallback = Value::string("x");
    const Schema* text = interner.intern({.type = Type::kString, .default_value = &fallback});
    const Field fields[] = {{field, price}, {"text", text}};
    const Schema* made = interner.intern({.type = Type::kStruct, .name = name, .fields = fields});
    if (first == nullptr) first = made;
    EXPECT_EQ(made, first);
  }
  EXPECT_EQ(first->name(), "flights");
  EXPECT_EQ(first->index_of("text"), 1);
  EXPECT_EQ(first->fields()[0].schema->parameter("scale"), "2");
  EXPECT_EQ(first->fields()[1].schema->default_value()->text(), "x");
  EXPECT_EQ(interner.size(), 3U);
}

TEST(SchemaInterner, AnyDifferenceIsAnotherSchema) {
  SchemaInterner interner;
  const Schema* plain = interner.intern({.type = Type::kInt64});
  const Value five = Value::integer(5);
  EXPECT_NE(plain, interner.intern({.type = Type::kInt64, .optional = true}));
  EXPECT_NE(plain, interner.intern({.type = Type::kInt64, .name = logical::kTimestamp}));
  EXPECT_NE(plain, interner.intern({.type = Type::kInt64, .version = 1}));
  EXPECT_NE(plain, interner.intern({.type = Type::kInt64, .doc = "d"}));
  EXPECT_NE(plain, interner.intern({.type = Type::kInt64, .default_value = &five}));
}

TEST(SchemaInterner, RefusesWhatIsNoSchemaAndSaysWhy) {
  SchemaInterner interner, other;
  const Schema* text = interner.intern({.type = Type::kString});
  const Schema* foreign = other.intern({.type = Type::kString});
  const Field twice[] = {{"a", text}, {"a", text}}, strange[] = {{"a", foreign}},
              none[] = {{"a", nullptr}};
  const Value wrong = Value::integer(300, Type::kInt8);
  EXPECT_EQ(refusal(interner, {.type = Type::kNull}),
            "schema without a name: its type is not one that a schema can have");
  EXPECT_EQ(refusal(interner, {.type = static_cast<Type>(77)}),
            "schema without a name: its type is not one that a schema can have");
  EXPECT_EQ(refusal(interner, {.type = Type::kStruct, .name = "t", .fields = twice}),
            "schema t: field a comes twice");
  EXPECT_EQ(refusal(interner, {.type = Type::kStruct, .name = "t", .fields = strange}),
            "schema t: field a has a schema that this context did not make");
  EXPECT_EQ(refusal(interner, {.type = Type::kStruct, .name = "t", .fields = none}),
            "schema t: field a has no schema");
  EXPECT_EQ(refusal(interner, {.type = Type::kArray}),
            "schema without a name: the array's item has no schema");
  EXPECT_EQ(refusal(interner, {.type = Type::kMap, .items = text}),
            "schema without a name: the map's key has no schema");
  EXPECT_EQ(refusal(interner, {.type = Type::kString, .items = text}),
            "schema without a name: only an array or a map has items");
  EXPECT_EQ(refusal(interner, {.type = Type::kInt8, .default_value = &wrong}),
            "schema without a name: its default value: 300 does not fit INT8");
  EXPECT_EQ(refusal(interner, {.type = Type::kInt64, .name = logical::kDate}),
            "schema org.apache.kafka.connect.data.Date: must be INT32");
  EXPECT_EQ(
      refusal(interner, {.type = Type::kBytes, .name = logical::kDecimal}),
      "schema org.apache.kafka.connect.data.Decimal: needs a parameter scale with a whole number");
}

TEST(SchemaInterner, ThreadsThatAskForTheSameGetTheSame) {
  SchemaInterner interner;
  std::array<const Schema*, 4> made{};
  {
    std::vector<std::jthread> threads;
    for (auto& slot : made)
      threads.emplace_back(
          [&interner, &slot] { slot = interner.intern({.type = Type::kString, .name = "n"}); });
  }
  for (const Schema* schema : made) EXPECT_EQ(schema, made[0]);
}

TEST(Mismatch, NamesThePathAndTheTypes) {
  SchemaInterner interner;
  const Schema* number = interner.intern({.type = Type::kFloat64});
  const Schema* maybe = interner.intern({.type = Type::kString, .optional = true});
  const Schema* list = interner.intern({.type = Type::kArray, .items = number});
  const Field fields[] = {{"price", number}, {"note", maybe}, {"all", list}};
  const Schema* row = interner.intern({.type = Type::kStruct, .fields = fields});
  const Value good_items[] = {Value::float64(1)},
              bad_items[] = {Value::float64(1), Value::boolean(true)};
  const Value good[] = {Value::float64(2), Value::null(), Value::array(good_items)};
  const Value absent[] = {Value::absent(), Value::absent(), Value::absent()};
  const Value wrong[] = {Value::integer(2), Value::null(), Value::array(good_items)};
  const Value deep[] = {Value::float64(2), Value::null(), Value::array(bad_items)};
  EXPECT_EQ(mismatch(row, Value::row(good)), std::nullopt);
  EXPECT_EQ(mismatch(row, Value::row(absent)), std::nullopt);
  EXPECT_EQ(mismatch(row, Value::row(wrong)), "field price: INT64 where the schema has FLOAT64");
  EXPECT_EQ(mismatch(row, Value::row(deep)),
            "field all, item 1: BOOLEAN where the schema has FLOAT64");
  EXPECT_EQ(mismatch(row, Value::row({good, 2})), "2 values where the schema has 3 fields");
  EXPECT_EQ(mismatch(number, Value::null()), "NULL where the schema is not optional");
  EXPECT_EQ(mismatch(nullptr, Value::row(good)), "a STRUCT without a schema; use a MAP");
  EXPECT_EQ(mismatch(nullptr, Value::map({good, 1})), "a MAP with a key that has no value");
}

}  // namespace
}  // namespace penstock::host
