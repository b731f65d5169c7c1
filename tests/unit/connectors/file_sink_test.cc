#include "connectors/file/file_sink.h"

#include <gtest/gtest.h>

#include <cmath>

#include "penstock/testing/contract.h"
#include "temp_folder.h"

namespace penstock::file {
namespace {

using penstock::testing::SinkHarness;

class FileSinkTest : public ::testing::Test {
 protected:
  penstock::testing::Settings settings() const { return {{"directory", folder_ / "out"}}; }
  std::string stored() const { return folder_.read("out/t-0.ndjson"); }
  static void add(SinkHarness& sink, std::int64_t number) {
    sink.add("t").value = Value::integer(number);
  }
  TempFolder folder_;
};

TEST_F(FileSinkTest, KeepsTheContract) {
  penstock::testing::SinkInput input;
  input.settings = settings();
  input.topic = "t";
  input.add = [](SinkHarness& sink, int round) { add(sink, round); };
  input.stored = [this] {
    std::vector<std::string> lines;
    std::istringstream text(stored());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  };
  EXPECT_EQ(penstock::testing::sink_contract(kSink, input), std::vector<std::string>{});
}

TEST_F(FileSinkTest, WritesWhatJsonConverterWritesWithoutSchema) {
  SinkHarness sink(kSink, settings());
  sink.start();
  sink.open("t");
  const Schema* number = sink.schema({.type = Type::kFloat64, .optional = true});
  const Schema* text = sink.schema({.type = Type::kString});
  const Schema* blob = sink.schema({.type = Type::kBytes});
  const Schema* map = sink.schema({.type = Type::kMap, .keys = number, .items = text});
  const Field fields[] = {{"n", number}, {"s", text}, {"b", blob}, {"m", map}, {"x", number}};
  const auto pairs = sink.block().values(2);
  pairs[0] = Value::float64(1);
  pairs[1] = Value::string("v");
  const auto row = sink.block().values(5);
  row[0] = Value::float64(3);
  row[1] = Value::string("q\"\n\x01\xC3\xA9");
  row[2] = Value::binary("ab");
  row[3] = Value::map(pairs);
  row[4] = Value::null();
  Record& record = sink.add("t");
  record.value_schema = sink.schema({.type = Type::kStruct, .fields = fields});
  record.value = Value::row(row);
  sink.add("t").value = Value::null();
  sink.put();
  sink.flush();
  EXPECT_EQ(stored(),
            "{\"n\":3.0,\"s\":\"q\\\"\\n\\u0001\xC3\xA9\",\"b\":\"YWI=\",\"m\":[[1.0,\"v\"]],\"x\":"
            "null}\nnull\n");
}

TEST_F(FileSinkTest, CutsOffALineThatWasNeverFinished) {
  std::filesystem::create_directory(folder_ / "out");
  folder_.append("out/t-0.ndjson", "1\n2\n{\"a\":" + std::string(100'000, '9'));
  SinkHarness sink(kSink, settings());
  sink.start();
  sink.open("t");
  add(sink, 3);
  sink.put();
  sink.flush();
  EXPECT_EQ(stored(), "1\n2\n3\n");
  EXPECT_EQ(sink.log().size(), 1U);
}

TEST_F(FileSinkTest, ABadRecordLeavesNothingOfItsPut) {
  SinkHarness sink(kSink, settings());
  sink.start();
  sink.open("t");
  add(sink, 1);
  sink.add("t").value = Value::float64(std::nan(""));
  try {
    sink.put();
    FAIL() << "no error";
  } catch (const RecordError& error) {
    EXPECT_EQ(error.index, 1U);
    EXPECT_STREQ(error.what(), "NaN and infinities do not exist in JSON");
  }
  add(sink, 2);
  sink.put();
  EXPECT_EQ(stored(), "2\n");
}

TEST_F(FileSinkTest, RotatesAtAFlushBySize) {
  auto rotating = settings();
  rotating["rotate.bytes"] = "4";
  SinkHarness sink(kSink, rotating);
  sink.start();
  sink.open("t");
  for (int i = 1; i <= 5; ++i) {
    add(sink, i);
    sink.put();
    sink.flush();
  }
  EXPECT_EQ(folder_.read("out/t-0.000001.ndjson"), "1\n2\n");
  EXPECT_EQ(folder_.read("out/t-0.000002.ndjson"), "3\n4\n");
  EXPECT_EQ(stored(), "5\n");
}

TEST_F(FileSinkTest, AFileThatCannotBeOpenedLeavesNothingOfItsPutBehind) {
  SinkHarness sink(kSink, settings());
  sink.start();
  sink.open("t");
  std::filesystem::create_directory(folder_ / "out/blocked-0.ndjson");
  add(sink, 1);
  sink.add("blocked").value = Value::integer(1);
  EXPECT_THROW(sink.put(), std::runtime_error);
  add(sink, 2);
  sink.put();
  sink.flush();
  EXPECT_EQ(stored(), "2\n");
}

TEST_F(FileSinkTest, RefusesADevice) {
  SinkHarness sink(kSink, {{"file", "/dev/full"}});
  sink.start();
  EXPECT_THROW(sink.open("t"), std::runtime_error);
}

TEST_F(FileSinkTest, TwoTasksDoNotWriteOneFile) {
  SinkHarness first(kSink, {{"file", folder_ / "all"}}), second(kSink, {{"file", folder_ / "all"}});
  first.start();
  first.open("t");
  second.start();
  EXPECT_THROW(second.open("t"), RetriableError);
  EXPECT_EQ(penstock::testing::plan(kSink, {{"file", folder_ / "all"}}, 4).size(), 1U);
  EXPECT_EQ(penstock::testing::plan(kSink, settings(), 4).size(), 4U);
  EXPECT_EQ(penstock::testing::validate(kSink, {}).size(), 1U);
}

}  // namespace
}  // namespace penstock::file
