#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/handler.h"
#include "broker/partition.h"
#include "broker/session.h"
#include "framework/protocol/messages/fetch.h"

namespace penstock::broker {

/// One fetch request from its parts to its answer. It lives on its connection's shard (home); its
/// visits to the owner shards read, and leave one waiter each. The outcome of a part belongs to the
/// owner during a visit and to home between visits.
class FetchOperation final : public LongPoll, public std::enable_shared_from_this<FetchOperation> {
 public:
  struct Options {
    std::int32_t wait_ms_max = 0;
    std::uint64_t bytes_min = 0;
    std::uint64_t bytes_max = 0;
    bool read_committed = false;
  };
  FetchOperation(BrokerShard& home, std::shared_ptr<Session> session, ReplyTo reply,
                 Options options);
  ~FetchOperation() override;

  void add_topic(std::string_view name);
  /// To the topic added last. `handle` null: unknown.
  void add_partition(PartitionRef handle, const protocol::FetchRequest::Partition& asked);
  void start();

  void finish_now() override;
  void cancel() override;

 private:
  struct Part {
    PartitionRef handle;
    PartitionId index;
    Partition::ReadRequest request;
    LeaderEpoch last_fetched_epoch{-1};
    ReadOutcome outcome;
  };
  struct TopicParts {
    std::string name;
    std::size_t first = 0;
  };
  struct Visit;

  void visit_all(bool leave_waiters);
  void visited();
  void progress(std::uint64_t bytes);
  void finish();
  void unregister();
  net::Response assemble();

  BrokerShard& home_;
  std::shared_ptr<Session> session_;
  ReplyTo reply_;
  const Options options_;
  std::vector<TopicParts> topics_;
  std::vector<Part> parts_;
  std::vector<std::unique_ptr<Visit>> visits_;  // one an owner
  std::size_t visits_under_way_ = 0;
  std::uint64_t available_ = 0;  // reported by waiters since the first visits
  bool hurry_ = false;           // something other than data changed, or the broker stops
  bool last_round_ = false;
  bool waiting_ = false;
  bool done_ = false;
  std::uint64_t timer_ = 0;
};

}  // namespace penstock::broker
