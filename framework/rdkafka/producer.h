#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "framework/base/error.h"
#include "framework/rdkafka/settings.h"

struct rd_kafka_s;
struct rd_kafka_topic_s;

namespace penstock::rdkafka {

struct HeaderView {
  std::string_view name;
  std::optional<std::string_view> value;
};

/// One record to produce. Key and value must stay where they are until it is delivered; names and
/// headers are copied.
struct Outgoing {
  std::string_view topic;
  std::int32_t partition = -1;     // -1: chosen by key
  std::int64_t timestamp_ms = -1;  // -1: now
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::span<const HeaderView> headers;
  void* opaque = nullptr;  // given back by delivered()
};

struct Delivery {
  void* opaque = nullptr;
  bool ok = true;
  bool fatal = false;      // the producer is of no use any more: see Producer::fatal()
  std::string_view error;  // "" when ok
  std::int32_t partition = -1;
  std::int64_t offset = -1;
};

/// Called inside Producer::poll(), on that thread, once for each record accepted by produce()
/// unless the producer is destroyed first.
class DeliveryListener {
 public:
  virtual ~DeliveryListener() = default;
  virtual void delivered(const Delivery& delivery) = 0;
};

/// One thread. Destroying it drops what is queued; nothing refers to keys and values after that.
class Producer {
 public:
  /// `listener` outlives the producer. kInvalid: the settings contradict each other.
  static Result<std::unique_ptr<Producer>> open(const ClientSettings& settings,
                                                DeliveryListener& listener);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// kBusy: the queue is full; poll() and try again. kTooLarge: longer than message.max.bytes.
  /// kOffline: fatal(). Anything else: this record cannot be produced.
  Status produce(const Outgoing& record);
  /// Waits at most `timeout_ms` for delivery reports and hands them to the listener.
  void poll(int timeout_ms);
  /// Sends what lingers without waiting for it.
  void kick();
  /// Records that were not reported yet.
  [[nodiscard]] int queued() const;
  /// The text of the fatal error that ended this producer, if there is one.
  [[nodiscard]] std::optional<std::string> fatal() const;
  /// librdkafka's handle, for tests that use its mock cluster.
  [[nodiscard]] rd_kafka_s* handle() const { return handle_; }

 private:
  Producer() = default;
  Result<rd_kafka_topic_s*> topic(std::string_view name);
  struct Topics;
  rd_kafka_s* handle_ = nullptr;
  std::unique_ptr<Topics> topics_;
};

}  // namespace penstock::rdkafka
