#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Just enough of librdkafka for tests: another implementation's opinion of the broker.
namespace penstock::testing {

using ClientConfig = std::map<std::string, std::string>;

struct ClientRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::int64_t timestamp_ms = -1;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::int64_t offset = -1;
  bool operator==(const ClientRecord&) const = default;
};

/// Throws std::runtime_error on anything unexpected.
class Producer {
 public:
  Producer(const std::string& brokers, ClientConfig config = {});
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  void send(const std::string& topic, std::int32_t partition, const ClientRecord& record);
  /// Waits for all answers; how many records failed. The last error's name is in last_error().
  int flush(int timeout_ms = 20'000);
  /// Lets answers in without waiting for all.
  void poll(int timeout_ms);
  [[nodiscard]] std::int64_t delivered() const { return delivered_; }
  [[nodiscard]] const std::string& last_error() const { return last_error_; }

 private:
  static void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self);
  rd_kafka_t* client_ = nullptr;
  std::int64_t delivered_ = 0;
  int failed_ = 0;
  std::string last_error_;
};

/// Reads a partition from `from` to the end as it is at the time of asking.
std::vector<ClientRecord> read_all(const std::string& brokers, const std::string& topic,
                                   std::int32_t partition,
                                   std::int64_t from = RD_KAFKA_OFFSET_BEGINNING,
                                   ClientConfig config = {});
/// Offset of the first record with at least this timestamp; -1: none.
std::int64_t offset_for_time(const std::string& brokers, const std::string& topic,
                             std::int32_t partition, std::int64_t timestamp_ms);

}  // namespace penstock::testing
