#include "framework/connect/task/source_offsets.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "framework/connect/host/schema_interner.h"

namespace penstock::connect {
namespace {

class Fixture : public testing::Test, public Context, public TaskLink {
 protected:
  const Schema* schema(const SchemaSpec& spec) override { return schemas_.intern(spec); }
  void log(LogLevel, std::string_view) override {}
  void count(std::string_view, double) override {}
  [[nodiscard]] bool stopping() const override { return false; }
  [[nodiscard]] std::string_view connector_name() const override { return "c"; }
  [[nodiscard]] int task_id() const override { return 0; }
  void replan() override {}
  void send(Message message) override { sent_.push_back(std::get<message::StoreOffsets>(message)); }
  Result<std::vector<std::optional<std::string>>> read_offsets(std::vector<std::string>) override {
    return std::vector{stored_};
  }

  static Record at(std::uint32_t partition, std::span<const Value> fields) {
    Record record;
    record.source = {partition, fields};
    return record;
  }
  host::SchemaInterner schemas_;
  std::vector<message::StoreOffsets> sent_;
  std::optional<std::string> stored_;
  SourceOffsets offsets_{*this, *this};
  const std::string_view names_[2] = {"a", "b"};
};
using SourceOffsetsTest = Fixture;

TEST_F(SourceOffsetsTest, TheLastOffsetOfEachPartitionIsStored) {
  const auto x = offsets_.partition(R"({"t":"x"})", names_);
  const auto y = offsets_.partition(R"({"t":"y"})", names_);
  EXPECT_EQ(offsets_.partition(R"({"t":"x"})", names_), x);
  const Value one[] = {Value::integer(1), Value::absent()};
  const Value two[] = {Value::integer(2), Value::string("z")};
  const Record records[] = {at(x, one), at(y, one), at(x, two)};
  offsets_.acknowledged(records);
  offsets_.send(0);
  ASSERT_EQ(sent_[0].entries.size(), 2U);
  EXPECT_EQ(sent_[0].entries[0].offset, R"({"a":2,"b":"z"})");
  EXPECT_EQ(sent_[0].entries[1].offset, R"({"a":1})");
  EXPECT_FALSE(offsets_.can_send());
  EXPECT_TRUE(offsets_.confirmed(0).empty());
  const auto confirmed = offsets_.confirmed(sent_[0].sequence);
  ASSERT_EQ(confirmed.size(), 2U);
  EXPECT_EQ(confirmed[0].fields[1].text(), "z");
  EXPECT_TRUE(offsets_.all_stored());
}

TEST_F(SourceOffsetsTest, WhatWasNotStoredWaitsUnlessThereIsSomethingNewer) {
  const auto x = offsets_.partition(R"({"t":"x"})", names_);
  const Value one[] = {Value::integer(1), Value::absent()};
  const Value two[] = {Value::integer(2), Value::absent()};
  offsets_.acknowledged(std::vector{at(x, one)});
  offsets_.send(0);
  offsets_.acknowledged(std::vector{at(x, two)});
  offsets_.not_stored();
  offsets_.send(0);
  EXPECT_EQ(sent_[1].entries[0].offset, R"({"a":2})");
}

TEST_F(SourceOffsetsTest, StoredOffsetsComeInTheOrderOfTheirNames) {
  const auto x = offsets_.partition(R"({"t":"x"})", names_);
  EXPECT_TRUE(offsets_.stored(x).empty());
  stored_ = R"({"b":9223372036854775807,"other":1})";
  const auto values = offsets_.stored(x);
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[0].type, Type::kAbsent);
  EXPECT_EQ(values[1].i, 9223372036854775807LL);
}

TEST_F(SourceOffsetsTest, PartitionsMustBeFlatObjects) {
  for (const char* wrong : {"5", "{\"a\":{}}", "{\"a\":[1]}", "{"}) {
    EXPECT_THROW(offsets_.partition(wrong, names_), std::invalid_argument) << wrong;
  }
}

TEST_F(SourceOffsetsTest, OffsetsOfUnknownShapeAreRefused) {
  const auto x = offsets_.partition(R"({"t":"x"})", names_);
  const Value one[] = {Value::integer(1)};
  EXPECT_THROW(offsets_.acknowledged(std::vector{at(x, one)}), std::invalid_argument);
  EXPECT_THROW(offsets_.acknowledged(std::vector{at(77, one)}), std::invalid_argument);
}

}  // namespace
}  // namespace penstock::connect
