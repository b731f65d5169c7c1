#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "framework/base/clock.h"
#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/log/file_system.h"
#include "framework/log/log.h"

namespace penstock::log {

/// One of `log.dirs`: an exclusive lock, meta.properties, checkpoints, the boot id, the
/// clean-shutdown marker, the reserve file.
///
/// Recovery. Before the recovery point, or the clean end, any bad or missing byte is corruption:
/// that partition goes offline with an exact error. Beyond it, same boot: scan from the last index
/// entry; only an incomplete final write is cut. Beyond it, other boot (or assume_power_cut): scan
/// from the recovery point, move everything from the first bad batch on to `<segment>.torn`,
/// report, come up. Bytes outside the CRC are checked too: epoch against leader-epoch-checkpoint,
/// base offset by continuity (not on logs that were ever compacted).
class LogDirectory {
 public:
  struct Options {
    std::string path;
    std::string cluster_id;  // written to a new meta.properties; must match an old one (empty: take
                             // what is there)
    BrokerId broker_id{0};
    bool assume_power_cut = false;
    std::uint64_t reserve_bytes =
        4ULL << 20;       // freed when the disk is full, so that metadata stays writable
    std::string boot_id;  // empty: /proc/sys/kernel/random/boot_id
  };
  /// kBusy when another process has it, kInvalid when it belongs to another cluster or broker.
  static Result<std::unique_ptr<LogDirectory>> open(FileSystem& system, const Clock& clock,
                                                    Options options);
  virtual ~LogDirectory() = default;
  LogDirectory() = default;
  LogDirectory(const LogDirectory&) = delete;
  LogDirectory& operator=(const LogDirectory&) = delete;

  [[nodiscard]] virtual const std::string& cluster_id() const = 0;
  [[nodiscard]] virtual const Uuid& directory_id() const = 0;
  [[nodiscard]] virtual const std::string& path() const = 0;
  /// `<topic>-<partition>` of every partition directory found, parsed; strays and .deleted
  /// directories left out. open_log() takes the topic ids that were read here as they were.
  struct Found {
    std::string topic;
    PartitionId partition;
    Uuid topic_id;
  };
  [[nodiscard]] virtual Result<std::vector<Found>> partitions() const = 0;
  /// The log must not outlive this directory.
  /// Opens or creates the partition's log, with the hint that the checkpoints give. Any thread, one
  /// partition once at a time.
  virtual Result<std::unique_ptr<Log>> open_log(const std::string& topic, PartitionId partition,
                                                const Uuid& topic_id, const LogConfig& config,
                                                RecoveryReport& report) = 0;
  /// Renames the directory to `<topic>-<partition>.<uuid>-delete`; remove_deleted() unlinks it
  /// later. Syncs to disk: not on a shard.
  virtual Status delete_log(std::unique_ptr<Log> log) = 0;
  /// The same for a partition that is not open. Nothing when its directory belongs to another topic
  /// id.
  virtual Status delete_partition(const std::string& topic, PartitionId partition,
                                  const Uuid& topic_id) = 0;
  virtual void remove_deleted() = 0;

  /// From replication-offset-checkpoint as it was at open; nullopt when it has no entry.
  [[nodiscard]] virtual std::optional<Offset> checkpointed_high_watermark(
      const std::string& topic, PartitionId partition) const = 0;

  struct Checkpoint {
    std::string topic;
    PartitionId partition;
    Uuid topic_id;
    Offset recovery_point;
    Offset log_start;
    Offset high_watermark;
    std::optional<Offset> cleaned_to = std::nullopt;
    std::optional<std::uint64_t> size_bytes = std::nullopt;  // of the log; for close_clean()
  };
  /// Writes recovery-point-, log-start-, replication- and cleaner-offset-checkpoint where they
  /// changed. Partitions that are not in `all` keep their entries; what is said of a topic that
  /// another one of the same name replaced meanwhile is dropped. A recovery point above what the
  /// log vouches for now (truncated meanwhile) is lowered. Any thread, one at a time.
  virtual Status write_checkpoints(const std::vector<Checkpoint>& all) = 0;
  /// After every log was closed (Log::close() succeeded) and before they are destroyed or after:
  /// checkpoints and the marker with end offsets. Leave out logs that are offline or were never
  /// opened: they are recovered at the next open. From here on nothing may be written.
  virtual Status close_clean(const std::vector<Checkpoint>& all) = 0;
  /// Gives the reserve back when the disk is full / takes it again when there is room.
  virtual void release_reserve() = 0;
  virtual bool restore_reserve() = 0;
};

}  // namespace penstock::log
