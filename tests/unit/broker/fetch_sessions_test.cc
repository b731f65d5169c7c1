#include "broker/fetch_sessions.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace penstock::broker {
namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;

FetchRequest::Partition asked(std::int32_t index, std::int64_t offset = 0) {
  FetchRequest::Partition out;
  out.index = PartitionId(index);
  out.offset = Offset(offset);
  return out;
}
FetchSaid said(std::int64_t high_watermark, bool records = false,
               ErrorCode error = ErrorCode::kNone) {
  FetchSaid out;
  out.high_watermark = Offset(high_watermark);
  out.log_start = Offset(0);
  out.records = records;
  out.error = error;
  return out;
}

/// One reader of topic "t".
class Reader {
 public:
  explicit Reader(FetchSessions::Options options = {}) : sessions(options) {}

  std::int32_t create(std::int32_t partitions, std::int64_t now_ms = 0, bool by_id = false) {
    std::vector<FetchWanted> wanted;
    const auto topic = std::make_shared<const FetchTopic>("t", Uuid());
    for (std::int32_t i = 0; i < partitions; ++i) wanted.push_back({topic, asked(i), {}});
    return sessions.create(by_id, wanted, std::vector<FetchSaid>(wanted.size(), said(10)), now_ms);
  }
  FetchSessions::Begun begin(std::int32_t id, std::int32_t epoch,
                             std::vector<FetchRequest::Partition> changed = {},
                             std::vector<PartitionId> forgotten = {}, std::int64_t now_ms = 0) {
    FetchRequest request;
    request.session_id = id;
    request.session_epoch = epoch;
    if (!changed.empty()) request.topics.push_back({"t", {}, std::move(changed)});
    if (!forgotten.empty()) request.forgotten.push_back({"t", {}, std::move(forgotten)});
    return sessions.begin(request, false, now_ms);
  }
  static std::vector<std::int32_t> indexes(const FetchSessions::Begun& begun) {
    std::vector<std::int32_t> out;
    for (const FetchWanted& one : begun.wanted) out.push_back(one.asked.index.value);
    return out;
  }

  FetchSessions sessions;
};

using Indexes = std::vector<std::int32_t>;

TEST(FetchSessions, AnIncrementalFetchReadsAllAndTellsOnlyNews) {
  Reader reader;
  const std::int32_t id = reader.create(3);
  ASSERT_NE(id, 0);
  EXPECT_EQ(Reader::indexes(reader.begin(id, 1)), (Indexes{0, 1, 2}));
  std::vector<FetchSaid> answer{said(10), said(11), said(10, false, ErrorCode::kStorageError)};
  EXPECT_EQ(reader.sessions.answered(id, 1, answer), ErrorCode::kNone);
  EXPECT_FALSE(answer[0].include);
  EXPECT_TRUE(answer[1].include);
  EXPECT_TRUE(answer[2].include);
  reader.begin(id, 2);
  answer = {said(10), said(11), said(10)};
  EXPECT_EQ(reader.sessions.answered(id, 2, answer), ErrorCode::kNone);
  EXPECT_FALSE(answer[1].include);
  EXPECT_TRUE(answer[2].include) << "the error is over";
}
TEST(FetchSessions, ALogStartThatMovedIsNews) {
  Reader reader;
  const std::int32_t id = reader.create(1);
  reader.begin(id, 1);
  std::vector<FetchSaid> answer{said(10)};
  answer[0].log_start = Offset(5);
  reader.sessions.answered(id, 1, answer);
  EXPECT_TRUE(answer[0].include);
}
TEST(FetchSessions, PartitionsWithRecordsGoToTheEnd) {
  Reader reader;
  const std::int32_t id = reader.create(3);
  reader.begin(id, 1);
  std::vector<FetchSaid> answer{said(11, true), said(10), said(11, true)};
  reader.sessions.answered(id, 1, answer);
  EXPECT_EQ(Reader::indexes(reader.begin(id, 2)), (Indexes{1, 0, 2}));
}
TEST(FetchSessions, ARequestChangesAddsAndForgets) {
  Reader reader;
  const std::int32_t id = reader.create(2);
  const auto begun = reader.begin(id, 1, {asked(1, 7), asked(5)}, {PartitionId(0), PartitionId(9)});
  EXPECT_EQ(Reader::indexes(begun), (Indexes{1, 5}));
  EXPECT_EQ(begun.wanted.at(0).asked.offset, Offset(7));
}
TEST(FetchSessions, WrongEpochsIdsAndWaysToNameATopicAreRefused) {
  Reader reader;
  const std::int32_t id = reader.create(1);
  EXPECT_EQ(reader.begin(id + 1, 1).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(reader.begin(id, 2).error, ErrorCode::kInvalidFetchSessionEpoch);
  FetchRequest by_id;
  by_id.session_id = id;
  by_id.session_epoch = 1;
  EXPECT_EQ(reader.sessions.begin(by_id, true, 0).error, ErrorCode::kFetchSessionTopicIdError);
  EXPECT_EQ(reader.begin(id, 1).error, ErrorCode::kNone);
  EXPECT_EQ(reader.begin(id, 1).error, ErrorCode::kInvalidFetchSessionEpoch);
}
TEST(FetchSessions, AnAnswerAfterAnotherRequestIsRefused) {
  Reader reader;
  const std::int32_t id = reader.create(1);
  reader.begin(id, 1);
  reader.begin(id, 2);
  std::vector<FetchSaid> late{said(10)};
  EXPECT_EQ(reader.sessions.answered(id, 1, late), ErrorCode::kInvalidFetchSessionEpoch);
}
TEST(FetchSessions, ASessionThatForgetsEverythingEnds) {
  Reader reader;
  const std::int32_t id = reader.create(1);
  EXPECT_TRUE(reader.begin(id, 1, {}, {PartitionId(0)}).ended);
  EXPECT_EQ(reader.begin(id, 2).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(reader.sessions.bytes(), 0U);
}
TEST(FetchSessions, IdsSayTheirShard) {
  for (std::size_t shard = 0; shard < 3; ++shard) {
    Reader reader(FetchSessions::Options{.shard = shard, .shards = 3, .seed = 7});
    for (int i = 0; i < 50; ++i) {
      const std::int32_t id = reader.create(1);
      ASSERT_GT(id, 0);
      EXPECT_EQ(FetchSessions::shard_of(id, 3), shard);
    }
  }
}
TEST(FetchSessions, AFullCacheGivesUpWhatIsStaleThenWhatIsOldAndSmall) {
  Reader reader(FetchSessions::Options{.slots_max = 2, .evict_ms = 100});
  const std::int32_t small = reader.create(1, 0);
  const std::int32_t big = reader.create(5, 0);
  EXPECT_EQ(reader.create(9, 50), 0) << "nobody is old enough";
  reader.begin(small, 1, {}, {}, 90);
  reader.begin(big, 1, {}, {}, 90);
  const std::int32_t next = reader.create(3, 150);
  EXPECT_NE(next, 0);
  EXPECT_EQ(reader.begin(small, 2, {}, {}, 150).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(reader.create(2, 150), 0) << "smaller than what is old";
  EXPECT_NE(reader.create(1, 500), 0) << "nobody used the others for long";
  EXPECT_EQ(reader.sessions.size(), 2U);
}
TEST(FetchSessions, NoSlotsNoSessions) {
  Reader reader(FetchSessions::Options{.slots_max = 0});
  EXPECT_EQ(reader.create(1), 0);
}
TEST(FetchSessions, MemoryIsBounded) {
  Reader reader(FetchSessions::Options{.bytes_max = 4000});
  EXPECT_EQ(reader.create(100), 0);
  const std::int32_t id = reader.create(2);
  ASSERT_NE(id, 0);
  std::vector<FetchRequest::Partition> many;
  for (std::int32_t i = 0; i < 100; ++i) many.push_back(asked(i));
  EXPECT_EQ(reader.begin(id, 1, std::move(many)).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(reader.sessions.bytes(), 0U);
}

}  // namespace
}  // namespace penstock::broker
