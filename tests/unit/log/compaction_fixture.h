#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "framework/log/log_directory.h"
#include "tests/unit/log/batches.h"
#include "tests/unit/log/manual_clock.h"
#include "tests/unit/log/sim_file_system.h"

namespace penstock::log {

using testing::SimFileSystem;

struct Record {
  std::string key;
  std::optional<std::string> value;
  std::int64_t timestamp_ms = 0;
  bool operator==(const Record&) const = default;
};
using Records = std::map<std::int64_t, Record>;

inline std::map<std::string, std::optional<std::string>> last_values(const Records& records) {
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

}  // namespace penstock::log
