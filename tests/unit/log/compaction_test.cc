#include <gtest/gtest.h>

#include <random>

#include "framework/log/log_directory.h"
#include "tests/unit/log/batches.h"
#include "tests/unit/log/manual_clock.h"
#include "tests/unit/log/sim_file_system.h"

namespace penstock::log {
namespace {

using testing::SimFileSystem;

struct Record {
  std::string key;
  std::optional<std::string> value;
  std::int64_t timestamp_ms = 0;
  bool operator==(const Record&) const = default;
};
using Records = std::map<std::int64_t, Record>;

std::map<std::string, std::optional<std::string>> last_values(const Records& records) {
  std::map<std::string, std::optional<std::string>> out;
  for (const auto& [offset, record] : records) out[record.key] = record.value;
  std::erase_if(out, [](const auto& item) { return !item.second; });
  return out;
}

class Compaction : public ::testing::Test {
 protected:
  Compaction() {
    config_.cleanup_policy = CleanupPolicy::kCompact;
    config_.segment_bytes = 1000;
    config_.index_interval_bytes = 200;
    config_.retention_ms = -1;
    config_.delete_retention_ms = 5000;
  }
  void open(const std::string& boot = "boot") {
    log_.reset();
    directory_.reset();
    LogDirectory::Options options;
    options.path = "/data";
    options.cluster_id = "cluster";
    options.boot_id = boot;
    options.reserve_bytes = 0;
    auto directory = LogDirectory::open(system_, clock_, options);
    ASSERT_TRUE(directory) << directory.error().text;
    directory_ = std::move(*directory);
    RecoveryReport report;
    auto log = directory_->open_log("t", PartitionId(0), id_, config_, report);
    ASSERT_TRUE(log) << log.error().text;
    log_ = std::move(*log);
  }
  void append(const std::vector<Record>& records, record::BatchBuilder::Options options = {}) {
    record::BatchBuilder builder(options);
    for (const Record& one : records) {
      builder.add(one.timestamp_ms, one.key,
                  one.value ? std::optional<std::string_view>(*one.value) : std::nullopt);
    }
    auto batch = builder.finish();
    const auto appended = log_->append(batch, LeaderEpoch(0));
    ASSERT_TRUE(appended) << appended.error().text;
    for (std::size_t i = 0; i < records.size(); ++i)
      all_[appended->base_offset.value + static_cast<std::int64_t>(i)] = records[i];
  }
  void put(const std::string& key, std::optional<std::string> value) {
    append({{key, std::move(value), clock_.now_ms}});
  }
  void flush() {
    const auto task = log_->begin_flush();
    if (!task) return;
    const auto ran = task->run(system_);
    if (ran)
      log_->apply_flush(*task);
    else
      log_->set_offline(ran.error());
  }
  Status checkpoint() {
    return directory_->write_checkpoints({{"t", PartitionId(0), id_, log_->flushed_end(),
                                           log_->start(), log_->end(), log_->cleaned_to()}});
  }
  /// One round; false when there was nothing to do.
  Result<bool> compact(std::uint64_t map_bytes = 1U << 20) {
    flush();
    CompactionLimits limits;
    limits.map_bytes_max = map_bytes;
    PENSTOCK_ASSIGN_OR_RETURN(auto task, log_->begin_compaction(log_->end(), limits));
    if (!task) return false;
    const Status ran = task->run(system_);
    PENSTOCK_RETURN_IF_ERROR(log_->apply_compaction(*task, ran));
    flush();
    PENSTOCK_RETURN_IF_ERROR(checkpoint());
    return true;
  }
  void compact_fully(std::uint64_t map_bytes = 1U << 20) {
    if (const auto rolled = log_->roll(); !rolled) FAIL() << rolled.error().text;
    for (int i = 0; i < 100; ++i) {
      const auto done = compact(map_bytes);
      ASSERT_TRUE(done) << done.error().text;
      if (!*done) return;
    }
    FAIL() << "compaction does not come to an end";
  }
  /// What a reader that begins at `from` gets; batches may begin before it.
  void read_all(Offset from, Records& out, std::vector<record::BatchHeader>* headers = nullptr) {
    while (from < log_->end()) {
      const auto result = log_->read(from, 700, log_->end(), true);
      ASSERT_TRUE(result) << result.error().text;
      if (result->ranges.empty()) return;
      for (const FileRange& range : result->ranges) {
        const auto bytes = testing::read_bytes(range);
        for (std::size_t at = 0; at < bytes.size();) {
          const auto batch = record::BatchView::parse(ByteView(bytes).subspan(at));
          ASSERT_TRUE(batch && batch->crc_matches());
          ASSERT_GE(batch->header().last_offset(), from);
          if (headers != nullptr) headers->push_back(batch->header());
          auto reader = record::RecordReader::open(*batch);
          ASSERT_TRUE(reader);
          record::RecordView record;
          while (true) {
            const auto more = reader->next(record);
            ASSERT_TRUE(more) << more.error().text;
            if (!*more) break;
            std::optional<std::string> value;
            if (record.value) value = std::string(*record.value);
            out[record.offset.value] = {std::string(record.key.value_or("")), value,
                                        record.timestamp_ms};
          }
          from = batch->header().last_offset() + 1;
          at += batch->header().size_bytes();
        }
      }
    }
  }
  /// Nothing is there that was never written, nothing that counts is missing, at whatever offset a
  /// reader begins.
  void check(bool every_offset = false) {
    Records now;
    ASSERT_NO_FATAL_FAILURE(read_all(log_->start(), now));
    for (const auto& [offset, record] : now) {
      ASSERT_TRUE(all_.contains(offset)) << offset;
      ASSERT_EQ(all_.at(offset), record) << offset;
    }
    ASSERT_EQ(last_values(now), last_values(all_));
    for (std::int64_t from = log_->start().value; every_offset && from < log_->end().value;
         ++from) {
      Records some;
      ASSERT_NO_FATAL_FAILURE(read_all(Offset(from), some));
      std::erase_if(some, [&](const auto& item) { return item.first < from; });
      Records expected(now.lower_bound(from), now.end());
      ASSERT_EQ(some, expected) << from;
    }
  }

  SimFileSystem system_;
  testing::ManualClock clock_;
  LogConfig config_;
  Uuid id_ = Uuid::random();
  Records all_;
  std::unique_ptr<LogDirectory> directory_;
  std::unique_ptr<Log> log_;
};

TEST_F(Compaction, KeepsTheLastRecordOfEachKeyAtItsOffset) {
  open();
  for (int i = 0; i < 300; ++i) put("k" + std::to_string(i % 7), "v" + std::to_string(i));
  const std::uint64_t before = log_->size_bytes();
  compact_fully();
  check(true);
  Records now;
  read_all(Offset(0), now);
  EXPECT_EQ(now.size(), 7U);
  EXPECT_EQ(now.rbegin()->first, 299);
  EXPECT_EQ(log_->end(), Offset(300));
  EXPECT_LT(log_->size_bytes(), before / 10);
  EXPECT_LE(log_->segment_count(), 3U);
  EXPECT_EQ(log_->cleaned_to(), Offset(300));
}

TEST_F(Compaction, NeverTouchesTheActiveSegmentNorWhatLiesBeyondTheLimit) {
  open();
  for (int i = 0; i < 100; ++i) put("k", "v" + std::to_string(i));
  flush();
  const auto range = log_->cleanable(Offset(50));
  ASSERT_TRUE(range && *range);
  EXPECT_LE((*range)->to, Offset(50));
  auto task = log_->begin_compaction(Offset(50), {});
  ASSERT_TRUE(task && *task);
  const Status ran = (*task)->run(system_);
  ASSERT_TRUE(ran) << ran.error().text;
  ASSERT_TRUE(log_->apply_compaction(**task, ran));
  flush();
  Records now;
  read_all(Offset(0), now);
  for (std::int64_t i = 50; i < 100; ++i) EXPECT_TRUE(now.contains(i)) << i;
  EXPECT_LT(now.size(), 100U);
}

TEST_F(Compaction, TombstonesStayForDeleteRetentionThenGo) {
  open();
  put("a", "1");
  put("b", "1");
  put("a", std::nullopt);
  compact_fully();
  Records now;
  std::vector<record::BatchHeader> headers;
  read_all(Offset(0), now, &headers);
  ASSERT_EQ(now.size(), 2U);
  EXPECT_FALSE(now.at(2).value);
  EXPECT_TRUE(headers.back().has_delete_horizon());
  EXPECT_EQ(headers.back().base_timestamp_ms, clock_.now_ms + 5000);
  EXPECT_EQ(now.at(2).timestamp_ms, all_.at(2).timestamp_ms);
  put("c", "1");
  compact_fully();
  now.clear();
  read_all(Offset(0), now);
  EXPECT_TRUE(now.contains(2));
  clock_.now_ms += 5001;
  put("c", "2");
  compact_fully();
  now.clear();
  read_all(Offset(0), now);
  EXPECT_FALSE(now.contains(2));
  check(true);
}

TEST_F(Compaction, AnActiveProducersLastBatchStaysAsAnEmptyHeader) {
  open();
  record::BatchBuilder::Options options;
  options.producer_id = ProducerId(9);
  options.producer_epoch = ProducerEpoch(2);
  options.base_sequence = 0;
  append({{"a", "1", 10}, {"b", "1", 11}}, options);
  put("a", "2");
  put("b", "2");
  put("c", "2");
  compact_fully();
  std::vector<record::BatchHeader> headers;
  Records now;
  read_all(Offset(0), now, &headers);
  ASSERT_FALSE(headers.empty());
  EXPECT_EQ(headers[0].record_count, 0);
  EXPECT_EQ(headers[0].producer_id, ProducerId(9));
  EXPECT_EQ(headers[0].base_sequence, 0);
  EXPECT_EQ(headers[0].last_offset(), Offset(1));
  // Without any snapshot the state comes from the batches.
  std::erase_if(system_.files, [](const auto& item) { return item.first.ends_with(".snapshot"); });
  open();
  record::BatchHeader next;
  next.producer_id = ProducerId(9);
  next.producer_epoch = ProducerEpoch(2);
  next.base_sequence = 2;
  EXPECT_EQ(log_->producers().check(next).verdict, SequenceVerdict::kAppend);
  next.base_sequence = 5;
  EXPECT_EQ(log_->producers().check(next).verdict, SequenceVerdict::kOutOfOrder);
}

TEST_F(Compaction, ASmallMapTakesSeveralRounds) {
  open();
  for (int i = 0; i < 200; ++i) put("k" + std::to_string(i % 50), "v" + std::to_string(i));
  ASSERT_TRUE(log_->roll());
  ASSERT_TRUE(compact(20 * CompactionMap::kSlotBytes));
  EXPECT_LT(log_->cleaned_to(), Offset(100));
  check();
  compact_fully(20 * CompactionMap::kSlotBytes);
  EXPECT_EQ(log_->cleaned_to(), Offset(200));
  check(true);
  Records now;
  read_all(Offset(0), now);
  // Superseded by a later round's keys only where that round met them again.
  EXPECT_EQ(last_values(now).size(), 50U);
}

TEST_F(Compaction, ALogThatWasCompactedIsSoundAfterItsPolicyBecomesDelete) {
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  compact_fully();
  config_.cleanup_policy = CleanupPolicy::kDelete;
  log_->set_config(config_);
  check(true);
  put("x", "1");
  flush();
  ASSERT_TRUE(checkpoint());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(testing::scrub(*log_, 1000));
  open();
  check(true);
  open("another boot");
  check(true);
}

TEST_F(Compaction, RetentionWorksOnACompactedLog) {
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  compact_fully();
  config_.cleanup_policy = CleanupPolicy::kCompactAndDelete;
  config_.retention_ms = 1000;
  log_->set_config(config_);
  clock_.now_ms += 2000;
  put("k0", "new");
  const auto removed = log_->apply_retention(log_->end());
  ASSERT_TRUE(removed) << removed.error().text;
  EXPECT_GT(*removed, 0);
  EXPECT_EQ(log_->start(), Offset(100));
}

TEST_F(Compaction, SegmentsAreNotRemovedWhileTheyAreCompacted) {
  config_.cleanup_policy = CleanupPolicy::kCompactAndDelete;
  config_.retention_ms = 1000;
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  flush();
  auto task = log_->begin_compaction(log_->end(), {});
  ASSERT_TRUE(task && *task);
  clock_.now_ms += 2000;
  EXPECT_EQ(*log_->apply_retention(log_->end()), 0);
  ASSERT_TRUE(log_->truncate_prefix(Offset(40)));
  const Status ran = (*task)->run(system_);
  ASSERT_TRUE(ran) << ran.error().text;
  EXPECT_EQ(log_->truncate(Offset(45)).error().code, Errc::kBusy);
  ASSERT_TRUE(log_->apply_compaction(**task, ran));
  flush();
  EXPECT_EQ(log_->start(), Offset(40));
  EXPECT_GT(*log_->apply_retention(log_->end()), 0);
}

TEST_F(Compaction, ATruncationCancelsIt) {
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  flush();
  auto task = log_->begin_compaction(log_->end(), {});
  ASSERT_TRUE(task && *task);
  ASSERT_TRUE(log_->truncate(Offset(45)));
  const Status ran = (*task)->run(system_);
  EXPECT_EQ(ran.error().code, Errc::kCancelled);
  EXPECT_FALSE(log_->apply_compaction(**task, ran));
  all_.erase(all_.lower_bound(45), all_.end());
  for (const auto& [name, inode] : system_.files)
    EXPECT_EQ(name.find(kCleanedSuffix), std::string::npos) << name;
  compact_fully();
  check(true);
}

TEST_F(Compaction, AFullDiskLeavesTheLogAsItWas) {
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i), "v");
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  flush();
  auto task = log_->begin_compaction(log_->end(), {});
  ASSERT_TRUE(task && *task);
  system_.bytes_max = system_.used_bytes() + 500;
  const Status ran = (*task)->run(system_);
  EXPECT_EQ(ran.error().code, Errc::kStorageFull);
  EXPECT_FALSE(log_->apply_compaction(**task, ran));
  EXPECT_FALSE(log_->offline());
  check();
  system_.bytes_max = UINT64_MAX;
  compact_fully();
  check(true);
}

TEST_F(Compaction, DamageIsReportedAndNothingChanges) {
  open();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i % 3), "v" + std::to_string(i));
  flush();
  system_.files.at("/data/t-0/00000000000000000000.log")->now[100] ^= std::byte{1};
  auto task = log_->begin_compaction(log_->end(), {});
  ASSERT_TRUE(task && *task);
  const Status ran = (*task)->run(system_);
  EXPECT_EQ(ran.error().code, Errc::kCorrupt);
  EXPECT_FALSE(log_->apply_compaction(**task, ran));
  for (const auto& [name, inode] : system_.files)
    EXPECT_EQ(name.find(kCleanedSuffix), std::string::npos) << name;
}

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

TEST_F(Compaction, MinAndMaxLagAreObeyed) {
  config_.min_compaction_lag_ms = 10'000;
  open();
  for (int i = 0; i < 100; ++i) put("k", "v" + std::to_string(i));
  flush();
  EXPECT_FALSE(*log_->cleanable(log_->end()));
  clock_.now_ms += 20'000;
  config_.max_compaction_lag_ms = 30'000;
  log_->set_config(config_);
  ASSERT_TRUE(*log_->cleanable(log_->end()));
  EXPECT_FALSE((*log_->cleanable(log_->end()))->overdue);
  clock_.now_ms += 20'000;
  EXPECT_TRUE((*log_->cleanable(log_->end()))->overdue);
}

class RandomCompaction : public Compaction, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  void some_batch(std::mt19937_64& random) {
    static constexpr record::Codec kCodecs[] = {record::Codec::kNone, record::Codec::kGzip,
                                                record::Codec::kSnappy, record::Codec::kLz4,
                                                record::Codec::kZstd};
    record::BatchBuilder::Options options;
    options.codec = kCodecs[random() % 5];
    const std::uint64_t producer = random() % 4;
    std::vector<Record> records(1 + random() % 5);
    if (producer < 3) {
      options.producer_id = ProducerId(static_cast<std::int64_t>(producer));
      options.producer_epoch = ProducerEpoch(0);
      options.base_sequence = sequences_[producer];
      sequences_[producer] += static_cast<std::int32_t>(records.size());
    }
    for (Record& record : records) {
      record.key = "key-" + std::to_string(random() % 30);
      if (random() % 5 != 0) record.value = "value-" + std::to_string(random() % 100'000);
      record.timestamp_ms = clock_.now_ms + static_cast<std::int64_t>(random() % 100) - 50;
    }
    append(records, options);
  }
  void check_producers() {
    for (std::int64_t id = 0; id < 3; ++id) {
      record::BatchHeader next;
      next.producer_id = ProducerId(id);
      next.producer_epoch = ProducerEpoch(0);
      next.base_sequence = sequences_[static_cast<std::size_t>(id)];
      EXPECT_EQ(log_->producers().check(next).verdict, SequenceVerdict::kAppend) << id;
    }
  }
  std::int32_t sequences_[3] = {0, 0, 0};
};

TEST_P(RandomCompaction, ReadsAsBefore) {
  std::mt19937_64 random(GetParam());
  config_.segment_bytes = static_cast<std::int64_t>(400 + random() % 2000);
  open();
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    for (std::uint64_t i = random() % 40; i > 0; --i) ASSERT_NO_FATAL_FAILURE(some_batch(random));
    clock_.now_ms += static_cast<std::int64_t>(random() % 6000);
    if (random() % 4 == 0) {
      ASSERT_TRUE(log_->roll());
    }
    const auto done = compact((8 + random() % 64) * CompactionMap::kSlotBytes);
    ASSERT_TRUE(done) << done.error().text;
    ASSERT_NO_FATAL_FAILURE(check(round == 11));
    if (random() % 3 == 0) {
      ASSERT_NO_FATAL_FAILURE(open(random() % 2 == 0 ? "boot" : "boot " + std::to_string(round)));
      check_producers();
    }
  }
  std::erase_if(system_.files, [](const auto& item) { return item.first.ends_with(".snapshot"); });
  open();
  check_producers();
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomCompaction, ::testing::Range<std::uint64_t>(1, 9));

class CrashInCompaction : public RandomCompaction {
 protected:
  /// The state in front of the round that crashes: a log that was compacted once, with tombstones
  /// due and more to do.
  void prepare(std::uint64_t seed) {
    system_ = {};
    clock_ = {};
    all_.clear();
    std::fill(std::begin(sequences_), std::end(sequences_), 0);
    std::mt19937_64 random(seed);
    ASSERT_NO_FATAL_FAILURE(open());
    for (int i = 0; i < 30; ++i) some_batch(random);
    ASSERT_NO_FATAL_FAILURE(compact_fully());
    clock_.now_ms += 6000;
    for (int i = 0; i < 60; ++i) some_batch(random);
    ASSERT_TRUE(log_->roll());
    flush();
    ASSERT_TRUE(checkpoint());
  }
  void recover(const std::string& boot) {
    log_.reset();
    directory_.reset();
    system_.operations_left = UINT64_MAX;
    ASSERT_NO_FATAL_FAILURE(open(boot));
    ASSERT_NO_FATAL_FAILURE(check());
    check_producers();
    for (const auto& [name, inode] : system_.files) {
      EXPECT_FALSE(name.ends_with(kCleanedSuffix) || name.ends_with(kSwapSuffix)) << name;
    }
    ASSERT_NO_FATAL_FAILURE(compact_fully());
    ASSERT_NO_FATAL_FAILURE(check());
  }
};

TEST_P(CrashInCompaction, RecoversAtEveryFileOperation) {
  ASSERT_NO_FATAL_FAILURE(prepare(GetParam()));
  const std::uint64_t begin = system_.operations;
  ASSERT_TRUE(compact());
  ASSERT_TRUE(log_->begin_flush() == std::nullopt);
  const std::uint64_t count = system_.operations - begin;
  ASSERT_GT(count, 20U);
  for (std::uint64_t left = 0; left <= count; ++left) {
    for (const bool power_cut : {false, true}) {
      SCOPED_TRACE("crash after " + std::to_string(left) + " of " + std::to_string(count) +
                   (power_cut ? ", power cut" : ""));
      ASSERT_NO_FATAL_FAILURE(prepare(GetParam()));
      system_.operations_left = left;
      if (const auto done = compact(); !done && left == count) FAIL() << done.error().text;
      log_.reset();
      directory_.reset();
      std::mt19937_64 random(GetParam() * 1000 + left);
      if (power_cut) system_.lose_power(random);
      ASSERT_NO_FATAL_FAILURE(recover(power_cut ? "next boot" : "boot"));
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, CrashInCompaction, ::testing::Range<std::uint64_t>(1, 3));

}  // namespace
}  // namespace penstock::log
