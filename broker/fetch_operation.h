#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fetch_sessions.h"
#include "broker/handler.h"
#include "broker/partition.h"
#include "broker/session.h"
#include "framework/protocol/messages/fetch.h"

namespace penstock::broker {

/// One fetch request from its parts to its answer. It lives on its connection's shard (home); its
/// visits to the owner shards have the pool check what nobody has read yet, read, and leave one
/// waiter each. The outcome of a part belongs to the
/// owner during a visit and to home between visits.
class FetchOperation final : public LongPoll, public std::enable_shared_from_this<FetchOperation> {
 public:
  struct Options {
    std::int32_t wait_ms_max = 0;
    std::uint64_t bytes_min = 0;
    std::uint64_t bytes_max = 0;
    bool negative_size = false;
    bool read_committed = false;
    bool replica = false;  // a follower asks; this broker has none
    bool by_id = false;
    bool make_session = false;
    std::int32_t session_id = 0;  // of an incremental fetch
    std::int32_t session_epoch = 0;
    std::string client_id;  // only when quotas are set
  };
  FetchOperation(BrokerShard& home, std::shared_ptr<Session> session, ReplyTo reply,
                 Options options);
  ~FetchOperation() override;

  /// `handle` null: unknown, which is answered with `unknown`. Partitions of one topic that are
  /// added one behind the other are answered together.
  void add_partition(FetchWanted wanted, PartitionRef handle, protocol::ErrorCode unknown);
  void start();

  void finish_now() override;
  void cancel() override;

 private:
  struct Part {
    std::shared_ptr<const FetchTopic> topic;
    protocol::FetchRequest::Partition asked;
    PartitionRef handle;
    bool negative_size = false;  // asked for: where there is something to read, an error
    bool include = true;  // in the answer; parts stay where they are, as waiters may look them up
    Partition::ReadRequest request;
    bool later = false;  // its turn to be loaded and checked has not come; nothing is read of it
    ReadOutcome outcome;
  };
  struct Visit;

  void visit_all(bool leave_waiters);
  void visited();
  void progress(std::uint64_t bytes);
  void finish();
  void unregister();
  void limit_bytes();
  /// True when the client has to wait: it gets an empty answer.
  bool throttle();
  [[nodiscard]] std::vector<FetchSaid> said() const;
  void make_session();
  void ask_session();
  void told_by_session(protocol::ErrorCode error, const std::vector<FetchSaid>& said);
  void send();
  net::Response assemble();
  void write_partition(net::Response& out, std::vector<std::byte>*& to, Part& part);

  BrokerShard& home_;
  std::shared_ptr<Session> session_;
  ReplyTo reply_;
  const Options options_;
  std::vector<Part> parts_;
  std::vector<std::unique_ptr<Visit>> visits_;  // one an owner
  std::size_t visits_under_way_ = 0;
  std::uint64_t available_ = 0;  // reported by waiters since the first visits
  bool hurry_ = false;           // something other than data changed, or the broker stops
  bool last_round_ = false;
  bool waiting_ = false;
  bool done_ = false;
  protocol::FetchResponse whole_;  // but the topics
  std::uint64_t timer_ = 0;
};

}  // namespace penstock::broker
