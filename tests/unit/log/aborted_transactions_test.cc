#include <gtest/gtest.h>

#include "framework/log/log_directory.h"
#include "tests/unit/log/batches.h"
#include "tests/unit/log/manual_clock.h"
#include "tests/unit/log/sim_file_system.h"

namespace penstock::log {
namespace {

constexpr const char* kFirstIndex = "/data/t-0/00000000000000000000.txnindex";

/// A log with one producer whose transactions are aborted.
class AbortedTransactions : public ::testing::Test {
 protected:
  AbortedTransactions() {
    config_.segment_bytes = 1000;
    config_.cleanup_policy = CleanupPolicy::kCompact;
    RecoveryReport report;
    auto log = Log::open(system_, clock_, "/data/t-0", config_, {}, report);
    EXPECT_TRUE(log) << log.error().text;
    log_ = std::move(*log);
  }
  static record::BatchBuilder::Options transaction(std::int32_t sequence) {
    record::BatchBuilder::Options options;
    options.producer_id = ProducerId(9);
    options.producer_epoch = ProducerEpoch(0);
    options.base_sequence = sequence;
    options.transactional = true;
    return options;
  }
  void put(std::string value, record::BatchBuilder::Options options = {}) {
    record::BatchBuilder builder(options);
    builder.add(1, "k", value);
    auto batch = builder.finish();
    ASSERT_TRUE(log_->append(batch, LeaderEpoch(0)));
  }
  static std::vector<std::byte> abort_marker() {
    record::BatchBuilder::Options options = transaction(-1);
    options.control = true;
    record::BatchBuilder marker(options);
    marker.add(1, std::string_view("\0\0\0\0", 4), std::string_view("\0\0\0\0\0\0", 6));
    return marker.finish();
  }
  void abort() {
    auto marker = abort_marker();
    ASSERT_TRUE(log_->append(marker, LeaderEpoch(0)));
  }
  bool flush() {
    const auto task = log_->begin_flush();
    if (!task) return false;
    EXPECT_TRUE(task->run(system_));
    log_->apply_flush(*task);
    return true;
  }
  /// An aborted transaction of one record; the disk takes its marker and no byte more.
  void abort_on_a_full_disk() {
    put("committed");
    put("aborted", transaction(0));
    flush();
    system_.bytes_max = system_.used_bytes() + abort_marker().size();
    abort();
    EXPECT_FALSE(system_.exists(kFirstIndex));
    flush();
    ASSERT_EQ(log_->flushed_end(), log_->end());
    system_.bytes_max = UINT64_MAX;
  }
  /// The values that a reader of committed records gets.
  std::vector<std::string> committed() {
    std::vector<std::string> out;
    const auto aborted = log_->aborted(log_->start(), log_->end());
    const auto read = log_->read(log_->start(), 1 << 20, log_->end(), true);
    EXPECT_TRUE(aborted && read);
    for (const FileRange& range : read->ranges) {
      const auto bytes = testing::read_bytes(range);
      for (std::size_t at = 0; at < bytes.size();) {
        const auto batch = record::BatchView::parse(ByteView(bytes).subspan(at));
        EXPECT_TRUE(batch);
        at += batch->header().size_bytes();
        const bool hidden = std::any_of(aborted->begin(), aborted->end(), [&](const auto& one) {
          return batch->header().transactional() && one.first <= batch->header().base_offset &&
                 batch->header().base_offset <= one.last;
        });
        if (hidden || batch->header().control() || batch->header().record_count == 0) continue;
        auto reader = record::RecordReader::open(*batch);
        record::RecordView record;
        while (*reader->next(record)) out.emplace_back(*record.value);
      }
    }
    return out;
  }

  testing::SimFileSystem system_;
  testing::ManualClock clock_;
  LogConfig config_;
  std::unique_ptr<Log> log_;
};

TEST_F(AbortedTransactions, CompactionWaitsUntilAFullDiskHasTakenTheirIndex) {
  ASSERT_NO_FATAL_FAILURE(abort_on_a_full_disk());
  ASSERT_TRUE(log_->roll());
  const auto too_early = log_->begin_compaction(log_->end(), {});
  ASSERT_TRUE(too_early);
  EXPECT_FALSE(*too_early);
  ASSERT_TRUE(flush());
  const auto range = log_->cleanable(log_->end());
  ASSERT_TRUE(range && *range);
  auto task = log_->begin_compaction(log_->end(), {});
  ASSERT_TRUE(task && *task);
  ASSERT_TRUE(log_->apply_compaction(**task, (*task)->run(system_)));
  flush();
  EXPECT_EQ(committed(), std::vector<std::string>{"committed"});
}

TEST_F(AbortedTransactions, ALookReadsWhatIsInTheRangeAndNotWhatComesLater) {
  constexpr std::int32_t kTransactions = 400;
  for (std::int32_t n = 0; n < kTransactions; ++n) {
    put("aborted", transaction(n));
    abort();
    put("committed");
  }
  ASSERT_GT(log_->segment_count(), 50U);
  const auto read = log_->read(Offset(600), 150, log_->end(), true);
  ASSERT_TRUE(read);
  EXPECT_LT(read->end, Offset(620));
  system_.opens.clear();
  system_.bytes_read = 0;
  const auto found = log_->aborted(read->first_batch_offset, read->end);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->front().first, Offset(600));
  EXPECT_LT(found->size(), 10U);
  int opens = 0;
  for (const auto& [path, times] : system_.opens) opens += path.ends_with(".txnindex") ? times : 0;
  EXPECT_LE(opens, 3);
  EXPECT_LT(system_.bytes_read, 1500U);
}

TEST_F(AbortedTransactions, EachReaderHearsOfThoseThatItsRecordsBelongTo) {
  std::vector<std::pair<std::int64_t, std::int64_t>> all;  // first, last
  std::int32_t sequence = 0;
  for (std::int64_t n = 0; n < 60; ++n) {
    const std::int64_t first = log_->end().value;
    for (std::int64_t i = 0; i <= n % 7; ++i) put("aborted", transaction(sequence++));
    if (n % 3 == 0) put("committed");
    abort();
    all.emplace_back(first, log_->end().value - 1);
    for (std::int64_t i = 0; i < n % 11; ++i) put("committed");
  }
  for (std::int64_t from = 0; from < log_->end().value; ++from) {
    for (const std::uint64_t bytes : {1U, 300U, 1500U}) {
      const auto read = log_->read(Offset(from), bytes, log_->end(), true);
      ASSERT_TRUE(read);
      Offset last;
      for (const FileRange& range : read->ranges) {
        const auto got = testing::read_bytes(range);
        for (std::size_t at = 0; at < got.size();) {
          const auto batch = record::BatchView::parse(ByteView(got).subspan(at));
          at += batch->header().size_bytes();
          last = batch->header().last_offset();
        }
      }
      ASSERT_GT(read->end, last);
      const auto found = log_->aborted(read->first_batch_offset, read->end);
      ASSERT_TRUE(found);
      for (const auto& [first, end] : all) {
        if (end < from || first > last.value) continue;
        EXPECT_TRUE(
            std::any_of(found->begin(), found->end(),
                        [first = first](const auto& one) { return one.first.value == first; }))
            << "from " << from << ": " << first;
      }
      for (const auto& one : *found) EXPECT_TRUE(one.last >= Offset(from) && one.first < read->end);
    }
  }
}

TEST_F(AbortedTransactions, AFlushStoresTheirIndexWhenNothingElseIsDue) {
  ASSERT_NO_FATAL_FAILURE(abort_on_a_full_disk());
  EXPECT_TRUE(flush());
  ASSERT_TRUE(system_.exists(kFirstIndex));
  EXPECT_FALSE(system_.files.at(kFirstIndex)->durable.empty());
  EXPECT_FALSE(flush()) << "nothing is left to do";
}

}  // namespace
}  // namespace penstock::log
