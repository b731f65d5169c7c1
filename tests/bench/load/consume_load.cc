#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "framework/protocol/messages/list_offsets.h"
#include "tests/bench/load/loads.h"
#include "tests/bench/load/requests.h"

namespace penstock::bench {
namespace {

struct Reader {
  std::unique_ptr<Wire> wire;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
};

std::int64_t end_of(const std::string& bootstrap, const std::string& topic,
                    std::int32_t partition) {
  protocol::ListOffsetsRequest request;
  auto& from = request.topics.emplace_back();
  from.name = topic;
  auto& part = from.partitions.emplace_back();
  part.index = PartitionId(partition);
  part.timestamp_ms = -1;
  Wire wire(bootstrap);
  const auto answer = answer_of<protocol::ListOffsetsResponse>(
      protocol::ApiKey::kListOffsets, 5,
      wire.call(frame_of(protocol::ApiKey::kListOffsets, 5, request)));
  return answer.topics.at(0).partitions.at(0).offset.value;
}

}  // namespace

nlohmann::json run_consume(const ConsumeOptions& options) {
  std::vector<Reader> readers(static_cast<std::size_t>(options.partitions));
  std::vector<Wire*> wires;
  for (std::size_t i = 0; i < readers.size(); ++i) {
    Reader& reader = readers[i];
    reader.wire = std::make_unique<Wire>(options.bootstrap);
    reader.partition = static_cast<std::int32_t>(i);
    if (options.from_end)
      reader.offset = end_of(options.bootstrap, options.topic, reader.partition);
    wires.push_back(reader.wire.get());
  }
  Poller poller(wires);
  const auto ask = [&](Reader& reader) {
    reader.wire->send(
        fetch_frame(options.topic, reader.partition, reader.offset, options.fetch_bytes));
    reader.wire->flush();
  };
  for (Reader& reader : readers) ask(reader);
  if (options.from_end) std::cerr << "waiting" << std::endl;  // from here on nothing is missed
  std::uint64_t bytes = 0;
  std::uint64_t requests = 0;
  std::int64_t began = now_ns();
  const double cpu_before = process_cpu_seconds();
  std::vector<std::size_t> ready;
  while (bytes < options.bytes) {
    poller.wait(5'000'000'000, ready);
    if (ready.empty()) throw std::runtime_error("nothing came for 5 s");
    for (const std::size_t i : ready) {
      Reader& reader = readers[i];
      reader.wire->flush();
      reader.wire->receive();
      const ByteView answer = reader.wire->take();
      if (answer.empty()) continue;
      const Fetched got = read_fetched(answer);
      if (got.next_offset >= 0) {
        if (bytes == 0 && options.from_end) began = now_ns();
        bytes += got.records.size();
        reader.offset = got.next_offset;
      } else if (!options.from_end) {
        reader.offset = 0;
      }
      ++requests;
      ask(reader);
    }
  }
  return {{"bytes", bytes},
          {"requests", requests},
          {"seconds", static_cast<double>(now_ns() - began) / 1e9},
          {"client_cpu_s", process_cpu_seconds() - cpu_before}};
}

}  // namespace penstock::bench
