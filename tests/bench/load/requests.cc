#include "tests/bench/load/requests.h"

#include "framework/protocol/messages/create_topics.h"
#include "framework/protocol/messages/fetch.h"
#include "framework/protocol/messages/produce.h"
#include "framework/record/batch.h"

namespace penstock::bench {

using protocol::ApiKey;
using protocol::ErrorCode;

namespace {
void check(ErrorCode error, std::string_view what) {
  if (error != ErrorCode::kNone)
    throw std::runtime_error(std::string(what) + " failed: error " +
                             std::to_string(static_cast<int>(error)));
}
}  // namespace

void create_topic(const std::string& bootstrap, std::string_view topic, std::int32_t partitions,
                  const std::map<std::string, std::string>& settings) {
  protocol::CreateTopicsRequest request;
  protocol::CreateTopicsRequest::Topic& wanted = request.topics.emplace_back();
  wanted.name = topic;
  wanted.partitions = partitions;
  wanted.replication_factor = 1;
  for (const auto& [name, value] : settings) {
    protocol::CreateTopicsRequest::Config config;
    config.name = name;
    config.value = value;
    wanted.configs.push_back(config);
  }
  Wire wire(bootstrap);
  const ByteView answer = wire.call(frame_of(ApiKey::kCreateTopics, 5, request));
  const auto response = answer_of<protocol::CreateTopicsResponse>(ApiKey::kCreateTopics, 5, answer);
  for (const auto& made : response.topics) check(made.error, "creating topic " + made.name);
}

std::vector<std::byte> batch_of(std::size_t record_bytes, std::size_t batch_bytes, bool keyed,
                                std::uint64_t first_key) {
  record::BatchBuilder builder;
  builder.reserve(batch_bytes);
  const std::int64_t now_ms = wall_ms();
  std::string value(record_bytes - (keyed ? 8 : 0), 'v');
  std::uint64_t number = first_key;
  while (builder.count() == 0 || builder.size_bytes() + record_bytes + 12 <= batch_bytes) {
    for (std::size_t i = 0; i < 8 && i < value.size(); ++i)
      value[i] = static_cast<char>('a' + (number >> (4 * i)) % 16);
    const std::string key(value, 0, 8);
    if (keyed)
      builder.add(now_ms, key, value);
    else
      builder.add(now_ms, std::nullopt, value);
    ++number;
  }
  return builder.finish();
}

std::vector<std::byte> produce_frame(std::string_view topic, std::int32_t partition,
                                     ByteView batch) {
  protocol::ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 30'000;
  protocol::ProduceRequest::Topic& to = request.topics.emplace_back();
  to.name = topic;
  protocol::ProduceRequest::Partition& part = to.partitions.emplace_back();
  part.index = PartitionId(partition);
  part.records = batch;
  return frame_of(ApiKey::kProduce, kProduceVersion, request);
}

void check_produced(ByteView answer) {
  const auto response =
      answer_of<protocol::ProduceResponse>(ApiKey::kProduce, kProduceVersion, answer);
  for (const auto& topic : response.topics)
    for (const auto& partition : topic.partitions) check(partition.error, "produce");
}

std::vector<std::byte> fetch_frame(std::string_view topic, std::int32_t partition,
                                   std::int64_t offset, std::int32_t bytes_max) {
  protocol::FetchRequest request;
  request.wait_ms_max = 500;
  request.bytes_min = 1;
  request.bytes_max = 50 << 20;
  protocol::FetchRequest::Topic& from = request.topics.emplace_back();
  from.name = topic;
  protocol::FetchRequest::Partition& part = from.partitions.emplace_back();
  part.index = PartitionId(partition);
  part.offset = Offset(offset);
  part.bytes_max = bytes_max;
  return frame_of(ApiKey::kFetch, kFetchVersion, request);
}

Fetched read_fetched(ByteView answer) {
  const auto response = answer_of<protocol::FetchResponse>(ApiKey::kFetch, kFetchVersion, answer);
  check(response.error, "fetch");
  Fetched out;
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      check(partition.error, "fetch");
      ByteView rest = partition.records.value_or(ByteView());
      std::size_t whole = 0;
      while (whole < rest.size()) {
        const auto batch = record::BatchView::parse(rest.subspan(whole));
        if (!batch) break;
        out.next_offset = batch->header().last_offset().value + 1;
        whole += batch->bytes().size();
      }
      out.records = rest.first(whole);
    }
  }
  return out;
}

}  // namespace penstock::bench
