#include <gtest/gtest.h>

#include <limits>

#include "framework/connect/convert/converter.h"
#include "framework/connect/host/block.h"
#include "tests/unit/connect/convert/schemas_context.h"

namespace penstock::connect {
namespace {

class Json : public testing::Test {
 protected:
  std::unique_ptr<Converter> make(std::map<std::string, std::string> config = {}) {
    std::map<std::string, std::string> prefixed;
    for (auto& [key, value] : config) prefixed["value.converter." + key] = value;
    return make_converter(prefixed, "value.converter", context_).value();
  }
  std::unique_ptr<Converter> plain() { return make({{"schemas.enable", "false"}}); }
  std::string encode(Converter& converter, const Schema* schema, const Value& value) {
    auto bytes = converter.encode(schema, value, arena_);
    if (!bytes) return "error: " + bytes.error().text;
    return *bytes ? std::string(**bytes) : "null bytes";
  }
  std::string decode(Converter& converter, std::string_view text) {
    const auto done = converter.decode(text, block_, schema_, value_);
    return done ? "" : done.error().text;
  }
  const Schema* row() {
    const Field fields[] = {{"id", context_.of(Type::kInt64)},
                            {"name", context_.of(Type::kString, true)}};
    SchemaSpec spec;
    spec.type = Type::kStruct;
    spec.name = "users";
    spec.fields = fields;
    return context_.schema(spec);
  }
  SchemasContext context_;
  host::HostBlock block_;
  ByteArena arena_;
  const Schema* schema_ = nullptr;
  Value value_;
};

constexpr std::string_view kRowSchema =
    R"({"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":true,"field":"name"}],"optional":false,"name":"users"})";

TEST_F(Json, EnvelopeIsWrittenAsConnectWritesIt) {
  auto converter = make();
  const Value values[] = {Value::integer(7), Value::string("a\"b\n\x01\xC3\xA9")};
  EXPECT_EQ(
      encode(*converter, row(), Value::row(values)),
      "{\"schema\":" + std::string(kRowSchema) + R"(,"payload":{"id":7,"name":"a\"b\n\u0001é"}})");
}

TEST_F(Json, PlainJsonIsThePayloadAlone) {
  const Value values[] = {Value::integer(-9223372036854775807LL - 1), Value::null()};
  auto converter = plain();
  EXPECT_EQ(encode(*converter, row(), Value::row(values)),
            R"({"id":-9223372036854775808,"name":null})");
}

TEST_F(Json, NullWithoutSchemaIsATombstone) {
  EXPECT_EQ(encode(*make(), nullptr, Value::null()), "null bytes");
  EXPECT_EQ(encode(*plain(), row(), Value::null()), "null bytes");
  SchemaSpec spec;
  spec.type = Type::kString;
  spec.optional = true;
  EXPECT_EQ(encode(*make(), context_.schema(spec), Value::null()),
            R"({"schema":{"type":"string","optional":true},"payload":null})");
}

TEST_F(Json, AFieldThatWasNotSentIsLeftOutAndReadBackAsSuch) {
  auto converter = make();
  const Value values[] = {Value::integer(1), Value::absent()};
  const auto text = encode(*converter, row(), Value::row(values));
  EXPECT_TRUE(text.ends_with(R"("payload":{"id":1}})")) << text;
  EXPECT_EQ(decode(*converter, text), "");
  EXPECT_EQ(value_.items[1].type, Type::kAbsent);
}

TEST_F(Json, WholeDoublesKeepTheirPoint) {
  EXPECT_EQ(encode(*plain(), context_.of(Type::kFloat64), Value::float64(5)), "5.0");
  EXPECT_EQ(encode(*plain(), context_.of(Type::kFloat32), Value::float32(0.1F)), "0.1");
}

TEST_F(Json, WhatJsonCannotHoldIsAnErrorThatNamesTheField) {
  auto converter = plain();
  const Field fields[] = {{"x", context_.of(Type::kFloat64)}, {"t", context_.of(Type::kString)}};
  SchemaSpec spec;
  spec.type = Type::kStruct;
  spec.fields = fields;
  const auto* schema = context_.schema(spec);
  const Value nan[] = {Value::float64(std::numeric_limits<double>::quiet_NaN()), Value::string("")};
  EXPECT_EQ(encode(*converter, schema, Value::row(nan)),
            "error: field \"x\": NaN has no form in JSON");
  const Value latin[] = {Value::float64(0), Value::string("caf\xE9")};
  EXPECT_EQ(encode(*converter, schema, Value::row(latin)),
            "error: field \"t\": malformed UTF-8 in a STRING");
  const Value wrong[] = {Value::float64(0), Value::integer(1)};
  EXPECT_EQ(encode(*converter, schema, Value::row(wrong)),
            "error: field \"t\": the schema says STRING, the value is INT64");
  const Value null[] = {Value::null(), Value::string("")};
  EXPECT_EQ(encode(*converter, schema, Value::row(null)),
            "error: field \"x\": Conversion error: null value for field that is required and has "
            "no default value");
}

TEST_F(Json, EqualSchemaBytesAreOneSchema) {
  auto converter = make();
  const auto first =
      "{\"schema\":" + std::string(kRowSchema) + R"(,"payload":{"id":1,"name":"x"}})";
  ASSERT_EQ(decode(*converter, first), "");
  const Schema* const schema = schema_;
  EXPECT_EQ(schema, row());
  const auto spaced =
      "{ \"payload\" : {\"name\":null, \"id\": 2}, \"schema\":" + std::string(kRowSchema) + "}";
  ASSERT_EQ(decode(*converter, spaced), "");
  EXPECT_EQ(schema_, schema);
  EXPECT_EQ(value_.items[0].i, 2);
  EXPECT_TRUE(value_.items[1].is_null());
  ASSERT_EQ(decode(*converter, first), "");
  EXPECT_EQ(value_.items[1].text(), "x");
}

TEST_F(Json, OtherEnvelopesAreRefusedInConnectsWords) {
  const std::string text =
      "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not "
      "contain additional fields. "
      "If you are trying to deserialize plain JSON data, set schemas.enable=false in your "
      "converter configuration.";
  for (const char* wrong :
       {"{}", "5", "[1]", R"({"schema":null})", R"({"schema":null,"payload":1,"x":2})",
        R"({"payload":1,"payload":1})"}) {
    EXPECT_EQ(decode(*make(), wrong), text) << wrong;
  }
}

TEST_F(Json, MalformedTextIsRefused) {
  const std::string start =
      "Converting byte[] to Kafka Connect data failed due to serialization error: ";
  for (const char* wrong :
       {"", "{", "{\"a\":}", "{\"a\":1}}", "1 2", "1,2", "nul", "[1,]", "\"\xE9\"", "{\"a\":1]"}) {
    EXPECT_TRUE(decode(*plain(), wrong).find(start) != std::string::npos)
        << wrong << ": " << decode(*plain(), wrong);
  }
}

TEST_F(Json, NumbersAreExactOrErrors) {
  auto converter = plain();
  ASSERT_EQ(decode(*converter, "9223372036854775807"), "");
  EXPECT_EQ(value_.i, 9223372036854775807LL);
  EXPECT_EQ(value_.type, Type::kInt64);
  EXPECT_EQ(decode(*converter, "9223372036854775808"),
            "the number 9223372036854775808 does not fit 64 bits");
  ASSERT_EQ(decode(*converter, "5.0"), "");
  EXPECT_EQ(value_.type, Type::kFloat64);
  EXPECT_NE(decode(*converter, "1e999"), "");
  EXPECT_NE(decode(*converter, "NaN"), "");
  auto envelope = make();
  EXPECT_EQ(decode(*envelope, R"({"schema":{"type":"int8"},"payload":200})"),
            "the number 200 does not fit INT8");
  EXPECT_EQ(decode(*envelope, R"({"schema":{"type":"int32"},"payload":1.5})"),
            "the number 1.5 is no INT32");
  EXPECT_EQ(decode(*envelope, R"({"schema":{"type":"int32"},"payload":"1"})"),
            "the schema says INT32, the payload has a string");
  EXPECT_EQ(decode(*envelope, R"({"schema":{"type":"int32"},"payload":null})"),
            "Invalid null value for required INT32 field");
}

TEST_F(Json, PlainObjectsAreMapsInTheirOrder) {
  ASSERT_EQ(decode(*plain(), R"({"b":[1,{"c":null}],"a":true})"), "");
  ASSERT_EQ(value_.type, Type::kMap);
  ASSERT_EQ(value_.size, 4U);
  EXPECT_EQ(value_.items[0].text(), "b");
  EXPECT_EQ(value_.items[1].items[0].i, 1);
  EXPECT_EQ(value_.items[1].items[1].items[0].text(), "c");
  EXPECT_TRUE(value_.items[3].b);
  EXPECT_EQ(schema_, nullptr);
}

TEST_F(Json, DecimalsAreBase64OrNumbers) {
  const Parameter scale[] = {{"scale", "2"}};
  SchemaSpec spec;
  spec.type = Type::kBytes;
  spec.name = logical::kDecimal;
  spec.version = 1;
  spec.parameters = scale;
  const auto* schema = context_.schema(spec);
  const auto value = Value::binary("\x30\x39");
  const std::string head =
      R"({"schema":{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}},"payload":)";
  EXPECT_EQ(encode(*make(), schema, value), head + R"("MDk="})");
  auto numeric = make({{"decimal.format", "numeric"}});
  EXPECT_EQ(encode(*numeric, schema, value), head + "123.45}");
  for (auto* payload : {"\"MDk=\"", "123.45", "1.2345e2"}) {
    ASSERT_EQ(decode(*numeric, head + payload + "}"), "") << payload;
    EXPECT_EQ(value_.text(), "\x30\x39");
  }
  EXPECT_EQ(decode(*numeric, head + "0.001}"), "the number 0.001 is no Decimal of scale 2");
}

TEST_F(Json, MapsWithOtherKeysAreListsOfPairs) {
  SchemaSpec spec;
  spec.type = Type::kMap;
  spec.keys = context_.of(Type::kInt32);
  spec.items = context_.of(Type::kString);
  const auto* schema = context_.schema(spec);
  const Value pairs[] = {Value::integer(1, Type::kInt32), Value::string("a"),
                         Value::integer(2, Type::kInt32), Value::string("b")};
  auto converter = make();
  const auto text = encode(*converter, schema, Value::map(pairs));
  EXPECT_TRUE(text.ends_with(R"("payload":[[1,"a"],[2,"b"]]})")) << text;
  ASSERT_EQ(decode(*converter, text), "");
  EXPECT_EQ(value_.size, 4U);
  EXPECT_NE(decode(*converter, text.substr(0, text.find("[[")) + "[[1]]}"), "");
}

TEST_F(Json, DefaultsReplaceNullUnlessToldNotTo) {
  const Value seven = Value::integer(7, Type::kInt32);
  SchemaSpec spec;
  spec.type = Type::kInt32;
  spec.optional = true;
  spec.default_value = &seven;
  const auto* schema = context_.schema(spec);
  const std::string head = R"({"schema":{"type":"int32","optional":true,"default":7},"payload":)";
  EXPECT_EQ(encode(*make(), schema, Value::null()), head + "7}");
  auto keep = make({{"replace.null.with.default", "false"}});
  EXPECT_EQ(encode(*keep, schema, Value::null()), head + "null}");
  ASSERT_EQ(decode(*keep, head + "null}"), "");
  EXPECT_TRUE(value_.is_null());
  ASSERT_EQ(decode(*make(), head + "null}"), "");
  EXPECT_EQ(value_.i, 7);
}

TEST_F(Json, WrongSchemasAreRefusedInConnectsWords) {
  auto converter = make();
  EXPECT_EQ(decode(*converter, R"({"schema":{"type":"turbine"},"payload":1})"),
            "Unknown schema type: turbine");
  EXPECT_EQ(decode(*converter, R"({"schema":{"optional":true},"payload":1})"),
            "Schema must contain 'type' field");
  EXPECT_EQ(decode(*converter, R"({"schema":{"type":"struct"},"payload":{}})"),
            "Struct schema's \"fields\" argument is not an array.");
}

TEST_F(Json, DeepNestingIsAnErrorAndNoCrash) {
  EXPECT_NE(decode(*plain(), std::string(100'000, '[') + std::string(100'000, ']')), "");
  EXPECT_NE(decode(*plain(), std::string(900, '[') + std::string(900, ']')), "");
}

TEST_F(Json, SettingsAreCheckedByName) {
  const auto wrong = [&](std::map<std::string, std::string> config) {
    const auto made = make_converter(config, "value.converter", context_);
    return made ? "accepted" : made.error().text;
  };
  EXPECT_EQ(wrong({{"value.converter", "org.apache.kafka.connect.json.JsonConverter"}}),
            "accepted");
  EXPECT_EQ(wrong({{"value.converter.schemas.enable", "yes"}}),
            "value.converter.schemas.enable: must be true or false, not \"yes\"");
  EXPECT_EQ(wrong({{"value.converter.flux", "1"}}),
            "value.converter.flux: JsonConverter has no such setting");
  EXPECT_EQ(wrong({{"value.converter", "AvroConverter"}}),
            "value.converter: there is no converter \"AvroConverter\"; there are JsonConverter, "
            "StringConverter, ByteArrayConverter and SimpleHeaderConverter");
}

}  // namespace
}  // namespace penstock::connect
