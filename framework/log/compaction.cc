#include "framework/log/compaction.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "framework/log/scan.h"
#include "framework/log/txn_index.h"

namespace penstock::log {
namespace {

constexpr std::uint64_t kWalkBytes = 4U << 20;
constexpr std::size_t kWriteBytes = 1U << 20;
constexpr auto kPause = std::chrono::milliseconds(20);

}  // namespace

CompactionTask::CompactionTask(Input input, const Clock& clock, SharedState state)
    : input_(std::move(input)),
      clock_(&clock),
      state_(std::move(state)),
      map_(input_.limits.map_bytes_max),
      latest_(input_.from - 1),
      cleaned_to_(input_.from) {}

Status CompactionTask::run(FileSystem& system) {
  now_ms_ = clock_->wall_ms();
  started_ns_ = clock_->steady_ns();
  auto done = write_all(system);
  if (done && !outputs_.empty()) done = stage(system);
  if (done || staged_) return done;
  output_.reset();
  // Left-overs are removed by the next open at the latest.
  for (const Source& source : input_.sources) remove_files(system, source.base);
  return done;
}

Status CompactionTask::write_all(FileSystem& system) {
  for (const Source& source : input_.sources) {
    PENSTOCK_ASSIGN_OR_RETURN(
        const auto some,
        read_txn_index(system, segment_stem(input_.directory, source.base) + ".txnindex"));
    aborted_.insert(aborted_.end(), some.begin(), some.end());
  }
  for (const Offset base : input_.later_segments) {
    PENSTOCK_ASSIGN_OR_RETURN(
        const auto some,
        read_txn_index(system, segment_stem(input_.directory, base) + ".txnindex"));
    aborted_.insert(aborted_.end(), some.begin(), some.end());
  }
  PENSTOCK_RETURN_IF_ERROR(build_map(system));
  const auto step = [this](const record::BatchView& batch) { return take(batch); };
  for (std::size_t i = 0; i < input_.sources.size() && input_.sources[i].base <= latest_; ++i) {
    if (!output_ || !fits(input_.sources[i])) {
      if (output_) PENSTOCK_RETURN_IF_ERROR(close_output(system));
      PENSTOCK_RETURN_IF_ERROR(open_output(system, i));
    }
    PENSTOCK_RETURN_IF_ERROR(walk(system, input_.sources[i], step));
    ++outputs_.back().sources;
  }
  if (output_) PENSTOCK_RETURN_IF_ERROR(close_output(system));
  cleaned_to_ = map_full_ ? latest_ + 1 : input_.to;
  return {};
}

Status CompactionTask::stage(FileSystem& system) {
  PENSTOCK_RETURN_IF_ERROR(system.sync_directory(input_.directory));
  if (input_.before_swap) PENSTOCK_RETURN_IF_ERROR(input_.before_swap());
  State writing = State::kWriting;
  if (!state_->compare_exchange_strong(writing, State::kStaging))
    return fail(Errc::kCancelled, "compaction of " + input_.directory);
  staged_ = true;
  for (const Output& output : outputs_) {
    // The log last: with it the others count.
    for (const char* kind : {".txnindex", ".timeindex", ".index", ".log"}) {
      const std::string path = segment_stem(input_.directory, output.base) + kind;
      if (!system.exists(path + kCleanedSuffix)) continue;
      PENSTOCK_RETURN_IF_ERROR(system.rename(path + kCleanedSuffix, path + kSwapSuffix));
    }
  }
  return system.sync_directory(input_.directory);
}

/// Every batch of the source, CRC checked, in order.
Status CompactionTask::walk(FileSystem& system, const Source& source, const BatchStep& step) {
  if (source.size == 0) return {};
  PENSTOCK_ASSIGN_OR_RETURN(
      const auto file,
      system.open(segment_stem(input_.directory, source.base) + ".log", OpenMode::kRead));
  Status status;
  ScanRange range;
  range.file_size = source.size;
  range.expected = source.base;
  range.contiguous = false;
  while (range.begin < source.size) {
    range.end = std::min(source.size, range.begin + kWalkBytes);
    PENSTOCK_ASSIGN_OR_RETURN(
        const ScanResult scan,
        scan_batches(*file, range, [&](const record::BatchView& batch, std::uint64_t) {
          if (status) status = step(batch);
        }));
    PENSTOCK_RETURN_IF_ERROR(status);
    if (scan.damage) return tl::make_unexpected(*scan.damage);
    bytes_read_ += scan.position - range.begin;
    PENSTOCK_RETURN_IF_ERROR(account(scan.position - range.begin));
    range.begin = scan.position;
    range.expected = scan.next;
  }
  return {};
}

/// Notices a cancellation and keeps to the rate.
Status CompactionTask::account(std::uint64_t) {
  while (true) {
    if (state_->load() == State::kCancelled)
      return fail(Errc::kCancelled, "compaction of " + input_.directory);
    if (input_.limits.bytes_per_second <= 0) return {};
    const double due_s =
        static_cast<double>(bytes_read_ + bytes_written_) / input_.limits.bytes_per_second;
    if (static_cast<double>(clock_->steady_ns() - started_ns_) >= due_s * 1e9) return {};
    std::this_thread::sleep_for(kPause);
  }
}

bool CompactionTask::is_aborted(const record::BatchHeader& header) const {
  return header.transactional() &&
         std::any_of(aborted_.begin(), aborted_.end(), [&](const ProducerState::Aborted& one) {
           return one.producer_id == header.producer_id && one.first <= header.base_offset &&
                  header.base_offset <= one.last;
         });
}

Status CompactionTask::build_map(FileSystem& system) {
  for (const Source& source : input_.sources) {
    if (source.next <= input_.from) continue;
    PENSTOCK_RETURN_IF_ERROR(
        walk(system, source, [this](const record::BatchView& batch) { return take_keys(batch); }));
    if (map_full_) return {};
    latest_ = std::max(latest_, source.next - 1);
  }
  return {};
}

Status CompactionTask::take_keys(const record::BatchView& batch) {
  const record::BatchHeader& header = batch.header();
  if (map_full_ || header.last_offset() < input_.from) return {};
  if (!header.control() && !is_aborted(header)) {
    PENSTOCK_ASSIGN_OR_RETURN(auto reader, record::RecordReader::open(batch));
    record::RecordView record;
    while (true) {
      PENSTOCK_ASSIGN_OR_RETURN(const bool more, reader.next(record));
      if (!more) break;
      if (record.offset < input_.from) continue;
      if (record.key && !map_.put(*record.key, record.offset)) {
        map_full_ = true;
        return {};
      }
      latest_ = std::max(latest_, record.offset);
    }
  }
  latest_ = std::max(latest_, header.last_offset());
  return {};
}

bool CompactionTask::fits(const Source& source) const {
  const std::uint64_t entries_to_come =
      source.size / static_cast<std::uint64_t>(std::max(input_.index_interval_bytes, 1)) + 1;
  return output_->size() + buffer_.size() + source.size <= input_.segment_bytes &&
         (output_->index_entries() + entries_to_come) * OffsetEntry::kBytes <= input_.index_bytes &&
         source.next - output_->base() <= INT32_MAX;
}

Status CompactionTask::open_output(FileSystem& system, std::size_t source) {
  const Offset base = input_.sources[source].base;
  remove_files(system, base);
  output_ = std::make_unique<Segment>(system, input_.directory, base, 0,
                                      input_.index_interval_bytes, kCleanedSuffix);
  PENSTOCK_RETURN_IF_ERROR(output_->create());
  output_changed_ = false;
  outputs_.push_back({base, 0, source, 0});
  return {};
}

Status CompactionTask::close_output(FileSystem& system) {
  PENSTOCK_RETURN_IF_ERROR(write_buffer());
  Output& done = outputs_.back();
  const auto segment = std::move(output_);
  if (done.sources == 1 && !output_changed_) {
    remove_files(system, done.base);
    outputs_.pop_back();
    return {};
  }
  PENSTOCK_RETURN_IF_ERROR(segment->seal());
  PENSTOCK_ASSIGN_OR_RETURN(const auto file, segment->file());
  PENSTOCK_RETURN_IF_ERROR(file->sync());
  done.size = segment->size();
  std::vector<ProducerState::Aborted> aborted;
  std::int64_t modified_ms = 0;
  for (std::size_t i = done.first_source; i < done.first_source + done.sources; ++i) {
    const std::string stem = segment_stem(input_.directory, input_.sources[i].base);
    PENSTOCK_ASSIGN_OR_RETURN(const auto some, read_txn_index(system, stem + ".txnindex"));
    aborted.insert(aborted.end(), some.begin(), some.end());
    PENSTOCK_ASSIGN_OR_RETURN(const FileStatus status, system.status(stem + ".log"));
    modified_ms = std::max(modified_ms, status.modified_ms);
  }
  if (!aborted.empty()) {
    // An empty index takes the old one's place.
    std::erase_if(aborted, [this](const ProducerState::Aborted& one) {
      return dropped_markers_.contains(one.last.value);
    });
    PENSTOCK_RETURN_IF_ERROR(
        system.open(segment->path(".txnindex"), OpenMode::kCreate).map([](const auto&) {}));
    PENSTOCK_RETURN_IF_ERROR(rewrite_txn_index(system, segment->path(".txnindex"), aborted));
    PENSTOCK_ASSIGN_OR_RETURN(const auto index,
                              system.open(segment->path(".txnindex"), OpenMode::kReadWrite));
    PENSTOCK_RETURN_IF_ERROR(index->sync());
  }
  return system.set_modified(segment->path(".log"), modified_ms);
}

void CompactionTask::remove_files(FileSystem& system, Offset base) const {
  for (const char* kind : {".log", ".index", ".timeindex", ".txnindex"}) {
    const std::string path = segment_stem(input_.directory, base) + kind + kCleanedSuffix;
    // What cannot be removed now is removed by the next open.
    if (system.exists(path) && !system.remove(path)) continue;
  }
}

bool CompactionTask::keeps(const record::BatchHeader& header,
                           const record::RecordView& record) const {
  if (record.offset > latest_) return true;
  if (!record.key) return false;
  if (const auto last = map_.find(*record.key); last && record.offset < *last) return false;
  const bool horizon_passed = header.has_delete_horizon() && header.base_timestamp_ms <= now_ms_;
  return record.value || !horizon_passed || record.offset >= input_.from;
}

bool CompactionTask::is_needed_empty(const record::BatchHeader& header) const {
  if (header.last_offset() + 1 >= input_.to) return true;
  const auto last = input_.last_of_producer.find(header.producer_id.value);
  return header.producer_id.value >= 0 && last != input_.last_of_producer.end() &&
         last->second == header.last_offset();
}

Status CompactionTask::take(const record::BatchView& batch) {
  const record::BatchHeader& header = batch.header();
  if (header.base_offset > latest_) return put(batch.bytes());
  if (header.control()) return filter_marker(batch);
  if (header.transactional()) with_data_.insert(header.producer_id.value);
  return is_aborted(header) ? drop(batch) : filter(batch);
}

Status CompactionTask::filter_marker(const record::BatchView& batch) {
  const record::BatchHeader& header = batch.header();
  PENSTOCK_ASSIGN_OR_RETURN(const auto marker, record::read_marker(batch));
  if (!marker) return put(batch.bytes());
  const bool ends_data = with_data_.erase(header.producer_id.value) > 0;
  // Of a producer without data the marker is all that says its epoch.
  const auto last = input_.last_of_producer.find(header.producer_id.value);
  const bool only_trace = last != input_.last_of_producer.end() && last->second == Offset::kNone;
  if (ends_data || only_trace || header.last_offset() + 1 >= input_.to) return put(batch.bytes());
  if (!header.has_delete_horizon())
    return rewrite(batch, std::vector<bool>(static_cast<std::size_t>(header.record_count), true),
                   delete_horizon_ms());
  if (header.base_timestamp_ms > now_ms_) return put(batch.bytes());
  dropped_markers_.insert(header.last_offset().value);
  output_changed_ = true;
  return {};
}

/// Nothing of the batch stays but its header, where that is needed.
Status CompactionTask::drop(const record::BatchView& batch) {
  const record::BatchHeader& header = batch.header();
  const bool needed = is_needed_empty(header);
  if (needed && header.record_count == 0) return put(batch.bytes());
  output_changed_ = true;
  return needed ? put(record::empty_batch(header)) : Status();
}

std::int64_t CompactionTask::delete_horizon_ms() const {
  return now_ms_ + std::min(input_.delete_retention_ms, INT64_MAX - now_ms_);
}

/// Data that was not aborted.
Status CompactionTask::filter(const record::BatchView& batch) {
  const record::BatchHeader& header = batch.header();
  std::vector<bool> keep;
  std::size_t kept = 0;
  bool tombstones = false;
  PENSTOCK_ASSIGN_OR_RETURN(auto reader, record::RecordReader::open(batch));
  record::RecordView record;
  while (true) {
    PENSTOCK_ASSIGN_OR_RETURN(const bool more, reader.next(record));
    if (!more) break;
    keep.push_back(keeps(header, record));
    if (!keep.back()) continue;
    ++kept;
    tombstones = tombstones || !record.value;
  }
  if (kept == 0) return drop(batch);
  std::optional<std::int64_t> horizon;
  if (header.has_delete_horizon()) horizon = header.base_timestamp_ms;
  const bool first_met = tombstones && !horizon && header.last_offset() <= latest_;
  if (first_met) horizon = delete_horizon_ms();
  if (kept == keep.size() && !first_met) return put(batch.bytes());
  return rewrite(batch, keep, horizon);
}

Status CompactionTask::rewrite(const record::BatchView& batch, const std::vector<bool>& keep,
                               std::optional<std::int64_t> horizon) {
  const record::BatchHeader& header = batch.header();
  record::BatchBuilder::Options options;
  options.codec = header.codec();
  options.producer_id = header.producer_id;
  options.producer_epoch = header.producer_epoch;
  options.base_sequence = header.base_sequence;
  options.transactional = header.transactional();
  options.control = header.control();
  options.leader_epoch = header.leader_epoch;
  options.delete_horizon_ms = horizon;
  record::BatchBuilder builder(options);
  PENSTOCK_ASSIGN_OR_RETURN(auto reader, record::RecordReader::open(batch));
  record::RecordView record;
  for (std::size_t i = 0; i < keep.size(); ++i) {
    PENSTOCK_ASSIGN_OR_RETURN(const bool more, reader.next(record));
    if (!more) break;
    if (!keep[i]) continue;
    builder.add_at(static_cast<std::int32_t>(record.offset - header.base_offset),
                   record.timestamp_ms, record.key, record.value, record.headers);
  }
  output_changed_ = true;
  return put(builder.finish_as(header));
}

Status CompactionTask::put(ByteView batch) {
  const auto header = record::parse_header(batch);
  if (!header) return tl::make_unexpected(header.error());
  output_->add(*header, output_->size() + buffer_.size());
  buffer_.insert(buffer_.end(), batch.begin(), batch.end());
  return buffer_.size() >= kWriteBytes ? write_buffer() : Status();
}

Status CompactionTask::write_buffer() {
  if (output_->size() + buffer_.size() > INT32_MAX) {
    return fail(Errc::kTooLarge, output_->path(".log") + " would pass 2 GiB");
  }
  if (buffer_.empty()) return {};
  PENSTOCK_RETURN_IF_ERROR(output_->write(buffer_));
  PENSTOCK_RETURN_IF_ERROR(output_->store_indexes(false));
  bytes_written_ += buffer_.size();
  buffer_.clear();
  return {};
}

}  // namespace penstock::log
