#include <unistd.h>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "framework/protocol/messages/fetch.h"
#include "tests/bench/load/loads.h"
#include "tests/bench/load/requests.h"

namespace penstock::bench {
namespace {

constexpr std::int16_t kVersion = 11;

struct Consumer {
  std::unique_ptr<Wire> wire;
  std::int32_t session = 0;
  std::int32_t epoch = 0;
};

double cpu_seconds_of(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) throw std::runtime_error("no process " + std::to_string(pid));
  std::istringstream fields(text.substr(end + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void ask(Consumer& consumer, const IdleOptions& options, std::int32_t partition) {
  protocol::FetchRequest request;
  request.wait_ms_max = 500;
  request.bytes_min = 1;
  request.bytes_max = 50 << 20;
  request.session_id = consumer.session;
  request.session_epoch = consumer.epoch;
  if (consumer.session == 0) {
    auto& from = request.topics.emplace_back();
    from.name = options.topic;
    auto& part = from.partitions.emplace_back();
    part.index = PartitionId(partition);
    part.offset = Offset(0);
    part.bytes_max = 1 << 20;
  }
  consumer.wire->send(frame_of(protocol::ApiKey::kFetch, kVersion, request));
  consumer.wire->flush();
}

}  // namespace

nlohmann::json run_idle(const IdleOptions& options) {
  std::vector<Consumer> consumers(static_cast<std::size_t>(options.consumers));
  std::vector<Wire*> wires;
  for (Consumer& consumer : consumers) {
    consumer.wire = std::make_unique<Wire>(options.bootstrap);
    wires.push_back(consumer.wire.get());
  }
  Poller poller(wires);
  const auto partition_of = [&](std::size_t i) {
    return static_cast<std::int32_t>(i) % options.partitions;
  };
  for (std::size_t i = 0; i < consumers.size(); ++i) ask(consumers[i], options, partition_of(i));
  std::uint64_t fetches = 0;
  const std::int64_t began = now_ns();
  const std::int64_t settled = began + 3'000'000'000;
  const std::int64_t until = settled + static_cast<std::int64_t>(options.seconds * 1e9);
  double cpu_before = -1;
  std::vector<std::size_t> ready;
  for (std::int64_t now = began; now < until; now = now_ns()) {
    if (cpu_before < 0 && now >= settled) {
      cpu_before = cpu_seconds_of(options.broker_pid);
      fetches = 0;
    }
    poller.wait(100'000'000, ready);
    for (const std::size_t i : ready) {
      Consumer& consumer = consumers[i];
      consumer.wire->receive();
      const ByteView answer = consumer.wire->take();
      if (answer.empty()) continue;
      const auto got =
          answer_of<protocol::FetchResponse>(protocol::ApiKey::kFetch, kVersion, answer);
      if (got.error != protocol::ErrorCode::kNone)
        throw std::runtime_error("fetch failed: error " +
                                 std::to_string(static_cast<int>(got.error)));
      if (got.session_id != 0) {
        consumer.session = got.session_id;
        ++consumer.epoch;
      }
      ++fetches;
      ask(consumer, options, partition_of(i));
    }
  }
  const double share = (cpu_seconds_of(options.broker_pid) - cpu_before) / options.seconds;
  std::uint64_t sessions = 0;
  for (const Consumer& consumer : consumers) sessions += consumer.session != 0 ? 1 : 0;
  return {{"fetches_per_s", static_cast<double>(fetches) / options.seconds},
          {"sessions", sessions},
          {"cpu_share", share}};
}

}  // namespace penstock::bench
