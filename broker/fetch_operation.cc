#include "broker/fetch_operation.h"

#include <sys/uio.h>

#include <algorithm>
#include <utility>

#include "broker/broker.h"
#include "broker/client_quotas.h"
#include "broker/pool.h"
#include "broker/request_time.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::FetchResponse;

namespace {
/// Up to here the bytes are copied into the answer: cheaper than a sendfile of their own.
constexpr std::uint64_t kCopyBytesMax = 8 << 10;

/// Of partitions that nobody has read since the start, so many at once are loaded and checked.
constexpr std::size_t kColdPartsMax = 32;

/// The fields of a message that stand behind what is written by other means.
template <class Message>
struct Back {
  Message& message;
  template <class V>
  void fields(V& v) {
    message.back(v);
  }
};

bool same_topic(const std::shared_ptr<const FetchTopic>& a,
                const std::shared_ptr<const FetchTopic>& b) {
  return a == b || *a == *b;
}

/// Whether the answer says who leads (KIP-951).
bool names_a_leader(ErrorCode error) {
  return error == ErrorCode::kNotLeaderOrFollower || error == ErrorCode::kFencedLeaderEpoch;
}

/// Copies the ranges if they are in the page cache; never waits for the disk.
bool copy_resident(const std::vector<log::FileRange>& ranges, std::vector<std::byte>& to) {
  const std::size_t before = to.size();
  for (const log::FileRange& range : ranges) {
    const std::size_t at = to.size();
    to.resize(at + range.length);
    if (range.file->fd() < 0) {
      const auto got = range.file->read_at(range.position, ByteSpan(to).subspan(at));
      if (got && *got == range.length) continue;
    } else {
      iovec into{to.data() + at, range.length};
      const ssize_t got =
          ::preadv2(range.file->fd(), &into, 1, static_cast<off_t>(range.position), RWF_NOWAIT);
      if (got >= 0 && static_cast<std::uint64_t>(got) == range.length) continue;
    }
    to.resize(before);
    return false;
  }
  return true;
}
}  // namespace

/// What one owner shard does for the operation, and its waiter there.
struct FetchOperation::Visit final : FetchWaiter {
  Visit(FetchOperation& operation, BrokerShard& shard) : op(operation), owner(shard) {
    read_committed = operation.options_.read_committed;
  }

  struct Cold {
    PartitionRef handle;
    log::ColdTask task;
    Status ran;
  };

  /// On the owner shard. False when the pool has something to do first; then visited() follows.
  bool begin(bool leave_waiter) {
    remove_waiters();
    auto cold = std::make_shared<std::vector<Cold>>(cold_parts());
    if (cold->empty()) {
      read(leave_waiter);
      return true;
    }
    auto then = measured([self = op.shared_from_this(), this, leave_waiter, cold] {
      for (Cold& one : *cold) {
        if (Partition* there = one.handle->partition.get())
          there->log().apply_cold(one.task, one.ran);
      }
      read(leave_waiter && !called_off);
      if (&owner == &self->home_) return self->visited();
      self->home_.io().post(measured([self] { self->visited(); }));
    });
    owner.broker().pool().run([this, cold, then = std::move(then)]() mutable {
      for (Cold& one : *cold) one.ran = one.task.run();
      owner.io().post(std::move(then));
    });
    return false;
  }

  /// Parts that this visit checks before it reads; cold ones beyond the limits wait for another.
  std::vector<Cold> cold_parts() {
    std::vector<Cold> result;
    std::uint64_t bytes = 0;
    for (const std::size_t i : parts) {
      Part& part = op.parts_[i];
      part.later = false;
      Partition* partition = part.handle->partition.get();
      if (partition == nullptr) continue;
      Partition::ReadRequest request = part.request;
      request.bytes_max = std::min(request.bytes_max, op.options_.bytes_max);
      auto task = partition->begin_cold(request);
      if (!task) continue;
      if (result.size() == kColdPartsMax || bytes > op.options_.bytes_max) {
        part.later = true;
        continue;
      }
      bytes += std::max<std::uint64_t>(request.bytes_max, 1);
      result.push_back({part.handle, std::move(*task), {}});
    }
    return result;
  }

  void read(bool leave_waiter) {
    std::uint64_t total = 0;
    bool failed = false;
    bool more = false;
    for (const std::size_t i : parts) {
      Part& part = op.parts_[i];
      part.outcome = read_part(
          part, op.options_.bytes_max > total ? op.options_.bytes_max - total : 0, total == 0);
      total += part.outcome.size_bytes;
      failed = failed || part.outcome.error != ErrorCode::kNone;
      part.outcome.more = part.outcome.more || part.later;
      more = more || part.outcome.more;
    }
    if (!leave_waiter || failed || more || total >= op.options_.bytes_min) return;
    for (const std::size_t i : parts) {
      Partition* partition = op.parts_[i].handle->partition.get();
      if (partition != nullptr) partition->add_waiter(this);
    }
    registered = true;
  }

  static ReadOutcome read_part(const Part& part, std::uint64_t bytes_left, bool first) {
    ReadOutcome out;
    Partition* partition = part.handle->partition.get();
    if (partition == nullptr) {
      out.error = part.handle->offline.text.empty() ? ErrorCode::kNotLeaderOrFollower
                                                    : ErrorCode::kStorageError;
      return out;
    }
    Partition::ReadRequest request = part.request;
    request.at_least_one = first || part.negative_size;
    request.bytes_max = part.later ? 0 : std::min(request.bytes_max, bytes_left);
    if (part.asked.last_fetched_epoch.value >= 0) {
      const auto [epoch, end] = partition->log().epoch_end(part.asked.last_fetched_epoch);
      if (end == Offset::kNone) {  // the reader's epoch is of no log that this one knows
        out.error = check_leader_epoch(partition->state(), request.current_leader_epoch);
        if (out.error == ErrorCode::kNone) out.error = ErrorCode::kOffsetOutOfRange;
        return out;
      }
      if (end < request.from || epoch < part.asked.last_fetched_epoch) {
        // From the end, as what was asked for may lie beyond it.
        out = partition->read({partition->state().high_watermark, 0, false, request.read_committed,
                               request.current_leader_epoch});
        out.diverging_epoch = epoch;
        out.diverging_end = end;
        out.ranges.clear();
        out.size_bytes = 0;
        return out;
      }
    }
    out = partition->read(request);
    if (!part.negative_size || out.size_bytes == 0) return out;
    ReadOutcome refused;
    refused.error = ErrorCode::kUnknownServerError;
    return refused;
  }

  void remove_waiters() {
    if (!std::exchange(registered, false)) return;
    for (const std::size_t i : parts) {
      if (Partition* partition = op.parts_[i].handle->partition.get())
        partition->remove_waiter(this);
    }
  }

  /// Owner shard: the operation waits no more.
  void call_off() {
    called_off = true;
    remove_waiters();
  }

  /// Appends of one round of the loop are reported in one post.
  void on_progress(std::uint64_t bytes) override {
    pending_bytes += bytes;
    pending_hurry = pending_hurry || bytes == 0;
    if (std::exchange(scheduled, true)) return;
    owner.io().post([self = op.shared_from_this(), this] {
      scheduled = false;
      const std::uint64_t reported = std::exchange(pending_bytes, 0);
      const bool hurry = std::exchange(pending_hurry, false);
      if (&owner == &self->home_) return self->progress(hurry ? 0 : reported);
      self->home_.io().post([self, n = hurry ? 0 : reported] { self->progress(n); });
    });
  }

  FetchOperation& op;
  BrokerShard& owner;
  std::vector<std::size_t> parts;
  // Owner shard only.
  bool registered = false;
  bool called_off = false;
  bool scheduled = false;
  bool pending_hurry = false;
  std::uint64_t pending_bytes = 0;
};

FetchOperation::FetchOperation(BrokerShard& home, std::shared_ptr<Session> session, ReplyTo reply,
                               Options options)
    : home_(home),
      session_(std::move(session)),
      reply_(std::move(reply)),
      options_(std::move(options)) {}

FetchOperation::~FetchOperation() = default;

void FetchOperation::add_partition(FetchWanted wanted, PartitionRef handle, ErrorCode unknown) {
  Part& part = parts_.emplace_back();
  part.topic = std::move(wanted.topic);
  part.asked = wanted.asked;
  const protocol::FetchRequest::Partition& asked = part.asked;
  part.request.from = asked.offset;
  part.negative_size = options_.negative_size || asked.bytes_max < 0;
  part.request.bytes_max = static_cast<std::uint64_t>(std::max(asked.bytes_max, 0));
  part.request.read_committed = options_.read_committed;
  part.request.current_leader_epoch = asked.current_leader_epoch;
  part.handle = std::move(handle);
  if (!part.handle || options_.replica) {
    part.outcome.error = part.handle ? ErrorCode::kNotLeaderOrFollower : unknown;
    hurry_ = true;
    return;
  }
  BrokerShard* owner = part.handle->owner;
  auto found = std::find_if(visits_.begin(), visits_.end(),
                            [&](const auto& visit) { return &visit->owner == owner; });
  if (found == visits_.end())
    found = visits_.insert(visits_.end(), std::make_unique<Visit>(*this, *owner));
  (*found)->parts.push_back(parts_.size() - 1);
}

void FetchOperation::start() {
  last_round_ = options_.wait_ms_max == 0 || hurry_ || visits_.empty();
  visit_all(!last_round_);
}

void FetchOperation::visit_all(bool leave_waiters) {
  visits_under_way_ = visits_.size();
  if (visits_.empty()) return finish();
  const auto self = shared_from_this();
  for (const auto& visit : visits_) {
    if (&visit->owner == &home_) {
      if (visit->begin(leave_waiters)) visited();
      continue;
    }
    visit->owner.io().post(measured([self, v = visit.get(), leave_waiters] {
      if (v->begin(leave_waiters)) self->home_.io().post(measured([self] { self->visited(); }));
    }));
  }
}

void FetchOperation::visited() {
  if (--visits_under_way_ != 0 || done_) return;
  std::uint64_t total = available_;
  bool more = false;  // nothing will come that is not there already: no reason to wait
  for (const Part& part : parts_) {
    total += part.outcome.size_bytes;
    more = more || part.outcome.more;
    hurry_ = hurry_ || part.outcome.error != ErrorCode::kNone;
  }
  if (last_round_) return finish();
  if (available_ == 0 && (hurry_ || more || total >= options_.bytes_min)) return finish();
  if (hurry_ || more || total >= options_.bytes_min) {
    last_round_ = true;
    return visit_all(false);
  }
  available_ = total;
  waiting_ = true;
  if (!session_->open()) return cancel();
  timer_ =
      home_.io().after(options_.wait_ms_max, [self = shared_from_this()] { self->finish_now(); });
  session_->add_long_poll(shared_from_this());
}

void FetchOperation::progress(std::uint64_t bytes) {
  available_ += bytes;
  hurry_ = hurry_ || bytes == 0;
  if (waiting_ && (hurry_ || available_ >= options_.bytes_min)) finish_now();
}

void FetchOperation::finish_now() {
  const bool nothing_new = available_ == 0 && !hurry_;
  hurry_ = true;
  if (!waiting_ || done_) return;
  waiting_ = false;
  home_.io().cancel(timer_);
  session_->remove_long_poll(shared_from_this());
  if (nothing_new) return finish();  // what the first visits found is still so
  last_round_ = true;
  visit_all(false);
}

void FetchOperation::cancel() {
  if (std::exchange(done_, true)) return;
  if (waiting_) home_.io().cancel(timer_);
  waiting_ = false;
  reply_.close_connection();
  unregister();
}

void FetchOperation::unregister() {
  for (const auto& visit : visits_) {
    if (&visit->owner == &home_)
      visit->call_off();
    else
      visit->owner.io().post([self = shared_from_this(), v = visit.get()] { v->call_off(); });
  }
}

void FetchOperation::finish() {
  if (std::exchange(done_, true)) return;
  if (!last_round_) unregister();  // the visits of a last round leave no waiter
  limit_bytes();
  if (throttle()) return send();
  if (options_.session_id != 0) return ask_session();
  if (options_.make_session) make_session();
  send();
}

bool FetchOperation::throttle() {
  ClientQuotas& quotas = home_.broker().quotas();
  if (!quotas.any()) return false;
  const std::int32_t time_ms = reply_.throttle();
  std::uint64_t bytes = 0;
  for (const Part& part : parts_) bytes += part.outcome.size_bytes;
  std::int32_t bytes_ms = 0;
  if (time_ms == 0) {  // else there is nothing to send, and so nothing to count
    bytes_ms = quotas.charge_if_allowed(ClientQuotas::Kind::kFetch, options_.client_id, bytes,
                                        home_.broker().clock().steady_ms());
    if (bytes_ms == 0) return false;
    reply_.pause_client(bytes_ms);
  }
  for (Part& part : parts_) part.include = false;
  whole_.throttle_ms = std::max(time_ms, bytes_ms);
  whole_.session_id = options_.session_id;
  return true;
}

std::vector<FetchSaid> FetchOperation::said() const {
  std::vector<FetchSaid> out;
  out.reserve(parts_.size());
  for (const Part& part : parts_) {
    FetchSaid& one = out.emplace_back();
    one.error = part.outcome.error;
    one.found = part.handle;
    if (one.error != ErrorCode::kNone) continue;
    one.high_watermark = part.outcome.high_watermark;
    one.log_start = part.outcome.log_start;
    one.records = part.outcome.size_bytes > 0;
    one.diverging = part.outcome.diverging_end != Offset::kNone;
  }
  return out;
}

void FetchOperation::make_session() {
  std::vector<FetchWanted> wanted;
  wanted.reserve(parts_.size());
  for (const Part& part : parts_) wanted.push_back({part.topic, part.asked, {}});
  whole_.session_id = home_.fetch_sessions().create(options_.by_id, wanted, said(),
                                                    home_.broker().clock().steady_ms());
}

/// The session says what of the answer is news.
void FetchOperation::ask_session() {
  Broker& broker = home_.broker();
  BrokerShard& owner =
      broker.shard(FetchSessions::shard_of(options_.session_id, broker.shard_count()));
  if (&owner == &home_) {
    std::vector<FetchSaid> all = said();
    const ErrorCode error =
        home_.fetch_sessions().answered(options_.session_id, options_.session_epoch, all);
    return told_by_session(error, all);
  }
  owner.io().post([self = shared_from_this(), &owner, all = said()]() mutable {
    const ErrorCode error = owner.fetch_sessions().answered(self->options_.session_id,
                                                            self->options_.session_epoch, all);
    self->home_.io().post(
        [self, error, all = std::move(all)] { self->told_by_session(error, all); });
  });
}

void FetchOperation::told_by_session(ErrorCode error, const std::vector<FetchSaid>& said) {
  whole_.session_id = options_.session_id;
  whole_.error = error;
  for (std::size_t i = 0; i < parts_.size(); ++i)
    parts_[i].include = error == ErrorCode::kNone && said[i].include;
  send();
}

void FetchOperation::send() { reply_.send(assemble()); }

/// The owners kept the limit each for itself; together they may have read more.
void FetchOperation::limit_bytes() {
  std::uint64_t total = 0;
  for (Part& part : parts_) {
    if (total != 0 && total + part.outcome.size_bytes > options_.bytes_max) {
      part.outcome.size_bytes = 0;
      part.outcome.ranges.clear();
    }
    total += part.outcome.size_bytes;
  }
}

net::Response FetchOperation::assemble() {
  net::Response out = reply_.begin();
  std::vector<std::byte>* to = &out.head;
  const std::int16_t version = reply_.version();
  const bool flexible = reply_.flexible();
  protocol::Writer front(*to, version, flexible);
  whole_.front(front);
  std::vector<Part*> told;
  std::vector<std::size_t> ends;  // of runs of one topic
  for (Part& part : parts_) {
    if (!part.include) continue;
    if (told.empty() || !same_topic(told.back()->topic, part.topic)) ends.push_back(told.size());
    told.push_back(&part);
    ends.back() = told.size();
  }
  front.length(static_cast<std::int64_t>(ends.size()));
  bool names_leader = false;
  std::size_t i = 0;
  for (const std::size_t end : ends) {
    FetchResponse::Topic topic{told[i]->topic->name, told[i]->topic->id, {}};
    protocol::Writer writer(*to, version, flexible);
    topic.front(writer);
    writer.length(static_cast<std::int64_t>(end - i));
    for (; i < end; ++i) {
      write_partition(out, to, *told[i]);
      names_leader = names_leader || names_a_leader(told[i]->outcome.error);
    }
    if (flexible) protocol::Writer(*to, version, flexible).uvarint(0);
  }
  if (names_leader) {
    const Endpoint& self = home_.broker().advertised();
    whole_.endpoints.push_back(
        {home_.broker().settings().node_id, self.host, self.port, std::nullopt});
  }
  protocol::Writer(*to, version, flexible).structure(Back<FetchResponse>{whole_});
  return out;
}

void FetchOperation::write_partition(net::Response& out, std::vector<std::byte>*& to, Part& part) {
  const std::int16_t version = reply_.version();
  const bool flexible = reply_.flexible();
  FetchResponse::Partition partition;
  partition.index = part.asked.index;
  partition.error = part.outcome.error;
  if (part.outcome.error == ErrorCode::kNone) {
    partition.high_watermark = part.outcome.high_watermark;
    partition.last_stable = part.outcome.last_stable;
    partition.log_start = part.outcome.log_start;
    partition.diverging = {part.outcome.diverging_epoch, part.outcome.diverging_end};
  }
  // Kafka's answers have an empty list, not null, for what it does not know.
  if (!part.handle || (options_.read_committed && part.outcome.error == ErrorCode::kNone))
    partition.aborted.emplace();
  for (const log::ProducerState::Aborted& one : part.outcome.aborted)
    partition.aborted->push_back({one.producer_id, one.first});
  if (version >= 16 && part.handle && names_a_leader(part.outcome.error))
    partition.leader = {home_.broker().settings().node_id, part.handle->leader_epoch};
  protocol::Writer writer(*to, version, flexible);
  partition.front(writer);
  const std::uint64_t size = part.outcome.size_bytes;
  writer.length(static_cast<std::int64_t>(size));
  if (size > 0 && (size > kCopyBytesMax || !copy_resident(part.outcome.ranges, *to))) {
    for (log::FileRange& range : part.outcome.ranges) {
      const int fd = range.file->fd();
      out.pieces.emplace_back(
          net::FileRange{std::move(range.file), fd, range.position, range.length});
    }
    out.pieces.emplace_back(std::vector<std::byte>());
    to = &std::get<std::vector<std::byte>>(out.pieces.back());
  }
  protocol::Writer(*to, version, flexible).structure(Back<FetchResponse::Partition>{partition});
}

}  // namespace penstock::broker
