#include "framework/connect/convert/simple_converters.h"

#include <gtest/gtest.h>

#include "framework/connect/host/block.h"
#include "tests/unit/connect/convert/schemas_context.h"

namespace penstock::connect {
namespace {

class Simple : public testing::Test {
 protected:
  SchemasContext context_;
  host::HostBlock block_;
  ByteArena arena_;
  const Schema* schema_ = nullptr;
  Value value_;
};

TEST_F(Simple, StringsAreTheirBytesAndMalformedOnesErrors) {
  StringConverter converter(context_);
  EXPECT_EQ(converter.encode(nullptr, Value::string("é"), arena_).value(), "é");
  EXPECT_EQ(converter.encode(nullptr, Value::integer(5), arena_).value(), "5");
  EXPECT_EQ(converter.encode(nullptr, Value::null(), arena_).value(), std::nullopt);
  ASSERT_TRUE(converter.decode("x", block_, schema_, value_));
  EXPECT_EQ(value_.text(), "x");
  EXPECT_TRUE(schema_->optional());
  EXPECT_FALSE(converter.decode("\xFF", block_, schema_, value_));
}

TEST_F(Simple, BytesAreUntouchedAndNothingElseIsTaken) {
  ByteArrayConverter converter(context_);
  EXPECT_EQ(converter.encode(nullptr, Value::binary(std::string_view("\0\xFF", 2)), arena_).value(),
            std::string_view("\0\xFF", 2));
  EXPECT_FALSE(converter.encode(nullptr, Value::string("x"), arena_));
  ASSERT_TRUE(converter.decode(std::nullopt, block_, schema_, value_));
  EXPECT_TRUE(value_.is_null());
}

TEST_F(Simple, HeadersComeBackAsTheSmallestTypeThatHoldsThem) {
  SimpleHeaderConverter converter(context_);
  const auto type_of = [&](std::string_view text) {
    EXPECT_TRUE(converter.decode(text, block_, schema_, value_));
    return value_.type;
  };
  EXPECT_EQ(type_of("5"), Type::kInt8);
  EXPECT_EQ(type_of("-300"), Type::kInt16);
  EXPECT_EQ(type_of("70000"), Type::kInt32);
  EXPECT_EQ(type_of("5000000000"), Type::kInt64);
  EXPECT_EQ(type_of("1.5"), Type::kFloat64);
  EXPECT_EQ(type_of("true"), Type::kBool);
  EXPECT_EQ(type_of("text"), Type::kString);
  EXPECT_EQ(type_of("nan"), Type::kString);
  EXPECT_EQ(type_of(""), Type::kString);
  EXPECT_EQ(type_of("\xFF"), Type::kBytes);
}

TEST(ByteArena, FinishedTextsStayWhereTheyAre) {
  ByteArena arena;
  std::vector<std::string_view> views;
  std::vector<std::string> copies;
  for (std::size_t i = 0; i < 3000; ++i) {
    arena.begin();
    const std::string text(i % 997, static_cast<char>('a' + i % 26));
    arena.append(text);
    if (i % 7 == 0) continue;  // given up
    views.push_back(arena.finish());
    copies.push_back(text);
  }
  for (std::size_t i = 0; i < views.size(); ++i) ASSERT_EQ(views[i], copies[i]);
  arena.reset();
  EXPECT_EQ(arena.capacity(), ByteArena::kSlabBytes);
}

TEST(ByteArena, OneTextMayOutgrowASlab) {
  ByteArena arena;
  arena.begin();
  for (int i = 0; i < 100'000; ++i) arena.append("0123456789");
  EXPECT_EQ(arena.finish().size(), 1'000'000U);
}

}  // namespace
}  // namespace penstock::connect
