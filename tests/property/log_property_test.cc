#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <sstream>

#include "framework/log/log.h"
#include "tests/property/model_producers.h"
#include "tests/unit/log/batches.h"
#include "tests/unit/log/manual_clock.h"
#include "tests/unit/log/sim_file_system.h"

// Random operations, crashes and reopenings against a vector model. PENSTOCK_LOG_SEED repeats a
// run, PENSTOCK_LOG_ROUNDS makes it longer.
namespace penstock::log {
namespace {

using testing::ManualClock;
using testing::SimFileSystem;

constexpr const char* kDirectory = "/data/topic-0";

class Scenario {
 public:
  explicit Scenario(std::uint64_t seed) : random_(seed) {
    config_.segment_bytes = static_cast<std::int64_t>(500 + random_() % 3000);
    config_.index_interval_bytes = static_cast<std::int32_t>(random_() % 600);
    config_.retention_ms = -1;
    config_.file_delete_delay_ms = 10;
    EXPECT_TRUE(system_.create_directories("/data"));
  }

  void go(int steps) {
    ASSERT_NO_FATAL_FAILURE(open({}));
    for (int i = 0; i < steps; ++i) {
      SCOPED_TRACE("step " + std::to_string(i));
      ASSERT_NO_FATAL_FAILURE(step());
    }
    ASSERT_NO_FATAL_FAILURE(stop_cleanly());
    log_.reset();
    EXPECT_EQ(system_.open_files, 0);
  }

 private:
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  void step() {
    clock_.now_ms += static_cast<std::int64_t>(pick(50));
    if (removal_ && pick(4) == 0) {
      ASSERT_NO_FATAL_FAILURE(end_removal());
    }
    const std::uint64_t choice = pick(100);
    if (choice < 50) return append();
    if (choice < 55) return roll();
    if (choice < 65) return flush();
    if (choice < 70) return checkpoint();
    if (choice < 73) return truncate();
    if (choice < 76) return truncate_prefix();
    if (choice < 79) return retention();
    if (choice < 86) return read_somewhere();
    if (choice < 89) return look_up_time();
    if (choice < 91) return fill_disk();
    if (choice < 93) return scrub();
    if (choice < 95) return stop_cleanly();
    if (choice < 98) return kill_process();
    return lose_power();
  }

  void open(const RecoveryHint& hint) {
    log_.reset();
    if (removal_) {  // its log is gone
      const Status ran = removal_->run();
      ASSERT_FALSE(ran);
      EXPECT_EQ(ran.error().code, Errc::kCancelled);
      removal_.reset();
    }
    report_ = {};
    auto log = Log::open(system_, clock_, kDirectory, config_, hint, report_);
    ASSERT_TRUE(log) << log.error().text;
    log_ = std::move(*log);
  }

  RecoveryHint hint(bool same_boot) const {
    RecoveryHint result;
    result.recovery_point = recovery_point_;
    result.log_start = checkpointed_start_;
    result.same_boot = same_boot;
    return result;
  }

  /// `also` are those in front of it that are not in the model yet.
  Bytes random_batch(Offset base, const std::vector<ModelBatch>& also = {}) {
    record::BatchBuilder::Options options;
    if (pick(2) == 0) {
      const auto id = static_cast<std::int64_t>(pick(kProducers));
      ModelProducers state = producers();
      for (const ModelBatch& one : also) state.take(one);
      const ModelProducers::Producer producer = state.producers[id];
      if (producer.open_since && pick(3) == 0) {
        return marker_batch(id, pick(2) == 0 ? kAbort : kCommit, clock_.now_ms, LeaderEpoch(epoch_),
                            base);
      }
      options.producer_id = ProducerId(id);
      options.producer_epoch = ProducerEpoch(0);
      options.base_sequence = producer.next_sequence;
      options.transactional = producer.open_since || pick(2) == 0;
    }
    options.leader_epoch = LeaderEpoch(epoch_);
    record::BatchBuilder builder(options);
    const std::uint64_t count = 1 + pick(5);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string value(pick(120), static_cast<char>('a' + pick(26)));
      builder.add(clock_.now_ms + static_cast<std::int64_t>(pick(30)),
                  "k" + std::to_string(random_()), value);
    }
    return builder.finish(base);
  }

  void append() {
    if (pick(10) == 0) ++epoch_;
    Bytes wire;
    std::vector<ModelBatch> added;
    Offset next = log_->end();
    for (std::uint64_t i = 1 + pick(3); i > 0; --i) {
      const Bytes batch = random_batch(next, added);
      const auto header = record::parse_header(batch);
      ASSERT_TRUE(header);
      added.push_back({next, header->last_offset(), header->max_timestamp_ms, batch});
      wire.insert(wire.end(), batch.begin(), batch.end());
      next = header->last_offset() + 1;
    }
    const auto info = log_->append(wire, LeaderEpoch(epoch_));
    ASSERT_TRUE(info) << info.error().text;
    EXPECT_EQ(info->base_offset, added.front().base);
    EXPECT_EQ(log_->end(), next);
    last_append_batches_ = added.size();
    model_.insert(model_.end(), added.begin(), added.end());
  }

  void roll() {
    ASSERT_TRUE(log_->roll());
    last_append_batches_ = 0;
  }

  void flush() {
    const auto task = log_->begin_flush();
    if (!task) return;
    ASSERT_TRUE(task->run(system_));
    if (pick(4) == 0) append();  // what comes meanwhile is not part of it
    log_->apply_flush(*task);
    EXPECT_GE(log_->flushed_end(), task->up_to);
  }

  void checkpoint() {
    recovery_point_ = log_->flushed_end();
    checkpointed_start_ = log_->start();
  }

  void truncate() {
    const Offset to =
        log_->start() + static_cast<std::int64_t>(
                            pick(static_cast<std::uint64_t>(log_->end() - log_->start()) + 1));
    const Status truncated = log_->truncate(to);
    if (removal_ && !truncated) {  // it would end before the log may begin
      EXPECT_EQ(truncated.error().code, Errc::kBusy);
      return;
    }
    ASSERT_TRUE(truncated);
    if (removal_) {
      EXPECT_GE(log_->end(), removal_->asked);
    }
    while (!model_.empty() && model_.back().last >= to) model_.pop_back();
    last_append_batches_ = 0;
    recovery_point_ = std::min(recovery_point_, log_->end());
    if (checkpointed_start_) checkpointed_start_ = std::min(*checkpointed_start_, log_->start());
    check_all();
  }

  void truncate_prefix() {
    const Offset to =
        log_->start() + static_cast<std::int64_t>(
                            pick(static_cast<std::uint64_t>(log_->end() - log_->start()) + 1));
    if (removal_) {
      ASSERT_NO_FATAL_FAILURE(end_removal());
    }
    if (to <= log_->start()) return;
    if (pick(2) == 0) {  // other things happen before it is done
      auto task = log_->begin_truncate_prefix(to);
      ASSERT_TRUE(task && *task);
      removal_.emplace(std::move(**task));
      return;
    }
    ASSERT_TRUE(log_->truncate_prefix(to));
    EXPECT_EQ(log_->start(), to);
    durable_start(to);
    check_all();
  }

  /// What a log directory does before segments go.
  void durable_start(Offset start) {
    checkpointed_start_ = std::max(checkpointed_start_.value_or(start), start);
  }

  void end_removal() {
    const Status ran = removal_->run();
    ASSERT_TRUE(ran) << ran.error().text;
    durable_start(removal_->asked);
    const Offset to = std::max(log_->start(), removal_->asked);
    const auto removed = log_->apply_removal(*removal_, ran);
    removal_.reset();
    ASSERT_TRUE(removed) << removed.error().text;
    EXPECT_EQ(log_->start(), to);
    check_all();
  }

  /// As a reader beside the shard, now and then with an append in the middle.
  void check_cold_first(Offset from, std::uint64_t bytes_max) {
    auto task = log_->begin_cold(from, bytes_max, log_->end());
    if (!task) return;
    if (pick(3) == 0) append();
    const Status ran = task->run();
    ASSERT_TRUE(ran) << ran.error().text;
    if (pick(3) == 0) append();
    log_->apply_cold(*task, ran);
  }

  void retention() {
    LogConfig config = config_;
    config.retention_bytes = static_cast<std::int64_t>(pick(8000));
    if (pick(4) == 0) config.retention_ms = static_cast<std::int64_t>(pick(500));
    log_->set_config(config);
    const Offset below = log_->flushed_end();
    const auto removed = log_->apply_retention(below);
    ASSERT_TRUE(removed) << removed.error().text;
    EXPECT_LE(log_->start(), std::max(below, log_->start()));
    durable_start(log_->start());
    last_append_batches_ = 0;
    log_->set_config(config_);
    log_->unlink_deleted();
    check_all();
  }

  void check_read(Offset from, std::uint64_t bytes_max) {
    const auto result = log_->read(from, bytes_max, log_->end(), true);
    ASSERT_TRUE(result) << result.error().text;
    auto expected = std::find_if(model_.begin(), model_.end(),
                                 [&](const ModelBatch& batch) { return batch.last >= from; });
    if (from == log_->end()) {
      EXPECT_TRUE(result->ranges.empty());
      return;
    }
    ASSERT_FALSE(result->ranges.empty());
    ASSERT_NE(expected, model_.end());
    EXPECT_EQ(result->first_batch_offset, expected->base);
    std::uint64_t total = 0;
    for (const FileRange& range : result->ranges) {
      const Bytes bytes = testing::read_bytes(range);
      ASSERT_EQ(bytes.size(), range.length);
      for (std::size_t at = 0; at < bytes.size(); ++expected) {
        ASSERT_NE(expected, model_.end());
        ASSERT_LE(at + expected->bytes.size(), bytes.size());
        ASSERT_TRUE(std::equal(expected->bytes.begin(), expected->bytes.end(),
                               bytes.begin() + static_cast<std::ptrdiff_t>(at)))
            << "batch at offset " << expected->base.value;
        at += expected->bytes.size();
        total += expected->bytes.size();
      }
    }
    EXPECT_EQ(total, result->size_bytes);
  }

  void read_somewhere() {
    const Offset from =
        log_->start() + static_cast<std::int64_t>(
                            pick(static_cast<std::uint64_t>(log_->end() - log_->start()) + 1));
    const std::uint64_t bytes_max = pick(5000);
    if (pick(2) == 0) {
      ASSERT_NO_FATAL_FAILURE(check_cold_first(from, bytes_max));
    }
    check_read(from, bytes_max);
    EXPECT_FALSE(log_->read(log_->end() + 1, 100, log_->end(), true));
    if (log_->start().value > 0) {
      EXPECT_FALSE(log_->read(log_->start() - 1, 100, log_->end(), true));
    }
  }

  void look_up_time() {
    const std::int64_t wanted = clock_.now_ms - static_cast<std::int64_t>(pick(3000));
    std::optional<TimestampOffset> expected;
    for (const ModelBatch& one : model_) {
      if (expected || one.max_timestamp_ms < wanted || one.last < log_->start()) continue;
      const auto batch = record::BatchView::parse(one.bytes);
      ASSERT_TRUE(batch);
      auto reader = record::RecordReader::open(*batch);
      ASSERT_TRUE(reader);
      record::RecordView record;
      while (*reader->next(record)) {
        if (record.timestamp_ms < wanted || record.offset < log_->start() || expected) continue;
        expected =
            TimestampOffset{record.timestamp_ms, record.offset, batch->header().leader_epoch};
      }
    }
    if (pick(2) == 0) {
      TimeQuery query;
      query.timestamp_ms = wanted;
      query.below = log_->end();
      while (auto task = log_->begin_search(query)) {
        if (pick(3) == 0) append();
        const Status ran = task->run();
        const auto done = log_->apply_search(*task, ran);
        ASSERT_TRUE(done) << done.error().text;
        query = task->query;
        if (*done) break;
      }
      ASSERT_EQ(query.found.has_value(), expected.has_value());
      if (expected) {
        EXPECT_EQ(query.found->offset, expected->offset);
      }
      return;
    }
    const auto found = log_->find_timestamp(wanted, log_->end());
    ASSERT_TRUE(found) << found.error().text;
    ASSERT_EQ(found->has_value(), expected.has_value());
    if (expected) {
      EXPECT_EQ((*found)->offset, expected->offset);
    }
  }

  void fill_disk() {
    system_.bytes_max = system_.used_bytes() + pick(200);
    Bytes batch = random_batch(Offset(0));
    batch.resize(batch.size());
    const Offset end = log_->end();
    bool full = false;
    for (int i = 0; i < 5 && !full; ++i) {
      Bytes copy = random_batch(log_->end());
      const Bytes kept = copy;
      const auto info = log_->append(copy, LeaderEpoch(epoch_));
      full = !info;
      if (full) {
        EXPECT_EQ(info.error().code, Errc::kStorageFull);
      } else {
        const auto header = record::parse_header(copy);
        model_.push_back({info->base_offset, info->last_offset, header->max_timestamp_ms, copy});
      }
    }
    EXPECT_FALSE(log_->offline());
    EXPECT_GE(log_->end(), end);
    system_.bytes_max = UINT64_MAX;
    last_append_batches_ = 0;
    append();
    check_all();
  }

  void scrub() {
    while (true) {
      const auto done = testing::scrub(*log_, 1 + pick(4000));
      ASSERT_TRUE(done) << done.error().text;
      if (*done == 0) break;
    }
  }

  void stop_cleanly() {
    ASSERT_TRUE(log_->close());
    EXPECT_EQ(log_->flushed_end(), log_->end());
    const Offset end = log_->end();
    const Offset start = log_->start();
    const std::uint64_t size = log_->size_bytes();
    recovery_point_ = end;
    checkpointed_start_ = start;
    RecoveryHint clean = hint(pick(2) == 0);
    clean.clean_end = end;
    if (pick(2) == 0) clean.clean_bytes = size;
    ASSERT_NO_FATAL_FAILURE(open(clean));
    EXPECT_EQ(log_->end(), end);
    EXPECT_EQ(log_->start(), start);
    last_append_batches_ = 0;
    check_all();
  }

  void kill_process() {
    const Offset flushed = log_->flushed_end();
    const Offset end = log_->end();
    log_.reset();
    Offset expected_end = end;
    // Only the write that ran when the process died may be incomplete.
    if (last_append_batches_ > 0 && pick(2) == 0 &&
        model_.back().base >= std::max(flushed, recovery_point_)) {
      std::string newest;
      for (const auto& [name, inode] : system_.files) {
        if (name.size() > 4 && name.compare(name.size() - 4, 4, ".log") == 0) newest = name;
      }
      const std::uint64_t torn = 1 + pick(model_.back().bytes.size());
      system_.tear_last_write(newest, torn);
      expected_end = model_.back().base;
      model_.pop_back();
    }
    ASSERT_NO_FATAL_FAILURE(open(hint(true)));
    EXPECT_EQ(log_->end(), expected_end);
    EXPECT_EQ(report_.bytes_torn, 0U);
    last_append_batches_ = 0;
    check_all();
  }

  void lose_power() {
    const Offset flushed = log_->flushed_end();
    const Offset start = log_->start();
    log_.reset();
    std::ostringstream notes;
    system_.lose_power(random_);
    ASSERT_NO_FATAL_FAILURE(open(hint(false)));
    for (const std::string& note : report_.notes) notes << note << "\n";
    EXPECT_GE(log_->end(), flushed) << notes.str();
    EXPECT_LE(log_->start(), std::max(start, log_->end()));
    while (!model_.empty() && model_.back().last >= log_->end()) model_.pop_back();
    epoch_ = std::max(epoch_, log_->latest_epoch().value);
    last_append_batches_ = 0;
    check_all();
  }

  [[nodiscard]] ModelProducers producers() const {
    ModelProducers all;
    for (const ModelBatch& batch : model_) all.take(batch);
    return all;
  }

  /// What began below the log's start may be known in whole or in part: nothing is said of it.
  void check_producers() {
    const ModelProducers expected = producers();
    const Offset start = log_->start();
    const auto unstable = expected.first_unstable();
    if (!unstable || *unstable >= start) {
      EXPECT_EQ(log_->producers().first_unstable(), unstable.value_or(Offset::kNone));
    }
    for (const auto& [id, producer] : expected.producers) {
      if (producer.last == nullptr || producer.last->base < start) continue;
      const auto last = record::parse_header(producer.last->bytes);
      const SequenceCheck again = log_->producers().check(*last);
      EXPECT_EQ(again.verdict, SequenceVerdict::kDuplicate) << "producer " << id;
      EXPECT_EQ(again.duplicate_base_offset, producer.last->base);
      auto next = *last;
      next.base_sequence = producer.next_sequence;
      EXPECT_EQ(log_->producers().check(next).verdict, SequenceVerdict::kAppend);
      ++next.base_sequence;
      EXPECT_EQ(log_->producers().check(next).verdict, SequenceVerdict::kOutOfOrder);
    }
    check_aborted(expected, start, log_->end());
    const auto length = static_cast<std::uint64_t>(log_->end() - start) + 1;
    const Offset from = start + static_cast<std::int64_t>(pick(length));
    check_aborted(expected, from, from + static_cast<std::int64_t>(pick(30)));
  }

  void check_aborted(const ModelProducers& expected, Offset from, Offset to) {
    const auto found = log_->aborted(from, to);
    ASSERT_TRUE(found) << found.error().text;
    std::vector<ModelProducers::Aborted> got;
    for (const auto& one : *found) got.push_back({one.producer_id.value, one.first, one.last});
    std::sort(got.begin(), got.end(), [](const auto& a, const auto& b) { return a.last < b.last; });
    std::vector<ModelProducers::Aborted> wanted;
    for (const auto& one : expected.aborted) {
      if (one.last >= from && one.first < to) wanted.push_back(one);
    }
    // What is left of a transaction that began below the start may overlap with less.
    const auto began_below = [&](const auto& one) {
      return std::any_of(expected.aborted.begin(), expected.aborted.end(), [&](const auto& known) {
        return known.last == one.last && known.first < log_->start();
      });
    };
    std::erase_if(got, began_below);
    std::erase_if(wanted, began_below);
    EXPECT_EQ(got, wanted) << "in " << from.value << ".." << to.value;
  }

  void check_all() {
    ASSERT_NO_FATAL_FAILURE(check_producers());
    for (Offset at = log_->start(); at < log_->end();) {
      ASSERT_NO_FATAL_FAILURE(check_read(at, 3000));
      const auto result = log_->read(at, 3000, log_->end(), true);
      ASSERT_TRUE(result);
      for (const ModelBatch& batch : model_) {
        if (batch.last >= at) {
          at = batch.last + 1;
          break;
        }
      }
    }
  }

  std::mt19937_64 random_;
  SimFileSystem system_;
  ManualClock clock_;
  LogConfig config_;
  RecoveryReport report_;
  std::unique_ptr<Log> log_;
  std::optional<RemovalTask> removal_;  // under way
  std::vector<ModelBatch>
      model_;  // also what retention removed: it may come back after a power cut
  Offset recovery_point_{0};
  std::optional<Offset> checkpointed_start_;
  int epoch_ = 0;
  std::size_t last_append_batches_ = 0;
};

TEST(LogProperty, BehavesLikeAVectorThroughCrashesAndReopenings) {
  const char* seed_text = std::getenv("PENSTOCK_LOG_SEED");
  const char* rounds_text = std::getenv("PENSTOCK_LOG_ROUNDS");
  const std::uint64_t seed =
      seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : std::random_device()();
  const int rounds =
      rounds_text != nullptr ? std::atoi(rounds_text) : (seed_text != nullptr ? 1 : 400);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(4);
  int done = 0;
  for (; done < rounds; ++done) {
    if (rounds_text == nullptr && std::chrono::steady_clock::now() > deadline) break;
    const std::uint64_t one = seed + static_cast<std::uint64_t>(done);
    SCOPED_TRACE("PENSTOCK_LOG_SEED=" + std::to_string(one));
    Scenario scenario(one);
    scenario.go(150);
    if (HasFailure()) break;
  }
  std::cout << "seed " << seed << ", rounds " << done << "\n";
}

}  // namespace
}  // namespace penstock::log
