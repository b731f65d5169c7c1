#include "penstock/testing/harness.h"

#include <gtest/gtest.h>

#include <set>

#include "penstock/testing/contract.h"

namespace penstock::testing {
namespace {

/// Counts to `count`, one record a number.
class Counter : public SourceTask {
 public:
  void start(const Config& config, SourceContext& context) override {
    static constexpr std::string_view kFields[] = {"n"};
    count_ = config.number("count");
    partition_ = context.partition(R"({"counter":"a"})", kFields);
    if (const auto stored = context.stored(partition_); !stored.empty()) next_ = stored[0].i;
    schema_ = context.schema({.type = Type::kInt64});
    context.log(LogLevel::kInfo, "started");
  }
  Polled poll(Block& out) override {
    while (next_ < count_ && !out.full()) {
      Record& record = out.add();
      record.topic = "numbers";
      record.value_schema = schema_;
      record.value = Value::integer(next_++);
      const auto offset = out.values(1);
      offset[0] = Value::integer(next_);
      record.source = {partition_, offset};
    }
    return next_ < count_ ? Polled::kMore : Polled::kEnd;
  }

 private:
  std::int64_t count_ = 0, next_ = 0;
  std::uint32_t partition_ = 0;
  const Schema* schema_ = nullptr;
};
/// Forgets what it stored: a new task begins anew.
class Forgetful : public Counter {
  void start(const Config& config, SourceContext& context) override {
    Counter::start(config, context);
    static constexpr std::string_view kFields[] = {"n"};
    context.partition(R"({"counter":"a"})", kFields);
  }
  Polled poll(Block& out) override {
    const Polled polled = Counter::poll(out);
    for (Record& record : out.records()) record.source = {};
    return polled;
  }
};

std::vector<std::string>& target() {
  static std::vector<std::string> rows;
  return rows;
}
class Keeper : public SinkTask {
 public:
  void start(const Config&, SinkContext&) override {}
  void put(std::span<const Record> records) override {
    for (const Record& record : records) pending_.push_back(to_text(record));
  }
  void flush() override {
    target().insert(target().end(), pending_.begin(), pending_.end());
    pending_.clear();
  }

 private:
  std::vector<std::string> pending_;
};
class Loser : public Keeper {
  void flush() override {}
};

constexpr ConfigKey kCount[] = {
    {ConfigKey::kInt, "count", "100", "How far.", nullptr, nullptr, 1, 1000}};
constexpr ConnectorDescriptor kCounter = source<Counter>("Counter", "", "Counts.", kCount);
constexpr ConnectorDescriptor kForgetful = source<Forgetful>("Forgetful", "", "Counts.", kCount);
constexpr ConnectorDescriptor kKeeper = sink<Keeper>("Keeper", "", "Keeps.");
constexpr ConnectorDescriptor kLoser = sink<Loser>("Loser", "", "Loses.");

TEST(SourceHarness, ResumesBehindWhatWasAcknowledged) {
  SourceHarness harness(kCounter, {{"count", "10"}});
  harness.start();
  EXPECT_EQ(harness.drain(4), (std::vector<std::string>{"numbers null 0", "numbers null 1",
                                                        "numbers null 2", "numbers null 3"}));
  EXPECT_EQ(harness.offsets()->text(R"({"counter":"a"})"), R"({"n":4})");
  harness.restart();
  EXPECT_EQ(harness.drain().size(), 6U);
  EXPECT_EQ(harness.last(), Polled::kEnd);
  EXPECT_EQ(harness.log().at(0).text, "started");
}

TEST(SourceHarness, RefusesSettingsWithAllProblems) {
  EXPECT_THROW(SourceHarness(kCounter, {{"count", "0"}}), std::invalid_argument);
  EXPECT_EQ(validate(kCounter, {{"count", "0"}}),
            (std::vector<std::string>{
                "Invalid value 0 for configuration count: Value must be at least 1"}));
  EXPECT_EQ(plan(kCounter, {{"count", "5"}}, 3).size(), 1U);
}

TEST(SourceContract, PassesAGoodSourceAndNamesWhatABadOneBreaks) {
  EXPECT_EQ(source_contract(kCounter, {}), std::vector<std::string>{});
  const auto broken = source_contract(kForgetful, {{"count", "3"}});
  ASSERT_FALSE(broken.empty());
  EXPECT_EQ(broken[0],
            "resume: after 1 acknowledged records a new task gave 3 more of 3, or others");
}

TEST(SinkContract, PassesAGoodSinkAndNamesWhatABadOneBreaks) {
  SinkInput input;
  input.add = [](SinkHarness& sink, int round) {
    sink.add("contract").value = Value::string(sink.block().copy(std::to_string(round)));
  };
  input.stored = [] { return target(); };
  EXPECT_EQ(sink_contract(kKeeper, input), std::vector<std::string>{});
  EXPECT_EQ(target(), (std::vector<std::string>{R"(contract null "1")", R"(contract null "2")",
                                                R"(contract null "4")"}));
  const auto broken = sink_contract(kLoser, input);
  ASSERT_EQ(broken.size(), 3U);
  EXPECT_EQ(broken[0], "durable after flush: the target holds no more than before the flush");
}

TEST(SinkHarness, OverwritesRecordsAfterPut) {
  SinkHarness harness(kKeeper, {});
  harness.start();
  harness.open("t");
  EXPECT_EQ(harness.add("t").offset, 0);
  EXPECT_EQ(harness.add("t").offset, 1);
  harness.put();
  EXPECT_EQ(harness.block().size(), 0U);
}

}  // namespace
}  // namespace penstock::testing
