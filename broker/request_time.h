#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace penstock::broker {

class Broker;

/// What one request takes of the shards' time, for `request_percentage` (KIP-124): the handler on
/// the connection's shard, and what it sends to the owners of partitions. Not the control thread
/// nor the pool, as Kafka counts neither its controller nor its disk threads. Any thread.
class RequestTime {
 public:
  static constexpr std::int32_t kThrottleMsMax = 1000;  // a window; so Kafka bounds it

  /// nullptr when no such quota is set: then nothing is measured.
  static std::shared_ptr<RequestTime> of(Broker& broker, std::string client_id);
  RequestTime(Broker& broker, std::string client_id)
      : broker_(broker), client_id_(std::move(client_id)) {}

  /// Counts all measured so far, the running part of this thread included. What is measured later
  /// is counted when it ends. Gives how long the client has to wait.
  std::int32_t charge();
  /// The request that the calling thread works for; nullptr: none that is measured.
  [[nodiscard]] static std::shared_ptr<RequestTime> current();

  /// Measures until it dies; nothing without a request. Such parts may nest.
  class Part {
   public:
    explicit Part(std::shared_ptr<RequestTime> request);
    ~Part();
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

   private:
    friend class RequestTime;
    void pause();
    std::shared_ptr<RequestTime> request_;
    Part* outer_ = nullptr;
    std::int64_t from_ns_ = 0;
  };

 private:
  std::int32_t count();

  Broker& broker_;
  std::string client_id_;
  std::atomic<std::int64_t> uncounted_ns_{0};
  std::atomic<bool> charged_{false};
};

/// `work` as a part of the request that the caller works for, wherever it runs.
template <class Work>
auto measured(Work work) {
  return [request = RequestTime::current(), work = std::move(work)]() mutable {
    const RequestTime::Part part(std::move(request));
    work();
  };
}

}  // namespace penstock::broker
