#include <algorithm>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>

#include "framework/base/murmur2.h"
#include "tests/bench/load/loads.h"
#include "tests/bench/load/requests.h"

namespace penstock::bench {
namespace {

constexpr std::size_t kFramesEach = 64;  // different requests of one connection, sent in turn

struct Producer {
  std::unique_ptr<Wire> wire;
  std::vector<std::vector<std::byte>> frames;
  std::size_t next = 0;
  std::deque<std::int64_t> sent_ns;
};

std::vector<std::vector<std::byte>> frames_for(const ProduceOptions& options, std::size_t index) {
  std::vector<std::vector<std::byte>> out;
  const bool single = options.batch_bytes <= options.record_bytes;
  for (std::size_t i = 0; i < (single ? kFramesEach : 1); ++i) {
    const std::uint64_t number = index * kFramesEach + i;
    const auto batch = batch_of(options.record_bytes, options.batch_bytes, options.keyed, number);
    auto partition = static_cast<std::int32_t>(index) % options.partitions;
    if (options.keyed) {
      const std::string key = std::to_string(number);
      partition =
          static_cast<std::int32_t>(murmur2(as_bytes(key)) & 0x7fffffffU) % options.partitions;
    }
    out.push_back(produce_frame(options.topic, partition, batch));
  }
  return out;
}

}  // namespace

double percentile_us(const std::vector<std::uint32_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)];
}

nlohmann::json run_produce(const ProduceOptions& options) {
  const std::int32_t count = options.connections > 0 ? options.connections : options.partitions;
  std::vector<Producer> producers(static_cast<std::size_t>(count));
  std::vector<Wire*> wires;
  for (std::size_t i = 0; i < producers.size(); ++i) {
    producers[i].wire = std::make_unique<Wire>(options.bootstrap);
    producers[i].frames = frames_for(options, i);
    wires.push_back(producers[i].wire.get());
  }
  Poller poller(wires);
  std::uint64_t bytes = 0;
  std::uint64_t requests = 0;
  std::uint64_t open = 0;
  std::vector<std::uint32_t> latencies_us;
  const std::int64_t began = now_ns();
  const std::int64_t until =
      options.seconds > 0 ? began + static_cast<std::int64_t>(options.seconds * 1e9) : 0;
  const double cpu_before = process_cpu_seconds();
  const auto more = [&] { return until > 0 ? now_ns() < until : bytes < options.bytes; };
  const auto fill = [&](Producer& producer) {
    while (producer.sent_ns.size() < static_cast<std::size_t>(options.in_flight) && more()) {
      const auto& frame = producer.frames[producer.next++ % producer.frames.size()];
      producer.wire->send(frame);
      producer.sent_ns.push_back(now_ns());
      bytes += frame.size();
      ++open;
      if (!producer.wire->flush()) break;
    }
  };
  for (Producer& producer : producers) fill(producer);
  std::vector<std::size_t> ready;
  while (open > 0) {
    poller.wait(1'000'000'000, ready);
    for (const std::size_t i : ready) {
      Producer& producer = producers[i];
      producer.wire->flush();
      producer.wire->receive();
      for (ByteView answer = producer.wire->take(); !answer.empty();
           answer = producer.wire->take()) {
        check_produced(answer);
        latencies_us.push_back(
            static_cast<std::uint32_t>((now_ns() - producer.sent_ns.front()) / 1000));
        producer.sent_ns.pop_front();
        ++requests;
        --open;
      }
      fill(producer);
    }
  }
  const double seconds = static_cast<double>(now_ns() - began) / 1e9;
  std::sort(latencies_us.begin(), latencies_us.end());
  return {{"bytes", bytes},
          {"requests", requests},
          {"seconds", seconds},
          {"client_cpu_s", process_cpu_seconds() - cpu_before},
          {"p50_us", percentile_us(latencies_us, 0.5)},
          {"p99_us", percentile_us(latencies_us, 0.99)}};
}

}  // namespace penstock::bench
