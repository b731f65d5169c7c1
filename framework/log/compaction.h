#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "framework/base/clock.h"
#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/log/compaction_map.h"
#include "framework/log/file_system.h"
#include "framework/log/producer_state.h"
#include "framework/log/segment.h"
#include "framework/record/batch.h"

namespace penstock::log {

/// What compaction could do now: [from, to) is dirty, everything below `from` is clean.
struct Cleanable {
  Offset from{0};
  Offset to{0};
  std::uint64_t clean_bytes = 0;
  std::uint64_t dirty_bytes = 0;
  bool overdue = false;  // max.compaction.lag.ms has passed
  [[nodiscard]] double dirty_ratio() const {
    const std::uint64_t all = clean_bytes + dirty_bytes;
    return all == 0 ? 0 : static_cast<double>(dirty_bytes) / static_cast<double>(all);
  }
};

struct CompactionLimits {
  std::uint64_t map_bytes_max = 128ULL << 20;  // keys beyond it wait for the next round
  double bytes_per_second = 0;                 // read and written together; 0: no limit
};

/// One round over immutable segments, for one pool thread; touches nothing of the log. Kafka's
/// rules: the last record of each key stays, at its offset; a batch that loses all its records
/// stays as an empty header while it holds an active producer's last sequence; tombstones get a
/// delete horizon when first met and go after it.
///
/// Files: `.cleaned` while they are written (worthless), synced, renamed to `.swap` (binding: an
/// open completes them), all before run() returns. apply_compaction() then takes the old ones away,
/// and the next flush of the directory lets the new ones take their names. Any subset of the new
/// segments may replace the old ones: what goes is superseded by what stays in either, and
/// tombstones go only when an earlier round has removed what they cover.
class CompactionTask {
 public:
  struct Source {
    Offset base;
    Offset next;
    std::uint64_t size = 0;
  };
  /// A new segment and how many of the old ones it stands for.
  struct Output {
    Offset base;
    std::uint64_t size = 0;
    std::size_t first_source = 0;
    std::size_t sources = 0;
  };
  enum class State : std::uint8_t { kWriting, kStaging, kCancelled };
  using SharedState = std::shared_ptr<std::atomic<State>>;
  struct Input {
    std::string directory;
    std::vector<Source> sources;         // from the first segment on
    std::vector<Offset> later_segments;  // whose transaction indexes may name what the sources hold
    Offset from{0};                      // first dirty offset
    Offset to{0};
    std::unordered_map<std::int64_t, Offset> last_of_producer;
    std::uint64_t segment_bytes = 0;
    std::uint64_t index_bytes = 0;
    std::int32_t index_interval_bytes = 0;
    std::int64_t delete_retention_ms = 0;
    CompactionLimits limits;
    std::uint64_t generation = 0;
    std::function<Status()> before_swap;  // makes it durable that this log was compacted
  };
  CompactionTask(Input input, const Clock& clock, SharedState state);
  CompactionTask(CompactionTask&&) = default;
  CompactionTask& operator=(CompactionTask&&) = delete;

  /// Errors: kCorrupt, kStorageFull, kIo, kCancelled; then apply_compaction() takes the error.
  Status run(FileSystem& system);

  [[nodiscard]] const Input& input() const { return input_; }
  [[nodiscard]] const std::vector<Output>& outputs() const { return outputs_; }
  /// Everything below is clean now; less than `to` when the map was full.
  [[nodiscard]] Offset cleaned_to() const { return cleaned_to_; }
  /// After a failure: some files may carry `.swap` already, so that only an open can say what the
  /// log is.
  [[nodiscard]] bool staged() const { return staged_; }
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }
  [[nodiscard]] std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  using BatchStep = std::function<Status(const record::BatchView&)>;
  Status write_all(FileSystem& system);
  Status stage(FileSystem& system);
  Status walk(FileSystem& system, const Source& source, const BatchStep& step);
  Status build_map(FileSystem& system);
  Status take_keys(const record::BatchView& batch);
  Status open_output(FileSystem& system, std::size_t source);
  Status close_output(FileSystem& system);
  [[nodiscard]] bool fits(const Source& source) const;
  Status take(const record::BatchView& batch);
  Status filter(const record::BatchView& batch);
  Status filter_marker(const record::BatchView& batch);
  Status drop(const record::BatchView& batch);
  [[nodiscard]] std::int64_t delete_horizon_ms() const;
  Status rewrite(const record::BatchView& batch, const std::vector<bool>& keep,
                 std::optional<std::int64_t> horizon);
  [[nodiscard]] bool keeps(const record::BatchHeader& header,
                           const record::RecordView& record) const;
  [[nodiscard]] bool is_needed_empty(const record::BatchHeader& header) const;
  [[nodiscard]] bool is_aborted(const record::BatchHeader& header) const;
  Status put(ByteView batch);
  Status write_buffer();
  Status account(std::uint64_t bytes);
  void remove_files(FileSystem& system, Offset base) const;

  Input input_;
  const Clock* clock_;
  SharedState state_;
  CompactionMap map_;
  bool map_full_ = false;
  Offset latest_;  // last offset that the map covers
  std::vector<ProducerState::Aborted> aborted_;
  /// Producers whose open transaction, in the order of offsets, still has batches in the log. An
  /// empty header counts, and so does what this round drops: a marker goes in a later round than
  /// its data.
  std::unordered_set<std::int64_t> with_data_;
  std::unordered_set<std::int64_t> dropped_markers_;  // offsets
  std::int64_t now_ms_ = 0;
  std::int64_t started_ns_ = 0;
  std::unique_ptr<Segment> output_;  // being written
  bool output_changed_ = false;
  std::vector<std::byte> buffer_;
  std::vector<Output> outputs_;
  Offset cleaned_to_{0};
  bool staged_ = false;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_written_ = 0;
};

inline constexpr const char* kCleanedSuffix = ".cleaned";
inline constexpr const char* kSwapSuffix = ".swap";

/// Finishes what a crash interrupted: removes `.cleaned` files, completes `.swap` segments. Before
/// the segments of `directory` are looked for, whose `names` are brought up to what is done.
/// kCorrupt when a `.swap` segment is damaged.
Status complete_swaps(FileSystem& system, const std::string& directory,
                      std::vector<std::string>& names, std::vector<std::string>& notes);

}  // namespace penstock::log
