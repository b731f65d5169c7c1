#include <random>

#include "tests/unit/log/compaction_fixture.h"

namespace penstock::log {
namespace {

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
