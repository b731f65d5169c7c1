#include "framework/connect/store/local_state.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <utility>

#include "framework/log/file_system.h"
#include "framework/log/log.h"
#include "framework/log/log_directory.h"
#include "framework/record/batch.h"

namespace penstock::connect {
namespace {

constexpr std::array<const char*, kStateTopics> kTopicNames = {"connect-configs", "connect-offsets",
                                                               "connect-status"};
constexpr std::uint64_t kReadBytes = std::uint64_t{1} << 20;
constexpr std::size_t kSnapshotBatchBytes = std::size_t{256} << 10;
constexpr std::int64_t kCheckpointEveryMs = 5'000;
constexpr std::uint64_t kLiveShareMin = 4;  // compact when less than one part in four is live

log::LogConfig log_config() {
  log::LogConfig config;
  config.segment_bytes = 64LL << 20;
  config.segment_ms = INT64_MAX;
  config.retention_ms = -1;
  config.file_delete_delay_ms = 0;
  return config;
}

using CheckpointWriter = std::function<Status()>;

class LocalStateLog final : public StateLog {
 public:
  LocalStateLog(log::FileSystem& files, const Clock& clock, std::unique_ptr<log::Log> log,
                std::uint64_t compact_bytes_min, CheckpointWriter checkpoint)
      : files_(files),
        clock_(clock),
        log_(std::move(log)),
        compact_bytes_min_(compact_bytes_min),
        checkpoint_(std::move(checkpoint)) {}

  Status load() {
    Offset at = log_->start();
    while (at < log_->end()) {
      PENSTOCK_ASSIGN_OR_RETURN(const auto found, log_->read(at, kReadBytes, log_->end(), true));
      for (const auto& range : found.ranges) {
        PENSTOCK_ASSIGN_OR_RETURN(at, replay(range));
      }
    }
    return {};
  }

  Status put(std::span<const StateEntry> entries) override {
    if (entries.empty()) return {};
    record::BatchBuilder batch;
    const auto now = clock_.wall_ms();
    for (const auto& entry : entries) batch.add(now, entry.key, as_view(entry.value));
    PENSTOCK_RETURN_IF_ERROR(append(batch));
    PENSTOCK_RETURN_IF_ERROR(sync());
    for (const auto& entry : entries) remember(entry.key, as_view(entry.value));
    // What was put is durable already: housekeeping that finds no room is tried again with the next
    // entries.
    if (auto kept = keep_house(); !kept && kept.error().code != Errc::kStorageFull) return kept;
    return {};
  }

  Status read_all(const Visitor& visit) override {
    for (const auto& [order, key] : in_order())
      visit(key, live_.find(std::string(key))->second.value);
    return {};
  }

  [[nodiscard]] log::Log& log() { return *log_; }

 private:
  struct Live {
    std::string value;
    std::uint64_t order = 0;
  };

  static std::optional<std::string_view> as_view(const std::optional<std::string>& value) {
    return value ? std::optional<std::string_view>(*value) : std::nullopt;
  }

  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::string_view>> in_order() const {
    std::vector<std::pair<std::uint64_t, std::string_view>> keys;
    keys.reserve(live_.size());
    for (const auto& [key, live] : live_) keys.emplace_back(live.order, key);
    std::ranges::sort(keys);
    return keys;
  }

  /// Returns the offset behind the last batch of the range.
  Result<Offset> replay(const log::FileRange& range) {
    std::vector<std::byte> bytes(range.length);
    PENSTOCK_ASSIGN_OR_RETURN(const auto n, range.file->read_at(range.position, bytes));
    if (n != bytes.size())
      return fail(Errc::kCorrupt, range.file->path() + " is shorter than its log");
    ByteView rest = bytes;
    Offset next;
    while (!rest.empty()) {
      PENSTOCK_ASSIGN_OR_RETURN(const auto batch, record::BatchView::parse(rest));
      PENSTOCK_ASSIGN_OR_RETURN(auto reader, record::RecordReader::open(batch));
      record::RecordView record;
      for (;;) {
        PENSTOCK_ASSIGN_OR_RETURN(const bool more, reader.next(record));
        if (!more) break;
        if (record.key) remember(*record.key, record.value);
      }
      next = batch.header().last_offset() + 1;
      rest = rest.subspan(batch.bytes().size());
    }
    return next;
  }

  void remember(std::string_view key, std::optional<std::string_view> value) {
    std::string name(key);
    if (const auto found = live_.find(name); found != live_.end()) {
      live_bytes_ -= name.size() + found->second.value.size();
      if (!value) live_.erase(found);
    }
    if (!value) return;
    live_bytes_ += name.size() + value->size();
    live_[std::move(name)] = Live{std::string(*value), ++order_};
  }

  Status append(record::BatchBuilder& batch) {
    auto bytes = batch.finish();
    PENSTOCK_RETURN_IF_ERROR(log_->append(bytes, LeaderEpoch(0)));
    return {};
  }

  Status sync() {
    if (const auto task = log_->begin_flush()) {
      if (auto ran = task->run(files_); !ran) {
        log_->set_offline(ran.error());
        return ran;
      }
      log_->apply_flush(*task);
    }
    return {};
  }

  Status keep_house() {
    if (clock_.steady_ms() - checkpointed_ms_ >= kCheckpointEveryMs) {
      checkpointed_ms_ = clock_.steady_ms();
      PENSTOCK_RETURN_IF_ERROR(checkpoint_());
    }
    const bool large = log_->size_bytes() > compact_bytes_min_;
    if (!large || live_bytes_ * kLiveShareMin >= log_->size_bytes()) return {};
    return compact();
  }

  Status compact() {
    PENSTOCK_RETURN_IF_ERROR(log_->roll());
    const Offset begin = log_->end();
    record::BatchBuilder batch;
    const auto now = clock_.wall_ms();
    for (const auto& [order, key] : in_order()) {
      batch.add(now, key, live_.find(std::string(key))->second.value);
      if (batch.size_bytes() < kSnapshotBatchBytes) continue;
      PENSTOCK_RETURN_IF_ERROR(append(batch));
    }
    if (batch.count() > 0) PENSTOCK_RETURN_IF_ERROR(append(batch));
    PENSTOCK_RETURN_IF_ERROR(sync());
    PENSTOCK_RETURN_IF_ERROR(log_->truncate_prefix(begin));
    PENSTOCK_RETURN_IF_ERROR(checkpoint_());
    log_->unlink_deleted();
    return {};
  }

  log::FileSystem& files_;
  const Clock& clock_;
  std::unique_ptr<log::Log> log_;
  std::uint64_t compact_bytes_min_;
  CheckpointWriter checkpoint_;
  std::int64_t checkpointed_ms_ = 0;
  std::unordered_map<std::string, Live> live_;
  std::uint64_t live_bytes_ = 0;
  std::uint64_t order_ = 0;
};

class LocalStateDirectory final : public LocalState {
 public:
  static Result<std::unique_ptr<LocalState>> open(log::FileSystem& files, const Clock& clock,
                                                  Options options) {
    auto state = std::unique_ptr<LocalStateDirectory>(new LocalStateDirectory);
    PENSTOCK_RETURN_IF_ERROR(files.create_directories(options.path));
    log::LogDirectory::Options where;
    where.path = options.path;
    PENSTOCK_ASSIGN_OR_RETURN(state->directory_, log::LogDirectory::open(files, clock, where));
    PENSTOCK_ASSIGN_OR_RETURN(const auto existing, state->directory_->partitions());
    for (std::size_t i = 0; i < kStateTopics; ++i) {
      const auto found =
          std::ranges::find(existing, kTopicNames[i], &log::LogDirectory::Found::topic);
      const Uuid id = state->ids_[i] =
          found == existing.end() || found->topic_id.is_zero() ? Uuid::random() : found->topic_id;
      log::RecoveryReport report;
      auto opened =
          state->directory_->open_log(kTopicNames[i], PartitionId(0), id, log_config(), report);
      if (!opened) return tl::make_unexpected(opened.error().in("state " + options.path));
      for (auto& note : report.notes)
        state->notes_.push_back(std::string(kTopicNames[i]) + ": " + std::move(note));
      state->logs_[i] = std::make_unique<LocalStateLog>(
          files, clock, std::move(*opened), options.compact_bytes_min,
          [raw = state.get()] { return raw->checkpoint(); });
      if (auto loaded = state->logs_[i]->load(); !loaded)
        return tl::make_unexpected(loaded.error().in(kTopicNames[i]));
    }
    return state;
  }

  StateLog& log(StateTopic topic) override { return *logs_[static_cast<std::size_t>(topic)]; }
  [[nodiscard]] const std::vector<std::string>& notes() const override { return notes_; }

  Status close() override {
    for (auto& log : logs_) PENSTOCK_RETURN_IF_ERROR(log->log().close());
    return directory_->close_clean(checkpoints());
  }

 private:
  LocalStateDirectory() = default;

  [[nodiscard]] std::vector<log::LogDirectory::Checkpoint> checkpoints() {
    std::vector<log::LogDirectory::Checkpoint> all;
    for (std::size_t i = 0; i < kStateTopics; ++i) {
      if (!logs_[i]) continue;
      auto& log = logs_[i]->log();
      all.push_back(
          {kTopicNames[i], PartitionId(0), ids_[i], log.flushed_end(), log.start(), log.end()});
    }
    return all;
  }
  Status checkpoint() { return directory_->write_checkpoints(checkpoints()); }

  std::unique_ptr<log::LogDirectory> directory_;
  std::array<Uuid, kStateTopics> ids_;
  std::array<std::unique_ptr<LocalStateLog>, kStateTopics> logs_;
  std::vector<std::string> notes_;
};

}  // namespace

Result<std::unique_ptr<LocalState>> LocalState::open(log::FileSystem& files, const Clock& clock,
                                                     Options options) {
  return LocalStateDirectory::open(files, clock, std::move(options));
}

Result<std::unique_ptr<LocalState>> LocalState::open(const Clock& clock, Options options) {
  // Configurations hold passwords: a folder that is made here is its owner's alone.
  std::error_code error;
  if (std::filesystem::create_directories(options.path, error) && !error) {
    std::filesystem::permissions(options.path, std::filesystem::perms::owner_all, error);
    if (error)
      return fail(Errc::kIo, "cannot make " + options.path + " private: " + error.message());
  }
  return LocalStateDirectory::open(log::posix_file_system(), clock, std::move(options));
}

}  // namespace penstock::connect
