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

TEST_F(AbortedTransactions, AFlushStoresTheirIndexWhenNothingElseIsDue) {
  ASSERT_NO_FATAL_FAILURE(abort_on_a_full_disk());
  EXPECT_TRUE(flush());
  ASSERT_TRUE(system_.exists(kFirstIndex));
  EXPECT_FALSE(system_.files.at(kFirstIndex)->durable.empty());
  EXPECT_FALSE(flush()) << "nothing is left to do";
}

}  // namespace
}  // namespace penstock::log
