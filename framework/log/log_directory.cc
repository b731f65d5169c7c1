#include "framework/log/log_directory.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>

#include "framework/log/directory_files.h"
#include "framework/log/log_impl.h"

namespace penstock::log {
namespace {

constexpr const char* kLockFile = "/.lock";
constexpr const char* kMetaFile = "/meta.properties";
constexpr const char* kCleanMarker = "/.kafka_cleanshutdown";
constexpr const char* kCleanEnds = "/clean-end-offset-checkpoint";
constexpr const char* kCleanSizes = "/clean-end-size-checkpoint";
constexpr const char* kBootFile = "/.boot-id";
constexpr const char* kReserveFile = "/.reserve";
constexpr const char* kRecoveryPoints = "/recovery-point-offset-checkpoint";
constexpr const char* kLogStarts = "/log-start-offset-checkpoint";
constexpr const char* kHighWatermarks = "/replication-offset-checkpoint";
constexpr const char* kCleanedOffsets = "/cleaner-offset-checkpoint";
constexpr const char* kMarkerText = "{\"version\":0,\"brokerEpoch\":-1}";
constexpr std::size_t kFileNameMax = 255;

std::string system_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

bool is_deleted_name(const std::string& name) {
  constexpr std::string_view suffix = "-delete";
  return name.size() > suffix.size() &&
         name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0 &&
         name.find('.') != std::string::npos;
}

class LogDirectoryImpl final : public LogDirectory {
 public:
  LogDirectoryImpl(FileSystem& system, const Clock& clock, Options options)
      : system_(system), clock_(clock), options_(std::move(options)) {}

  Status start();

  const std::string& cluster_id() const override { return meta_.cluster_id; }
  const Uuid& directory_id() const override { return meta_.directory_id; }
  const std::string& path() const override { return options_.path; }
  Result<std::vector<Found>> partitions() const override;
  Result<std::unique_ptr<Log>> open_log(const std::string& topic, PartitionId partition,
                                        const Uuid& topic_id, const LogConfig& config,
                                        RecoveryReport& report) override;
  Status delete_log(std::unique_ptr<Log> log) override;
  Status delete_partition(const std::string& topic, PartitionId partition,
                          const Uuid& topic_id) override;
  void remove_deleted() override;
  std::optional<Offset> checkpointed_high_watermark(const std::string& topic,
                                                    PartitionId partition) const override;
  Status write_checkpoints(const std::vector<Checkpoint>& all) override;
  Status close_clean(const std::vector<Checkpoint>& all) override;
  void release_reserve() override;
  bool restore_reserve() override;

 private:
  struct OpenLog {
    Uuid topic_id;
    DurableLimit limit;
  };

  Status rename_deleted(const PartitionKey& key);
  Status load_meta();
  Status load_checkpoints();
  Status load_boot_record();
  RecoveryHint hint_for(const PartitionKey& key);
  bool was_found(const PartitionKey& key, const Uuid& topic_id) const;
  Status prepare_partition(const std::string& directory, const Uuid& topic_id);
  const OpenLog* find_open(const PartitionKey& key, const Uuid& topic_id) const;
  Status write_all_locked();
  Status write_if_changed(const char* name, const std::string& text);
  std::string at(const char* name) const { return options_.path + name; }

  FileSystem& system_;
  const Clock& clock_;
  Options options_;
  MetaProperties meta_;
  std::unique_ptr<File> lock_;
  // Guards all below: logs are opened and checkpoints written on pool threads.
  mutable std::mutex mutex_;
  std::map<PartitionKey, Offset> recovery_points_;
  std::map<PartitionKey, Offset> log_starts_;
  std::map<PartitionKey, Offset> high_watermarks_;
  std::map<PartitionKey, Offset> cleaned_offsets_;  // of every log that was ever compacted
  std::map<PartitionKey, Offset> clean_ends_;
  std::map<PartitionKey, Offset> clean_sizes_;      // bytes
  mutable std::map<PartitionKey, Uuid> topic_ids_;  // as partitions() found them
  std::map<PartitionKey, OpenLog> open_;
  BootRecord boot_;
  std::map<std::string, std::string> written_;  // last content of each checkpoint file
};

Status LogDirectoryImpl::start() {
  PENSTOCK_RETURN_IF_ERROR(system_.create_directories(options_.path));
  auto locked = system_.lock(at(kLockFile));
  if (!locked) {
    if (locked.error().code == Errc::kBusy)
      return fail(Errc::kBusy,
                  "log directory " + options_.path + " is in use: " + locked.error().text);
    return tl::make_unexpected(std::move(locked).error());
  }
  lock_ = std::move(*locked);
  PENSTOCK_RETURN_IF_ERROR(load_meta());
  PENSTOCK_RETURN_IF_ERROR(load_checkpoints());
  PENSTOCK_RETURN_IF_ERROR(load_boot_record());
  // From here on the directory is in use: a crash must not look like a clean stop.
  if (system_.exists(at(kCleanMarker))) {
    PENSTOCK_RETURN_IF_ERROR(system_.remove(at(kCleanMarker)));
    PENSTOCK_RETURN_IF_ERROR(system_.sync_directory(options_.path));
  }
  restore_reserve();
  return {};
}

Status LogDirectoryImpl::load_meta() {
  const std::string path = at(kMetaFile);
  const std::string node_id = std::to_string(options_.broker_id.value);
  if (!system_.exists(path)) {
    meta_.cluster_id = options_.cluster_id.empty() ? Uuid::random().text() : options_.cluster_id;
    meta_.node_id = node_id;
    meta_.directory_id = Uuid::random();
    return write_file_atomically(system_, path, format_meta_properties(meta_));
  }
  PENSTOCK_ASSIGN_OR_RETURN(meta_, read_meta_properties(system_, path));
  if (!options_.cluster_id.empty() && options_.cluster_id != meta_.cluster_id) {
    return fail(Errc::kInvalid, path + ": the directory belongs to cluster " + meta_.cluster_id +
                                    ", not " + options_.cluster_id);
  }
  if (meta_.node_id != node_id) {
    return fail(Errc::kInvalid,
                path + ": the directory belongs to broker " + meta_.node_id + ", not " + node_id);
  }
  if (meta_.directory_id.is_zero()) {
    meta_.directory_id = Uuid::random();
    return write_file_atomically(system_, path, format_meta_properties(meta_));
  }
  return {};
}

Status LogDirectoryImpl::load_checkpoints() {
  PENSTOCK_ASSIGN_OR_RETURN(recovery_points_, read_offsets(system_, at(kRecoveryPoints)));
  PENSTOCK_ASSIGN_OR_RETURN(log_starts_, read_offsets(system_, at(kLogStarts)));
  PENSTOCK_ASSIGN_OR_RETURN(high_watermarks_, read_offsets(system_, at(kHighWatermarks)));
  PENSTOCK_ASSIGN_OR_RETURN(cleaned_offsets_, read_offsets(system_, at(kCleanedOffsets)));
  if (!system_.exists(at(kCleanMarker))) return {};
  // Kafka leaves no end offsets: its logs are recovered from their recovery points.
  PENSTOCK_ASSIGN_OR_RETURN(clean_ends_, read_offsets(system_, at(kCleanEnds)));
  PENSTOCK_ASSIGN_OR_RETURN(clean_sizes_, read_offsets(system_, at(kCleanSizes)));
  return {};
}

Status LogDirectoryImpl::load_boot_record() {
  const std::string now = options_.boot_id.empty() ? system_boot_id() : options_.boot_id;
  PENSTOCK_ASSIGN_OR_RETURN(boot_, read_boot_record(system_, at(kBootFile)));
  if (boot_.boot_id == now && !now.empty() && !options_.assume_power_cut) return {};
  boot_.boot_id = now;
  PENSTOCK_ASSIGN_OR_RETURN(const auto names, system_.list(options_.path));
  for (const std::string& name : names) {
    if (auto key = parse_partition_name(name)) boot_.pending.insert(std::move(*key));
  }
  return write_file_atomically(system_, at(kBootFile), format_boot_record(boot_));
}

Result<std::vector<LogDirectory::Found>> LogDirectoryImpl::partitions() const {
  PENSTOCK_ASSIGN_OR_RETURN(const auto names, system_.list(options_.path));
  std::vector<Found> found;
  for (const std::string& name : names) {
    const auto key = parse_partition_name(name);
    if (!key) continue;
    PENSTOCK_ASSIGN_OR_RETURN(
        const Uuid id,
        read_partition_metadata(system_, options_.path + "/" + name + "/partition.metadata"));
    found.push_back({key->first, PartitionId(key->second), id});
  }
  const std::lock_guard guard(mutex_);
  topic_ids_.clear();
  for (const Found& one : found)
    if (!one.topic_id.is_zero()) topic_ids_[{one.topic, one.partition.value}] = one.topic_id;
  return found;
}

RecoveryHint LogDirectoryImpl::hint_for(const PartitionKey& key) {
  const std::lock_guard guard(mutex_);
  RecoveryHint hint;
  if (const auto it = clean_ends_.find(key); it != clean_ends_.end()) hint.clean_end = it->second;
  if (const auto it = clean_sizes_.find(key); it != clean_sizes_.end())
    hint.clean_bytes = static_cast<std::uint64_t>(it->second.value);
  if (const auto it = recovery_points_.find(key); it != recovery_points_.end())
    hint.recovery_point = it->second;
  if (const auto it = log_starts_.find(key); it != log_starts_.end()) hint.log_start = it->second;
  if (const auto it = cleaned_offsets_.find(key); it != cleaned_offsets_.end())
    hint.cleaned_to = it->second;
  hint.log_start_exact = true;
  hint.same_boot = !boot_.pending.contains(key);
  return hint;
}

bool LogDirectoryImpl::was_found(const PartitionKey& key, const Uuid& topic_id) const {
  const std::lock_guard guard(mutex_);
  const auto found = topic_ids_.find(key);
  return found != topic_ids_.end() && found->second == topic_id;
}

Status LogDirectoryImpl::prepare_partition(const std::string& directory, const Uuid& topic_id) {
  const std::string path = directory + "/partition.metadata";
  if (!system_.exists(directory)) {
    PENSTOCK_RETURN_IF_ERROR(system_.create_directories(directory));
    PENSTOCK_RETURN_IF_ERROR(system_.sync_directory(options_.path));
  }
  PENSTOCK_ASSIGN_OR_RETURN(const Uuid found, read_partition_metadata(system_, path));
  if (found.is_zero() && !topic_id.is_zero())
    return write_file_atomically(system_, path, format_partition_metadata(topic_id));
  if (!topic_id.is_zero() && found != topic_id) {
    return fail(Errc::kInvalid, directory + " holds a topic of id " + found.text() + ", not " +
                                    topic_id.text() + ": move it away or delete it");
  }
  return {};
}

Result<std::unique_ptr<Log>> LogDirectoryImpl::open_log(const std::string& topic,
                                                        PartitionId partition, const Uuid& topic_id,
                                                        const LogConfig& config,
                                                        RecoveryReport& report) {
  const PartitionKey key{topic, partition.value};
  const std::string directory = options_.path + "/" + partition_name(key);
  const RecoveryHint hint = hint_for(key);
  const bool must_exist =
      hint.recovery_point.value > 0 || hint.clean_end.value_or(Offset(0)).value > 0;
  if (!was_found(key, topic_id) && (!must_exist || system_.exists(directory)))
    PENSTOCK_RETURN_IF_ERROR(prepare_partition(directory, topic_id));
  PENSTOCK_ASSIGN_OR_RETURN(auto log,
                            LogImpl::open(system_, clock_, directory, config, hint, report));
  log->set_before_truncate([this, key](Offset to) -> Status {
    const std::lock_guard guard(mutex_);
    Offset& point = recovery_points_[key];
    if (point <= to) return {};
    point = to;
    if (const auto cleaned = cleaned_offsets_.find(key); cleaned != cleaned_offsets_.end())
      cleaned->second = std::min(cleaned->second, to);
    return write_all_locked();
  });
  log->set_before_swap([this, key, limit = log->durable_limit()](Offset cleaned_to) -> Status {
    const std::lock_guard guard(mutex_);
    // A compaction outlives its log for a moment.
    const auto open = open_.find(key);
    if (open == open_.end() || open->second.limit != limit)
      return fail(Errc::kCancelled, "compaction of " + partition_name(key));
    cleaned_offsets_.try_emplace(key, cleaned_to);
    return write_if_changed(kCleanedOffsets, format_offsets(cleaned_offsets_));
  });
  log->set_before_remove([this, key](Offset start) -> Status {
    const std::lock_guard guard(mutex_);
    Offset& kept = log_starts_[key];
    kept = std::max(kept, start);
    return write_if_changed(kLogStarts, format_offsets(log_starts_));
  });
  const std::lock_guard guard(mutex_);
  report.power_cut = !hint.same_boot && !hint.clean_end;
  if (const auto shown = high_watermarks_.find(key);
      shown != high_watermarks_.end() && shown->second > log->end()) {
    report.notes.push_back(
        "records that were acknowledged are lost: offsets " + std::to_string(log->end().value) +
        " to " + std::to_string(shown->second.value - 1) +
        " and perhaps later ones; the log ends at offset " + std::to_string(log->end().value));
  }
  open_[key] = {topic_id, log->durable_limit()};
  clean_ends_.erase(key);
  clean_sizes_.erase(key);
  topic_ids_.erase(key);
  boot_.pending.erase(key);
  if (report.loss_accepted) {
    recovery_points_[key] = std::min(recovery_points_[key], log->end());
    log_starts_[key] = log->start();
    PENSTOCK_RETURN_IF_ERROR(write_all_locked());
  }
  // A power cut took records that had been deleted already: the offsets above the new end will be
  // given out again.
  if (const auto start = log_starts_.find(key);
      start != log_starts_.end() && start->second > log->start()) {
    start->second = log->start();
    PENSTOCK_RETURN_IF_ERROR(write_if_changed(kLogStarts, format_offsets(log_starts_)));
  }
  return std::unique_ptr<Log>(std::move(log));
}

Status LogDirectoryImpl::delete_log(std::unique_ptr<Log> log) {
  const std::string directory = log->directory();
  log.reset();
  const std::string name = directory.substr(directory.rfind('/') + 1);
  const auto key = parse_partition_name(name);
  if (!key) return fail(Errc::kInvalid, directory + " is no partition of " + options_.path);
  return rename_deleted(*key);
}

Status LogDirectoryImpl::delete_partition(const std::string& topic, PartitionId partition,
                                          const Uuid& topic_id) {
  const PartitionKey key{topic, partition.value};
  const std::string directory = options_.path + "/" + partition_name(key);
  if (system_.exists(directory)) {
    PENSTOCK_ASSIGN_OR_RETURN(const Uuid found,
                              read_partition_metadata(system_, directory + "/partition.metadata"));
    if (!found.is_zero() && found != topic_id) return {};
  }
  return rename_deleted(key);
}

Status LogDirectoryImpl::rename_deleted(const PartitionKey& key) {
  const std::string name = partition_name(key);
  const std::string directory = options_.path + "/" + name;
  const std::lock_guard guard(mutex_);
  // The checkpoints first: a topic of the same name that comes later must not be judged by them.
  for (auto* offsets : {&recovery_points_, &log_starts_, &high_watermarks_, &clean_ends_,
                        &clean_sizes_, &cleaned_offsets_})
    offsets->erase(key);
  topic_ids_.erase(key);
  open_.erase(key);
  PENSTOCK_RETURN_IF_ERROR(write_all_locked());
  if (!system_.exists(directory)) return {};
  const Uuid id = Uuid::random();
  char suffix[64];
  std::snprintf(suffix, sizeof suffix, ".%016lx%016lx-delete", static_cast<unsigned long>(id.high),
                static_cast<unsigned long>(id.low));
  const std::string_view tail = suffix;
  PENSTOCK_RETURN_IF_ERROR(system_.rename(
      directory, options_.path + "/" + name.substr(0, kFileNameMax - tail.size()) + suffix));
  return system_.sync_directory(options_.path);
}

void LogDirectoryImpl::remove_deleted() {
  const auto names = system_.list(options_.path);
  if (!names) return;
  for (const std::string& name : *names) {
    // What cannot be removed now is tried at the next call.
    if (is_deleted_name(name) && !system_.remove_tree(options_.path + "/" + name)) continue;
  }
}

std::optional<Offset> LogDirectoryImpl::checkpointed_high_watermark(const std::string& topic,
                                                                    PartitionId partition) const {
  const std::lock_guard guard(mutex_);
  const auto found = high_watermarks_.find({topic, partition.value});
  return found == high_watermarks_.end() ? std::nullopt : std::optional(found->second);
}

Status LogDirectoryImpl::write_if_changed(const char* name, const std::string& text) {
  std::string& last = written_[name];
  if (last == text) return {};
  last.clear();
  PENSTOCK_RETURN_IF_ERROR(write_file_atomically(system_, at(name), text));
  last = text;
  return {};
}

Status LogDirectoryImpl::write_all_locked() {
  PENSTOCK_RETURN_IF_ERROR(write_if_changed(kLogStarts, format_offsets(log_starts_)));
  PENSTOCK_RETURN_IF_ERROR(write_if_changed(kRecoveryPoints, format_offsets(recovery_points_)));
  PENSTOCK_RETURN_IF_ERROR(write_if_changed(kHighWatermarks, format_offsets(high_watermarks_)));
  if (!cleaned_offsets_.empty() || system_.exists(at(kCleanedOffsets))) {
    PENSTOCK_RETURN_IF_ERROR(write_if_changed(kCleanedOffsets, format_offsets(cleaned_offsets_)));
  }
  return write_if_changed(kBootFile, format_boot_record(boot_));
}

/// The log that is open now, if it is the one of that topic.
const LogDirectoryImpl::OpenLog* LogDirectoryImpl::find_open(const PartitionKey& key,
                                                             const Uuid& topic_id) const {
  const auto at = open_.find(key);
  return at == open_.end() || at->second.topic_id != topic_id ? nullptr : &at->second;
}

Status LogDirectoryImpl::write_checkpoints(const std::vector<Checkpoint>& all) {
  const std::lock_guard guard(mutex_);
  for (const Checkpoint& one : all) {
    const PartitionKey key{one.topic, one.partition.value};
    const OpenLog* open = find_open(key, one.topic_id);
    if (open == nullptr) continue;  // deleted meanwhile
    recovery_points_[key] =
        std::min(one.recovery_point, Offset(open->limit->load(std::memory_order_acquire)));
    // A caller's value may be older than what remove_segments() has written meanwhile.
    log_starts_[key] = std::max(one.log_start, log_starts_[key]);
    high_watermarks_[key] = std::max(one.high_watermark, Offset(0));
    // Only what is durable is compacted, so a truncation meanwhile shows in the recovery point.
    if (one.cleaned_to) cleaned_offsets_[key] = std::min(*one.cleaned_to, recovery_points_[key]);
  }
  return write_all_locked();
}

Status LogDirectoryImpl::close_clean(const std::vector<Checkpoint>& all) {
  PENSTOCK_RETURN_IF_ERROR(write_checkpoints(all));
  const std::lock_guard guard(mutex_);
  std::map<PartitionKey, Offset> ends;
  std::map<PartitionKey, Offset> sizes;
  for (const Checkpoint& one : all) {
    const PartitionKey key{one.topic, one.partition.value};
    const OpenLog* open = find_open(key, one.topic_id);
    if (open == nullptr) continue;
    // A closed log has flushed up to its end.
    ends[key] = recovery_points_[key] = Offset(open->limit->load());
    if (one.size_bytes) sizes[key] = Offset(static_cast<std::int64_t>(*one.size_bytes));
  }
  // What was never opened is still as clean as it was.
  ends.insert(clean_ends_.begin(), clean_ends_.end());
  sizes.insert(clean_sizes_.begin(), clean_sizes_.end());
  PENSTOCK_RETURN_IF_ERROR(write_all_locked());
  PENSTOCK_RETURN_IF_ERROR(write_file_atomically(system_, at(kCleanSizes), format_offsets(sizes)));
  PENSTOCK_RETURN_IF_ERROR(write_file_atomically(system_, at(kCleanEnds), format_offsets(ends)));
  return write_file_atomically(system_, at(kCleanMarker), kMarkerText);
}

void LogDirectoryImpl::release_reserve() {
  if (!system_.exists(at(kReserveFile))) return;
  // Nothing follows from a failure here: the disk stays full, and the writer hears of it.
  if (const auto removed = system_.remove(at(kReserveFile)); !removed) return;
}

bool LogDirectoryImpl::restore_reserve() {
  if (options_.reserve_bytes == 0 || system_.exists(at(kReserveFile))) return true;
  const auto free = system_.free_bytes(options_.path);
  // Twice as much, or the reserve would be what fills the disk.
  if (!free || *free < 2 * options_.reserve_bytes) return false;
  const auto file = system_.open(at(kReserveFile), OpenMode::kCreate);
  const Status reserved =
      file ? (*file)->reserve(options_.reserve_bytes) : Status(tl::make_unexpected(file.error()));
  // Where nothing can be reserved, the empty file says so.
  if (reserved || reserved.error().code == Errc::kUnsupported) return true;
  release_reserve();
  return false;
}

}  // namespace

Result<std::unique_ptr<LogDirectory>> LogDirectory::open(FileSystem& system, const Clock& clock,
                                                         Options options) {
  auto directory = std::make_unique<LogDirectoryImpl>(system, clock, std::move(options));
  PENSTOCK_RETURN_IF_ERROR(directory->start());
  return directory;
}

}  // namespace penstock::log
