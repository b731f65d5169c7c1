#include "tests/unit/log/compaction_fixture.h"

namespace penstock::log {
namespace {

TEST_F(Compaction, AbortedRecordsSupersedeNothing) {
  open();
  put("a", "committed");
  record::BatchBuilder::Options options;
  options.producer_id = ProducerId(5);
  options.producer_epoch = ProducerEpoch(0);
  options.base_sequence = 0;
  options.transactional = true;
  append({{"a", "aborted", 20}}, options);
  options.control = true;
  options.base_sequence = -1;
  record::BatchBuilder marker(options);
  marker.add(21, std::string_view("\0\0\0\0", 4), std::string_view("\0\0\0\0\0\1", 6));
  auto abort = marker.finish();
  ASSERT_TRUE(log_->append(abort, LeaderEpoch(0)));
  put("b", "1");
  put("b", "2");
  compact_fully();
  Records now;
  read_all(Offset(0), now);
  EXPECT_EQ(now.at(0).value, "committed");
  EXPECT_FALSE(now.contains(3));
  const auto aborted = log_->aborted(Offset(0), log_->end());
  ASSERT_TRUE(aborted);
  EXPECT_EQ(aborted->size(), 1U);
}

TEST_F(Compaction, MarkersGoAfterTheirDataAndDeleteRetention) {
  open();
  const auto transaction = [this](std::int64_t producer, const std::string& value, char type) {
    record::BatchBuilder::Options options;
    options.producer_id = ProducerId(producer);
    options.producer_epoch = ProducerEpoch(0);
    options.base_sequence = 0;
    options.transactional = true;
    append({{"a", value, clock_.now_ms}}, options);
    options.control = true;
    options.base_sequence = -1;
    record::BatchBuilder marker(options);
    const char key[4] = {0, 0, 0, type};
    marker.add(clock_.now_ms, std::string_view(key, 4), std::string_view("\0\0\0\0\0\1", 6));
    auto batch = marker.finish();
    ASSERT_TRUE(log_->append(batch, LeaderEpoch(0)));
  };
  const auto markers = [this] {
    Records now;
    std::vector<record::BatchHeader> headers;
    read_all(log_->start(), now, &headers);
    std::vector<std::pair<std::int64_t, bool>> found;
    for (const auto& header : headers) {
      if (header.control())
        found.emplace_back(header.base_offset.value, header.has_delete_horizon());
    }
    return found;
  };
  using Found = std::vector<std::pair<std::int64_t, bool>>;
  transaction(5, "aborted", 0);    // 0, 1
  transaction(6, "committed", 1);  // 2, 3
  put("a", "newer");               // 4
  // As if nobody had heard of the producers for a day: nothing is kept for them.
  log_->producers().expire(0, 1);
  log_->producers().expire(1'000, 1);
  const auto next_round = [this](const std::string& key) {
    put(key, "1");
    compact_fully();
  };
  next_round("b");
  EXPECT_EQ(markers(), (Found{{1, false}, {3, false}}));
  EXPECT_EQ(log_->aborted(Offset(0), log_->end())->size(), 1U);
  next_round("c");
  EXPECT_EQ(markers(), (Found{{1, true}, {3, true}}));
  EXPECT_EQ(log_->aborted(Offset(0), log_->end())->size(), 1U);
  next_round("d");
  EXPECT_EQ(markers(), (Found{{1, true}, {3, true}}));
  clock_.now_ms += config_.delete_retention_ms + 1;
  next_round("e");
  EXPECT_EQ(markers(), Found());
  EXPECT_TRUE(log_->aborted(Offset(0), log_->end())->empty());
  Records now;
  read_all(Offset(0), now);
  EXPECT_EQ(now.at(4).value, "newer");
  EXPECT_FALSE(now.contains(0));
  EXPECT_FALSE(now.contains(2));
  flush();
  open();
  EXPECT_EQ(markers(), Found());
  EXPECT_TRUE(log_->aborted(Offset(0), log_->end())->empty());
  EXPECT_EQ(log_->producers().first_unstable(), Offset::kNone);
}

}  // namespace
}  // namespace penstock::log
