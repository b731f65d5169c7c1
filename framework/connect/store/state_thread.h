#pragma once

#include <array>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/unique_function.h"
#include "framework/connect/store/state_log.h"

namespace penstock::connect {

/// The one thread that writes state, and the only one that waits for the disk. Callers may be any
/// thread; callbacks run on this one.
class StateThread {
 public:
  static constexpr std::size_t kRequestsMax = 10'000;
  using Logs = std::array<StateLog*, kStateTopics>;
  using Done = UniqueFunction<void(Status)>;
  using Values = std::vector<std::optional<std::string>>;
  using Offsets = std::vector<std::pair<std::string, std::string>>;  // partition and offset, JSON

  /// The logs must outlive this.
  explicit StateThread(Logs logs);
  ~StateThread();

  /// `done` runs when the entries are durable or not; kBusy at once when kRequestsMax wait already.
  /// Entries put together are kept together.
  void put(StateTopic topic, std::vector<StateEntry> entries, Done done);
  Status put_and_wait(StateTopic topic, std::vector<StateEntry> entries);
  /// Only offsets that are durable.
  void read_offsets(std::string connector, std::vector<std::string> partitions,
                    UniqueFunction<void(Values)> done);
  void list_offsets(std::string connector, UniqueFunction<void(Offsets)> done);
  /// Works off what has been asked, then ends. Later requests fail with kCancelled.
  void stop();

 private:
  struct Request {
    StateTopic topic = StateTopic::kOffsets;
    std::vector<StateEntry> entries;
    Done done;
    UniqueFunction<void()> read;  // set: a reading request
  };
  void load_offsets();
  void push(Request request);
  void run();
  void work(std::vector<Request>& batch);
  void write(std::span<Request> group);

  Logs logs_;
  std::map<std::string, std::string> offsets_;  // this thread's
  // Guards queue_ and stopping_: requests come from REST, herder and supervisor alike.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Request> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace penstock::connect
