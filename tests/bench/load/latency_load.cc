#include <algorithm>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>

#include "framework/protocol/messages/fetch.h"
#include "framework/record/batch.h"
#include "tests/bench/load/loads.h"
#include "tests/bench/load/requests.h"

namespace penstock::bench {
namespace {

constexpr std::size_t kInFlightMax = 5;
constexpr std::size_t kBatchBytesMax = 16 << 10;  // batch.size
constexpr std::int64_t kCompactedEveryNs = 20'000'000;
constexpr std::int64_t kDrainNs = 10'000'000'000;

/// One producer with linger.ms=0: whatever is due goes out in one batch as soon as fewer than five
/// requests are open, so a slow broker gets larger batches, as from Kafka's own client.
class LatencyRun {
 public:
  explicit LatencyRun(const LatencyOptions& options)
      : options_(options),
        producer_(options.bootstrap),
        consumer_(options.bootstrap),
        side_(options.bootstrap),
        offsets_(static_cast<std::size_t>(options.partitions), 0),
        value_(std::max<std::size_t>(options.record_bytes, sizeof(std::int64_t)), 'v') {
    if (!options.compacted_topic.empty()) {
      for (std::uint64_t i = 0; i < 32; ++i)
        side_frames_.push_back(
            produce_frame(options.compacted_topic, 0, batch_of(200, kBatchBytesMax, true, i * 31)));
    }
  }

  nlohmann::json run();

 private:
  [[nodiscard]] std::int64_t due_ns(std::int64_t number) const {
    return began_ + number * 1'000'000'000 / options_.rate;
  }
  void send_due(std::int64_t now);
  void send_side(std::int64_t now);
  void ask();
  void read_answers();
  void take_records(ByteView records, std::int64_t now);

  const LatencyOptions& options_;
  Wire producer_;
  Wire consumer_;
  Wire side_;
  std::vector<std::int64_t> offsets_;
  std::string value_;
  std::vector<std::vector<std::byte>> side_frames_;
  std::size_t side_next_ = 0;
  std::int64_t side_due_ = 0;
  std::int64_t began_ = 0;
  std::int64_t wall_began_ms_ = 0;  // the same moment; retention goes by it
  std::int64_t total_ = 0;
  std::int64_t warm_until_ = 0;
  std::int64_t sent_ = 0;
  std::int64_t received_ = 0;
  std::size_t open_ = 0;
  std::uint64_t requests_ = 0;
  std::vector<std::uint32_t> latencies_us_;
};

void LatencyRun::send_due(std::int64_t now) {
  while (open_ < kInFlightMax && sent_ < total_ && due_ns(sent_) <= now) {
    record::BatchBuilder builder;
    while (sent_ < total_ && due_ns(sent_) <= now && builder.size_bytes() < kBatchBytesMax) {
      const std::int64_t due = due_ns(sent_++);
      std::memcpy(value_.data(), &due, sizeof due);
      builder.add(wall_began_ms_ + (due - began_) / 1'000'000, std::nullopt, value_);
    }
    const auto partition =
        static_cast<std::int32_t>(requests_++ % static_cast<std::uint64_t>(options_.partitions));
    producer_.send(produce_frame(options_.topic, partition, builder.finish()));
    producer_.flush();
    ++open_;
  }
}

void LatencyRun::send_side(std::int64_t now) {
  if (side_frames_.empty() || now < side_due_) return;
  side_due_ = now + kCompactedEveryNs;
  side_.send(side_frames_[side_next_++ % side_frames_.size()]);
  side_.flush();
}

void LatencyRun::ask() {
  protocol::FetchRequest request;
  request.wait_ms_max = 500;
  request.bytes_min = 1;
  request.bytes_max = 50 << 20;
  auto& from = request.topics.emplace_back();
  from.name = options_.topic;
  for (std::size_t i = 0; i < offsets_.size(); ++i) {
    auto& part = from.partitions.emplace_back();
    part.index = PartitionId(static_cast<std::int32_t>(i));
    part.offset = Offset(offsets_[i]);
    part.bytes_max = 1 << 20;
  }
  consumer_.send(frame_of(protocol::ApiKey::kFetch, kFetchVersion, request));
  consumer_.flush();
}

void LatencyRun::take_records(ByteView records, std::int64_t now) {
  const auto batch = record::BatchView::parse(records);
  if (!batch) throw std::runtime_error("a batch came damaged: " + batch.error().text);
  auto reader = record::RecordReader::open(*batch);
  if (!reader) throw std::runtime_error(reader.error().text);
  record::RecordView record;
  for (auto more = reader->next(record); more && *more; more = reader->next(record)) {
    std::int64_t due = 0;
    std::memcpy(&due, record.value.value_or("").data(), sizeof due);
    ++received_;
    if (due >= warm_until_) latencies_us_.push_back(static_cast<std::uint32_t>((now - due) / 1000));
  }
}

void LatencyRun::read_answers() {
  producer_.receive();
  for (ByteView answer = producer_.take(); !answer.empty(); answer = producer_.take()) {
    check_produced(answer);
    --open_;
  }
  side_.receive();
  for (ByteView answer = side_.take(); !answer.empty(); answer = side_.take())
    check_produced(answer);
  consumer_.receive();
  const ByteView answer = consumer_.take();
  if (answer.empty()) return;
  const std::int64_t now = now_ns();
  const auto got =
      answer_of<protocol::FetchResponse>(protocol::ApiKey::kFetch, kFetchVersion, answer);
  for (const auto& topic : got.topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.error != protocol::ErrorCode::kNone)
        throw std::runtime_error("fetch failed: error " +
                                 std::to_string(static_cast<int>(partition.error)));
      ByteView rest = partition.records.value_or(ByteView());
      for (auto batch = record::BatchView::parse(rest); batch;
           batch = record::BatchView::parse(rest)) {
        take_records(batch->bytes(), now);
        offsets_[static_cast<std::size_t>(partition.index.value)] =
            batch->header().last_offset().value + 1;
        rest = rest.subspan(batch->bytes().size());
      }
    }
  }
  ask();
}

nlohmann::json LatencyRun::run() {
  total_ = static_cast<std::int64_t>((options_.seconds + options_.warm_up_seconds) *
                                     static_cast<double>(options_.rate));
  latencies_us_.reserve(static_cast<std::size_t>(total_));
  began_ = now_ns() + 100'000'000;
  wall_began_ms_ = wall_ms();
  warm_until_ = began_ + static_cast<std::int64_t>(options_.warm_up_seconds * 1e9);
  Poller poller({&producer_, &consumer_, &side_});
  std::vector<std::size_t> ready;
  ask();
  const std::int64_t give_up = due_ns(total_) + kDrainNs;
  for (std::int64_t now = now_ns(); received_ < total_; now = now_ns()) {
    if (now > give_up)
      throw std::runtime_error(std::to_string(received_) + " of " + std::to_string(total_) +
                               " records came back in time");
    send_due(now);
    send_side(now);
    const std::int64_t next =
        sent_ < total_ && open_ < kInFlightMax ? due_ns(sent_) - now : 1'000'000;
    poller.wait(std::clamp<std::int64_t>(next, 0, 1'000'000), ready);
    producer_.flush();
    side_.flush();
    consumer_.flush();
    read_answers();
  }
  std::sort(latencies_us_.begin(), latencies_us_.end());
  const double seconds = static_cast<double>(now_ns() - began_) / 1e9;
  return {{"records", received_},
          {"requests", requests_},
          {"seconds", seconds},
          {"p50_us", percentile_us(latencies_us_, 0.5)},
          {"p99_us", percentile_us(latencies_us_, 0.99)},
          {"p999_us", percentile_us(latencies_us_, 0.999)},
          {"max_us", latencies_us_.empty() ? 0 : latencies_us_.back()}};
}

}  // namespace

nlohmann::json run_latency(const LatencyOptions& options) { return LatencyRun(options).run(); }

}  // namespace penstock::bench
