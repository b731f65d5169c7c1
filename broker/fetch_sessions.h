#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/topics.h"
#include "framework/protocol/error_code.h"
#include "framework/protocol/messages/fetch.h"

namespace penstock::broker {

/// How a reader calls a topic: by name, or by id (from version 13 on).
struct FetchTopic {
  std::string name;
  Uuid id;
  bool operator==(const FetchTopic&) const = default;
};

/// One partition that is to be read, and what the session knows of it.
struct FetchWanted {
  std::shared_ptr<const FetchTopic> topic;
  protocol::FetchRequest::Partition asked;
  PartitionRef seen;  // as it was found last
};

/// What an answer says about one partition, as far as a session minds.
struct FetchSaid {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  Offset high_watermark = Offset::kNone;
  Offset log_start = Offset::kNone;
  bool records = false;
  bool diverging = false;
  PartitionRef found;
  bool include = true;  // set by answered()
};

/// The incremental fetch sessions (KIP-227) of one shard: what each reader wants, so that a request
/// names only what changed, and an answer only what is new. A plain state machine; the id of a
/// session says which shard holds it, and a request on another one is posted there.
class FetchSessions {
 public:
  struct Options {
    std::size_t shard = 0;
    std::size_t shards = 1;
    std::size_t slots_max = 1000;
    std::size_t bytes_max = 64 << 20;  // memory of all sessions, roughly
    std::int64_t evict_ms = 120'000;   // older than this, a session may go for a new one
    std::uint64_t seed = 0;
  };
  explicit FetchSessions(Options options) : options_(options), random_(options.seed) {}

  /// Which shard holds a session; any id has one.
  [[nodiscard]] static std::size_t shard_of(std::int32_t id, std::size_t shards) {
    return static_cast<std::uint32_t>(id) % shards;
  }

  /// A full fetch was answered: its id from now on, 0 when there is no room.
  std::int32_t create(bool by_id, const std::vector<FetchWanted>& wanted,
                      const std::vector<FetchSaid>& said, std::int64_t now_ms);
  void close(std::int32_t id);

  struct Begun {
    protocol::ErrorCode error = protocol::ErrorCode::kNone;
    bool ended = false;  // nothing is left to read: the session is gone
    std::vector<FetchWanted> wanted;
  };
  /// An incremental fetch: takes over what the request changes. Errors: kFetchSessionIdNotFound,
  /// kInvalidFetchSessionEpoch, kFetchSessionTopicIdError.
  Begun begin(const protocol::FetchRequest& request, bool by_id, std::int64_t now_ms);
  /// The answer to begin(), in its order: says what of it goes out, and remembers it. Partitions
  /// with records go to the end of the next turn. kInvalidFetchSessionEpoch when another request
  /// came between.
  protocol::ErrorCode answered(std::int32_t id, std::int32_t epoch, std::vector<FetchSaid>& said);

  [[nodiscard]] std::size_t size() const { return sessions_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Cached {
    std::shared_ptr<const FetchTopic> topic;
    protocol::FetchRequest::Partition asked;
    PartitionRef seen;
    Offset high_watermark = Offset::kNone;
    Offset log_start = Offset::kNone;
  };
  using Order = std::list<Cached>;
  struct Session {
    bool by_id = false;
    std::int32_t epoch = 1;  // of the next request
    std::int64_t created_ms = 0;
    std::int64_t used_ms = 0;
    std::size_t bytes = 0;
    Order partitions;  // in the order in which they are read
    std::unordered_map<std::string, Order::iterator> by_key;
  };
  using Sessions = std::unordered_map<std::int32_t, Session>;

  static std::int32_t next_epoch(std::int32_t epoch);
  Cached& want(Session& session, const std::shared_ptr<const FetchTopic>& topic,
               const protocol::FetchRequest::Partition& asked);
  void forget(Session& session, const FetchTopic& topic, PartitionId index);
  /// Whether a new session of that many partitions has a place, another one's if need be.
  bool make_room(std::size_t partitions, std::int64_t now_ms);
  void erase(Sessions::iterator session);
  static bool note(Cached& cached, const FetchSaid& said);

  const Options options_;
  std::mt19937_64 random_;
  Sessions sessions_;
  std::size_t bytes_ = 0;
};

}  // namespace penstock::broker
