#include "connectors/file/file_source.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "penstock/testing/contract.h"
#include "temp_folder.h"

namespace penstock::file {
namespace {

namespace fs = std::filesystem;
using penstock::testing::SourceHarness;
using Lines = std::vector<std::string>;

class FileSourceTest : public ::testing::Test {
 protected:
  penstock::testing::Settings settings(std::string_view file, const std::string& format = "lines",
                                       const std::string& on_eof = "follow") const {
    return {{"file", folder_ / file},  {"topic", "t"},
            {"format", format},        {"on.eof", on_eof},
            {"rotation.wait.ms", "0"}, {"scan.interval.ms", "10"}};
  }
  static Lines line(std::initializer_list<const char*> texts) {
    Lines out;
    for (const char* text : texts) out.push_back("t null \"" + std::string(text) + "\"");
    return out;
  }
  /// All that comes until nothing did for three drains: switching files takes a poll.
  static Lines settle(SourceHarness& source) {
    Lines out;
    for (int quiet = 0; quiet < 3; ++quiet) {
      const auto more = source.drain();
      out.insert(out.end(), more.begin(), more.end());
      if (!more.empty()) quiet = 0;
    }
    return out;
  }
  /// Newer than everything before, whatever the clock's grain.
  void touch(std::string_view name, int seconds) const {
    fs::last_write_time(folder_ / name,
                        fs::file_time_type::clock::now() + std::chrono::seconds(seconds));
  }
  TempFolder folder_;
};

TEST_F(FileSourceTest, KeepsTheContractInEachFormat) {
  folder_.append("a.txt", "one\ntwo\nthree\nfour\nlast");
  folder_.append("a.json", "{\"a\":1}\n{\"a\":[2.5,null,true]}\n\n\"x\"\n");
  folder_.append("a.csv", "id,name\n1,\"a,\"\"b\"\"\nc\"\n2,\n3,\"\"\n");
  EXPECT_EQ(penstock::testing::source_contract(kSource, settings("a.txt", "lines", "end")),
            Lines{});
  EXPECT_EQ(penstock::testing::source_contract(kSource, settings("a.json", "ndjson", "end")),
            Lines{});
  EXPECT_EQ(penstock::testing::source_contract(kSource, settings("a.csv", "csv", "end")), Lines{});
  SourceHarness csv(kSource, settings("a.csv", "csv", "end"));
  csv.start();
  EXPECT_EQ(csv.drain(),
            (Lines{R"(t null {"id":"1","name":"a,\"b\"\nc"})", R"(t null {"id":"2","name":null})",
                   R"(t null {"id":"3","name":""})"}));
  SourceHarness json(kSource, settings("a.json", "ndjson", "end"));
  json.start();
  EXPECT_EQ(json.drain(),
            (Lines{R"(t null {"a":1})", R"(t null {"a":[2.5,null,true]})", R"(t null "x")"}));
}

TEST_F(FileSourceTest, AQuoteInsideAnUnquotedFieldIsText) {
  folder_.append("a.csv", "id,name\n4,5\" pipe\n5,\"two\nlines\"\n6,7\" pipe\n");
  SourceHarness csv(kSource, settings("a.csv", "csv", "end"));
  csv.start();
  EXPECT_EQ(csv.drain(), (Lines{R"(t null {"id":"4","name":"5\" pipe"})",
                                R"(t null {"id":"5","name":"two\nlines"})",
                                R"(t null {"id":"6","name":"7\" pipe"})"}));
}

TEST_F(FileSourceTest, WaitsForTheLineEndWhenFollowing) {
  folder_.append("a", "one\ntw");
  SourceHarness source(kSource, settings("a"));
  source.start();
  EXPECT_EQ(source.drain(), line({"one"}));
  EXPECT_EQ(source.last(), Polled::kIdle);
  folder_.append("a", "o\r\nthree\n");
  EXPECT_EQ(source.drain(), line({"two", "three"}));
}

TEST_F(FileSourceTest, FollowsARenameAndReadsTheRestFirst) {
  folder_.append("a", "1\n2\n");
  SourceHarness source(kSource, settings("a"));
  source.start();
  EXPECT_EQ(source.drain(), line({"1", "2"}));
  fs::rename(folder_ / "a", folder_ / "a.1");
  folder_.append("a.1", "3\n");
  folder_.append("a", "4\n");
  EXPECT_EQ(settle(source), line({"3", "4"}));
}

TEST_F(FileSourceTest, FindsRenamedFilesAfterARestart) {
  folder_.append("a", "1\n2\n");
  SourceHarness source(kSource, settings("a"));
  source.start();
  source.drain(1);
  fs::rename(folder_ / "a", folder_ / "a.2");
  folder_.append("a.1", "3\n");
  folder_.append("a", "4\n");
  touch("a.2", -20);
  touch("a.1", -10);
  source.restart();
  EXPECT_EQ(settle(source), line({"2", "3", "4"}));
  source.restart();
  EXPECT_EQ(settle(source), Lines{});
}

TEST_F(FileSourceTest, FollowsCopyAndTruncate) {
  folder_.append("a", "first\nsecond\n");
  SourceHarness source(kSource, settings("a"));
  source.start();
  EXPECT_EQ(source.drain(1), line({"first"}));
  source.restart();
  EXPECT_EQ(source.drain(), line({"second"}));
  folder_.append("a", "third\n");
  fs::copy_file(folder_ / "a", folder_ / "a.1");
  fs::resize_file(folder_ / "a", 0);
  folder_.append("a", "fourth\n");
  EXPECT_EQ(settle(source), line({"third", "fourth"}));
}

TEST_F(FileSourceTest, SaysSoWhenAFileWithUnreadBytesIsGone) {
  folder_.append("a", "1\n2\n");
  SourceHarness source(kSource, settings("a"));
  source.start();
  source.drain(1);
  fs::remove(folder_ / "a");
  folder_.append("a", "new\n");
  source.restart();
  EXPECT_EQ(settle(source), line({"new"}));
  EXPECT_EQ(source.counter("files.lost"), 1);
}

TEST_F(FileSourceTest, ReadsAllFilesOfAPatternAndNewOnes) {
  folder_.append("a.log", "a\n");
  folder_.append("b.log", "b\n");
  folder_.append("b.log.1", "b0\n");
  touch("b.log.1", -10);
  SourceHarness source(kSource, settings("*.log*"));
  source.start();
  EXPECT_EQ(settle(source), line({"a", "b0", "b"}));
  folder_.append("c.log", "c\n");
  source.restart();
  EXPECT_EQ(settle(source), line({"c"}));
  EXPECT_EQ(source.offsets()->size(), 3U);
}

TEST_F(FileSourceTest, TakesOffsetsOfKafkasFileStreamSource) {
  folder_.append("a", "1\n2\n");
  class Old final : public SourceTask {
    void start(const Config& config, SourceContext& context) override {
      static constexpr std::string_view kField[] = {"position"};
      partition_ =
          context.partition("{\"filename\":\"" + std::string(config.text("file")) + "\"}", kField);
    }
    Polled poll(Block& out) override {
      Record& record = out.add();
      record.topic = "t";
      const auto offset = out.values(1);
      offset[0] = Value::integer(2);
      record.source = {partition_, offset};
      return Polled::kEnd;
    }
    std::uint32_t partition_ = 0;
  };
  static constexpr ConnectorDescriptor kOld =
      penstock::source<Old>("Old", "", "Kafka's.", kSourceKeys);
  penstock::testing::Options options;
  options.offsets = std::make_shared<penstock::testing::Offsets>();
  SourceHarness old(kOld, settings("a"), options);
  old.start();
  old.drain();
  SourceHarness source(kSource, settings("a"), options);
  source.start();
  EXPECT_EQ(source.drain(), line({"2"}));
}

TEST_F(FileSourceTest, ABadLineIsARecordErrorAndTheNextOneFollows) {
  folder_.append("a", "{\"a\":1}\n{broken\n18446744073709551615\n2\n");
  SourceHarness source(kSource, settings("a", "ndjson", "end"));
  source.start();
  for (const char* at :
       {"the line at byte 8: ", "the line at byte 16: a whole number does not fit 64 bits"}) {
    try {
      source.poll();
      FAIL() << "no error";
    } catch (const RecordError& error) {
      EXPECT_NE(std::string(error.what()).find(at), std::string::npos) << error.what();
      EXPECT_EQ(error.index, source.records().size() - 1);
      EXPECT_EQ(source.records().back().value.type, Type::kBytes);
    }
  }
  EXPECT_EQ(source.drain(), (Lines{"t null 2"}));
}

TEST_F(FileSourceTest, ALineOverTheLimitFailsWithFilePlaceAndSetting) {
  folder_.append("a", "ok\n" + std::string(5000, 'x'));
  auto with_limit = settings("a");
  with_limit["line.bytes.max"] = "4096";
  SourceHarness source(kSource, with_limit);
  source.start();
  try {
    source.drain();
    FAIL() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(
        error.what(),
        (folder_ / "a") +
            ": the line at byte 3 is longer than line.bytes.max=4096; raise it, or mend the file");
  }
}

TEST_F(FileSourceTest, AMissingFileIsAProblemOnlyWhenInputIsFinite) {
  EXPECT_EQ(penstock::testing::validate(kSource, settings("none")), Lines{});
  EXPECT_EQ(penstock::testing::validate(kSource, settings("none", "lines", "end")),
            Lines{"file: " + (folder_ / "none") + ": no such file; with on.eof=end it must exist"});
  SourceHarness source(kSource, settings("none"));
  source.start();
  EXPECT_EQ(source.drain(), Lines{});
  folder_.append("none", "now\n");
  EXPECT_EQ(source.drain(), line({"now"}));
}

}  // namespace
}  // namespace penstock::file
