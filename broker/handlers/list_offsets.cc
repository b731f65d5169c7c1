#include "broker/handlers/list_offsets.h"

#include <spdlog/spdlog.h>

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/handlers/isolation.h"
#include "broker/partition.h"
#include "broker/pool.h"
#include "broker/request_time.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;

namespace {

constexpr LeaderEpoch kNoEpoch{-1};
/// Of so many partitions a shard takes care before its other work has its turn.
constexpr std::size_t kItemsAtOnce = 1024;
/// So many searches of a request are on the pool at once, on one thread, for
/// each owner shard.
constexpr std::size_t kSearchesAtOnce = 16;

struct Item {
  PartitionRef handle;
  std::size_t topic = 0;
  std::size_t partition = 0;
  ListOffsetsRequest::Partition asked;
  bool read_committed = false;
  ListOffsetsResponse::Partition answer;
};

/// The first version that knows a timestamp below zero.
std::int16_t first_version(std::int64_t timestamp_ms) {
  switch (timestamp_ms) {
    case ListOffsetsRequest::kLatest:
    case ListOffsetsRequest::kEarliest:
      return 0;
    case ListOffsetsRequest::kMaxTimestamp:
      return 7;
    case ListOffsetsRequest::kEarliestLocal:
      return 8;
    case ListOffsetsRequest::kLatestTiered:
      return 9;
    case ListOffsetsRequest::kEarliestPendingUpload:
      return 11;
    default:
      return timestamp_ms < 0 ? std::numeric_limits<std::int16_t>::max() : std::int16_t{0};
  }
}

void set(Item& item, const std::optional<log::TimestampOffset>& found) {
  if (!found) return;
  item.answer.timestamp_ms = found->timestamp_ms;
  item.answer.offset = found->offset;
  item.answer.leader_epoch = found->epoch;
}

/// What can be said at once; a query when records have to be searched for.
std::optional<log::TimeQuery> look_up(Item& item, Partition* partition) {
  if (partition == nullptr) {
    item.answer.error = item.handle->offline.text.empty() ? ErrorCode::kNotLeaderOrFollower
                                                          : ErrorCode::kStorageError;
    return std::nullopt;
  }
  item.answer.error = check_leader_epoch(partition->state(), item.asked.current_leader_epoch);
  if (item.asked.current_leader_epoch < kNoEpoch) item.answer.error = ErrorCode::kFencedLeaderEpoch;
  if (item.answer.error != ErrorCode::kNone) return std::nullopt;
  log::TimeQuery query;
  query.below = item.read_committed ? partition->last_stable() : partition->state().high_watermark;
  switch (item.asked.timestamp_ms) {
    case ListOffsetsRequest::kLatest:
      item.answer.offset = query.below;
      item.answer.leader_epoch = partition->state().epoch;
      return std::nullopt;
    case ListOffsetsRequest::kEarliest:
    case ListOffsetsRequest::kEarliestLocal:
      item.answer.offset = partition->state().log_start;
      item.answer.leader_epoch = partition->log().epoch_at(item.answer.offset);
      return std::nullopt;
    case ListOffsetsRequest::kMaxTimestamp:
      return query;
    case ListOffsetsRequest::kLatestTiered:
    case ListOffsetsRequest::kEarliestPendingUpload:
      return std::nullopt;
    default:
      query.timestamp_ms = item.asked.timestamp_ms;
      return query;
  }
}

/// One request from its parts to its answer. It lives on its connection's shard
/// (home), and visits each owner once, for as long as the searches there take;
/// an item belongs to its owner then. Nothing of it holds a shard for long,
/// however many partitions it names.
class ListOffsetsOperation : public std::enable_shared_from_this<ListOffsetsOperation> {
 public:
  ListOffsetsOperation(RequestContext context, ListOffsetsRequest request,
                       Reply<ListOffsetsResponse> reply)
      : home_(context.shard),
        version_(context.version),
        topics_(home_.topics()),
        context_(std::move(context)),
        request_(std::move(request)),
        reply_(std::move(reply)) {}

  void start() { count(); }

 private:
  struct Search {
    Item* item = nullptr;
    log::SearchTask task;
    Status ran;
  };
  struct Visit {
    explicit Visit(BrokerShard& shard) : owner(shard) {}
    BrokerShard& owner;
    std::vector<std::size_t> items;
    std::size_t next = 0;
    std::vector<Search> searches;
  };

  /// Calls `step` for partition after partition of the request; false when it
  /// goes on later.
  template <class Step>
  bool walk(void (ListOffsetsOperation::*again)(), Step step) {
    for (std::size_t left = kItemsAtOnce; topic_ < request_.topics.size(); ++topic_, index_ = 0) {
      const ListOffsetsRequest::Topic& topic = request_.topics[topic_];
      for (; index_ < topic.partitions.size(); ++index_) {
        if (left-- == 0) {
          home_.io().post(measured([self = shared_from_this(), again] { ((*self).*again)(); }));
          return false;
        }
        step(topic, topic.partitions[index_]);
      }
    }
    topic_ = index_ = 0;
    return true;
  }

  void count() {
    const auto one = [this](const ListOffsetsRequest::Topic& topic,
                            const ListOffsetsRequest::Partition& asked) {
      ++times_[{topic.name, asked.index.value}];
    };
    if (walk(&ListOffsetsOperation::count, one)) build();
  }

  void build() {
    const auto one = [this](const ListOffsetsRequest::Topic& topic,
                            const ListOffsetsRequest::Partition& asked) {
      if (index_ == 0) response_.topics.emplace_back().name = topic.name;
      add(topic, asked);
    };
    if (!walk(&ListOffsetsOperation::build, one)) return;
    times_.clear();
    context_.reset();  // with the frame that the request's names lie in
    visit_all();
  }

  void add(const ListOffsetsRequest::Topic& topic, const ListOffsetsRequest::Partition& asked) {
    // Who names a partition twice is told so, once.
    const int count = std::exchange(times_[{topic.name, asked.index.value}], 0);
    if (count == 0) return;
    ListOffsetsResponse::Topic& out = response_.topics.back();
    Item item;
    if (!is_isolation_level(request_.isolation_level))
      item.answer.error = ErrorCode::kUnknownServerError;
    else if (count > 1)
      item.answer.error = ErrorCode::kInvalidRequest;
    else if (version_ >= first_version(asked.timestamp_ms))
      item.handle = topics_->find(topic.name, asked.index);
    else
      item.answer.error = ErrorCode::kUnsupportedVersion;
    item.topic = response_.topics.size() - 1;
    item.partition = out.partitions.size();
    item.asked = asked;
    item.read_committed = request_.isolation_level == kReadCommitted;
    item.answer.index = asked.index;
    if (!item.handle && item.answer.error == ErrorCode::kNone)
      item.answer.error = ErrorCode::kUnknownTopicOrPartition;
    out.partitions.emplace_back();
    items_.push_back(std::move(item));
  }

  void visit_all() {
    std::vector<Visit*> by_shard(home_.broker().shard_count());
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const PartitionRef& handle = items_[i].handle;
      if (!handle) continue;
      Visit*& visit = by_shard[static_cast<std::size_t>(handle->owner->index())];
      if (visit == nullptr)
        visit = visits_.emplace_back(std::make_unique<Visit>(*handle->owner)).get();
      visit->items.push_back(i);
    }
    left_ = visits_.size() + 1;
    for (const auto& visit : visits_) {
      // noexcept: as PartitionHandle::on_owner().
      const auto work = [self = shared_from_this(), v = visit.get()]() noexcept { self->step(*v); };
      if (&visit->owner == &home_)
        work();
      else
        visit->owner.io().post(measured(work));
    }
    visited();
  }

  /// On the owner.
  void step(Visit& visit) {
    for (std::size_t n = 0; n < kItemsAtOnce && visit.next < visit.items.size() &&
                            visit.searches.size() < kSearchesAtOnce;
         ++n) {
      Item& item = items_[visit.items[visit.next++]];
      Partition* partition = item.handle->partition.get();
      if (const auto query = look_up(item, partition)) search(visit, item, *partition, *query);
    }
    if (!visit.searches.empty()) return run(visit);
    if (visit.next < visit.items.size()) {
      visit.owner.io().post(
          measured([self = shared_from_this(), &visit]() noexcept { self->step(visit); }));
      return;
    }
    if (&visit.owner == &home_) return visited();
    home_.io().post(measured([self = shared_from_this()] { self->visited(); }));
  }

  static void search(Visit& visit, Item& item, Partition& partition, const log::TimeQuery& query) {
    if (auto task = partition.log().begin_search(query))
      visit.searches.push_back({&item, std::move(*task), {}});
    else
      set(item, query.found);
  }

  void run(Visit& visit) {
    auto then = measured([self = shared_from_this(), &visit]() noexcept {
      for (Search& one : std::exchange(visit.searches, {})) apply(visit, one);
      self->step(visit);
    });
    home_.broker().pool().run(
        [self = shared_from_this(), &visit, then = std::move(then)]() mutable {
          for (Search& one : visit.searches) one.ran = one.task.run();
          visit.owner.io().post(std::move(then));
        });
  }

  static void apply(Visit& visit, Search& search) {
    Item& item = *search.item;
    Partition* partition = item.handle->partition.get();
    if (partition == nullptr) {
      item.answer.error = ErrorCode::kNotLeaderOrFollower;
      return;
    }
    const auto done = partition->log().apply_search(search.task, search.ran);
    if (!done) {
      item.answer.error = done.error().code == Errc::kBusy ? ErrorCode::kLeaderNotAvailable
                                                           : error_code_of(done.error().code);
      spdlog::error("search by time in {}: {}", partition->log().directory(), done.error().text);
      // As when a read meets damage.
      if (done.error().code == Errc::kCorrupt) partition->go_offline(done.error());
    } else if (*done) {
      set(item, search.task.query.found);
    } else {
      ListOffsetsOperation::search(visit, item, *partition, search.task.query);
    }
  }

  void visited() {
    if (--left_ != 0) return;
    for (const Item& item : items_)
      response_.topics[item.topic].partitions[item.partition] = item.answer;
    reply_(response_);
  }

  BrokerShard& home_;
  const std::int16_t version_;
  const std::shared_ptr<const Topics> topics_;
  std::optional<RequestContext> context_;
  ListOffsetsRequest request_;
  Reply<ListOffsetsResponse> reply_;
  ListOffsetsResponse response_;
  std::map<std::pair<std::string_view, std::int32_t>, int> times_;
  std::size_t topic_ = 0;  // where walk() goes on
  std::size_t index_ = 0;
  std::vector<Item> items_;
  std::vector<std::unique_ptr<Visit>> visits_;
  std::size_t left_ = 0;  // home only
};

}  // namespace

void handle_list_offsets(RequestContext context, ListOffsetsRequest request,
                         Reply<ListOffsetsResponse> reply) {
  std::make_shared<ListOffsetsOperation>(std::move(context), std::move(request), std::move(reply))
      ->start();
}

}  // namespace penstock::broker
