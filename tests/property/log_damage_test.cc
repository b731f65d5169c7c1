#include <gtest/gtest.h>

#include "framework/log/log.h"
#include "tests/unit/log/batches.h"
#include "tests/unit/log/manual_clock.h"
#include "tests/unit/log/sim_file_system.h"

// A small log with every byte cut off and every bit flipped. The judge is the rule of recovery:
// below the recovery point or the clean end damage is refused (when opening or when reading),
// beyond it a power cut's damage is moved away and the rest comes up; never is a wrong byte served.
namespace penstock::log {
namespace {

using testing::ManualClock;
using testing::SimFileSystem;
using Bytes = std::vector<std::byte>;

constexpr const char* kDirectory = "/data/topic-0";
constexpr const char* kFirst = "/data/topic-0/00000000000000000000";
constexpr const char* kSecond = "/data/topic-0/00000000000000000004";

struct Outcome {
  bool refused = false;  // opening or reading said kCorrupt
  std::string error;
  std::vector<Bytes> batches;  // what was served
  Offset end;
  RecoveryReport report;
};

class LogDamage : public ::testing::Test {
 protected:
  LogDamage() {
    config_.index_interval_bytes = 0;
    for (int i = 0; i < 3; ++i)
      batches_.push_back(testing::make_batch(2, 1000 + 10 * i, "batch-" + std::to_string(i) + "-"));
    EXPECT_TRUE(golden_.create_directories("/data"));
    RecoveryReport report;
    auto log = Log::open(golden_, clock_, kDirectory, config_, {}, report);
    EXPECT_TRUE(log);
    for (std::size_t i = 0; i < batches_.size(); ++i) {
      if (i == 2) {
        EXPECT_TRUE((*log)->roll());
      }
      EXPECT_TRUE((*log)->append(batches_[i], LeaderEpoch(3)));
    }
    EXPECT_TRUE((*log)->close());
  }

  static void copy(const SimFileSystem& from, SimFileSystem& to) {
    EXPECT_TRUE(to.create_directories("/data"));
    for (const auto& [name, inode] : from.files) {
      to.files[name] = std::make_shared<SimFileSystem::Inode>(*inode);
    }
  }

  Outcome outcome(SimFileSystem& system, const RecoveryHint& hint) {
    Outcome result;
    auto log = Log::open(system, clock_, kDirectory, config_, hint, result.report);
    if (!log) {
      EXPECT_EQ(log.error().code, Errc::kCorrupt) << log.error().text;
      result.refused = true;
      result.error = log.error().text;
      return result;
    }
    result.end = (*log)->end();
    for (Offset at = (*log)->start(); at < (*log)->end();) {
      const auto read = (*log)->read(at, 1, (*log)->end(), true);
      if (!read) {
        EXPECT_EQ(read.error().code, Errc::kCorrupt) << read.error().text;
        result.refused = true;
        result.error = read.error().text;
        return result;
      }
      EXPECT_EQ(read->ranges.size(), 1U);
      if (read->ranges.empty()) break;
      const Bytes bytes = testing::read_bytes(read->ranges[0]);
      const auto batch = record::BatchView::parse(bytes);
      EXPECT_TRUE(batch);
      if (!batch) break;
      result.batches.push_back(bytes);
      at = batch->header().last_offset() + 1;
    }
    return result;
  }

  // What was served is a prefix of what was written.
  void expect_prefix(const Outcome& result) {
    ASSERT_LE(result.batches.size(), batches_.size());
    for (std::size_t i = 0; i < result.batches.size(); ++i)
      EXPECT_EQ(result.batches[i], batches_[i]);
  }

  template <class Damage>
  void expect_refused(const RecoveryHint& hint, const Damage& damage) {
    SimFileSystem system;
    copy(golden_, system);
    damage(system);
    const Outcome result = outcome(system, hint);
    EXPECT_TRUE(result.refused);
    EXPECT_NE(result.error.find("/data/topic-0"), std::string::npos) << result.error;
    expect_prefix(result);
  }

  static RecoveryHint all_durable(bool clean) {
    RecoveryHint hint;
    hint.recovery_point = Offset(6);
    hint.log_start = Offset(0);
    hint.log_start_exact = true;
    if (clean) hint.clean_end = Offset(6);
    hint.same_boot = false;
    return hint;
  }

  void for_each_bit(const std::string& file,
                    const std::function<void(std::size_t byte, int bit)>& body) {
    const std::size_t size = golden_.files.at(file)->now.size();
    for (std::size_t byte = 0; byte < size; ++byte) {
      for (int bit = 0; bit < 8; ++bit) {
        SCOPED_TRACE(file + " byte " + std::to_string(byte) + " bit " + std::to_string(bit));
        body(byte, bit);
        if (HasFailure()) return;
      }
    }
  }

  static void flip(SimFileSystem& system, const std::string& file, std::size_t byte, int bit) {
    system.files.at(file)->now[byte] ^= static_cast<std::byte>(1 << bit);
  }

  SimFileSystem golden_;
  ManualClock clock_;
  LogConfig config_;
  std::vector<Bytes> batches_;
};

TEST_F(LogDamage, EveryFlippedBitBelowTheCleanEndIsRefused) {
  for (const std::string& file : {std::string(kFirst) + ".log", std::string(kSecond) + ".log"}) {
    for_each_bit(file, [&](std::size_t byte, int bit) {
      for (const bool clean : {true, false}) {
        expect_refused(all_durable(clean),
                       [&](SimFileSystem& system) { flip(system, file, byte, bit); });
      }
    });
  }
}

TEST_F(LogDamage, EveryMissingEndBelowTheCleanEndIsRefused) {
  for (const std::string& file : {std::string(kFirst) + ".log", std::string(kSecond) + ".log"}) {
    for (std::size_t size = 0; size < golden_.files.at(file)->now.size(); ++size) {
      SCOPED_TRACE(file + " cut to " + std::to_string(size));
      for (const bool clean : {true, false}) {
        expect_refused(all_durable(clean),
                       [&](SimFileSystem& system) { system.files.at(file)->now.resize(size); });
      }
    }
    for (const bool clean : {true, false}) {
      expect_refused(all_durable(clean), [&](SimFileSystem& system) { system.files.erase(file); });
    }
  }
}

TEST_F(LogDamage, EveryFlippedBitBehindTheRecoveryPointIsTornAfterAPowerCut) {
  RecoveryHint hint;
  hint.recovery_point = Offset(2);
  const std::size_t first_size = golden_.files.at(std::string(kFirst) + ".log")->now.size();
  for (const std::string& file : {std::string(kFirst) + ".log", std::string(kSecond) + ".log"}) {
    for_each_bit(file, [&](std::size_t byte, int bit) {
      const bool second = file == std::string(kSecond) + ".log";
      const bool below = !second && byte < first_size / 2;
      SimFileSystem system;
      copy(golden_, system);
      flip(system, file, byte, bit);
      const Outcome result = outcome(system, hint);
      expect_prefix(result);
      EXPECT_EQ(result.refused, below) << result.error;
      if (below) return;
      EXPECT_EQ(result.batches.size(), second ? 2U : 1U);
      EXPECT_EQ(result.report.bytes_torn,
                second ? batches_[2].size() : batches_[1].size() + batches_[2].size());
      EXPECT_FALSE(result.report.notes.empty());
    });
  }
}

TEST_F(LogDamage, EveryCutBehindTheRecoveryPointComesUpAfterAPowerCut) {
  RecoveryHint hint;
  hint.recovery_point = Offset(2);
  for (std::size_t size = 0; size < batches_[2].size(); ++size) {
    SCOPED_TRACE(size);
    SimFileSystem system;
    copy(golden_, system);
    system.files.at(std::string(kSecond) + ".log")->now.resize(size);
    const Outcome result = outcome(system, hint);
    EXPECT_FALSE(result.refused) << result.error;
    expect_prefix(result);
    EXPECT_EQ(result.batches.size(), 2U);
    EXPECT_EQ(result.report.bytes_torn, size);
  }
}

TEST_F(LogDamage, OnTheSameBootOnlyAnIncompleteFinalWriteIsCut) {
  RecoveryHint hint;
  hint.recovery_point = Offset(2);
  hint.same_boot = true;
  const std::string file = std::string(kSecond) + ".log";
  for (std::size_t size = 0; size < batches_[2].size(); ++size) {
    SCOPED_TRACE(size);
    SimFileSystem system;
    copy(golden_, system);
    system.files.at(file)->now.resize(size);
    const Outcome result = outcome(system, hint);
    EXPECT_FALSE(result.refused) << result.error;
    expect_prefix(result);
    EXPECT_EQ(result.batches.size(), 2U);
    EXPECT_EQ(result.report.bytes_cut, size);
  }
  for (const std::string& damaged : {std::string(kFirst) + ".log", file}) {
    for_each_bit(damaged, [&](std::size_t byte, int bit) {
      expect_refused(hint, [&](SimFileSystem& system) { flip(system, damaged, byte, bit); });
    });
  }
}

TEST_F(LogDamage, DamagedIndexesAreRebuiltEqual) {
  // A log with several entries per segment.
  SimFileSystem golden;
  EXPECT_TRUE(golden.create_directories("/data"));
  RecoveryReport report;
  auto log = Log::open(golden, clock_, kDirectory, config_, {}, report);
  ASSERT_TRUE(log);
  std::vector<Bytes> written;
  for (int i = 0; i < 8; ++i) {
    if (i == 4) {
      ASSERT_TRUE((*log)->roll());
    }
    written.push_back(testing::make_batch(1 + i % 3, 1000 + 10 * (i ^ 1)));
    ASSERT_TRUE((*log)->append(written.back(), LeaderEpoch(0)));
  }
  const Offset end = (*log)->end();
  ASSERT_TRUE((*log)->close());
  log->reset();
  RecoveryHint hint;
  hint.clean_end = hint.recovery_point = end;
  for (const auto& [name, inode] : golden.files) {
    if (name.find("index") == std::string::npos) continue;
    const auto check = [&](const std::function<void(Bytes&)>& damage) {
      SimFileSystem system;
      copy(golden, system);
      damage(system.files.at(name)->now);
      RecoveryReport ignored;
      auto reopened = Log::open(system, clock_, kDirectory, config_, hint, ignored);
      ASSERT_TRUE(reopened) << reopened.error().text;
      for (Offset at(0); at < end; at = at + 1) {
        const auto read = (*reopened)->read(at, 1, end, true);
        ASSERT_TRUE(read) << read.error().text;
        ASSERT_FALSE(read->ranges.empty());
        const Bytes bytes = testing::read_bytes(read->ranges[0]);
        const auto batch = record::BatchView::parse(bytes);
        ASSERT_TRUE(batch);
        EXPECT_TRUE(batch->header().base_offset <= at && at <= batch->header().last_offset());
      }
      for (std::int64_t timestamp = 995; timestamp < 1090; ++timestamp) {
        const auto found = (*reopened)->find_timestamp(timestamp, end);
        ASSERT_TRUE(found) << found.error().text;
        std::optional<Offset> expected;
        for (const Bytes& bytes : written) {
          const auto batch = record::BatchView::parse(bytes);
          auto reader = record::RecordReader::open(*batch);
          record::RecordView record;
          while (*reader->next(record)) {
            if (!expected && record.timestamp_ms >= timestamp) expected = record.offset;
          }
        }
        ASSERT_EQ(found->has_value(), expected.has_value()) << timestamp;
        if (expected) {
          EXPECT_EQ((*found)->offset, *expected) << timestamp;
        }
      }
      ASSERT_TRUE((*reopened)->close());
      EXPECT_EQ(system.files.at(name)->now, inode->now) << "not rebuilt equal";
    };
    for (std::size_t byte = 0; byte < inode->now.size(); ++byte) {
      for (int bit = 0; bit < 8; ++bit) {
        SCOPED_TRACE(name + " byte " + std::to_string(byte) + " bit " + std::to_string(bit));
        check([&](Bytes& bytes) { bytes[byte] ^= static_cast<std::byte>(1 << bit); });
        if (HasFailure()) return;
      }
      SCOPED_TRACE(name + " cut to " + std::to_string(byte));
      check([&](Bytes& bytes) { bytes.resize(byte); });
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace penstock::log
