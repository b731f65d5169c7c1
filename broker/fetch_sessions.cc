#include "broker/fetch_sessions.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::FetchRequest;

namespace {
/// What one cached partition takes with its place in the map, beside its topic's name.
constexpr std::size_t kPartitionBytes = 320;

std::size_t cost(const FetchTopic& topic) { return kPartitionBytes + 2 * topic.name.size(); }

/// Ids and names do not meet: a session has either.
std::string key_of(const FetchTopic& topic, PartitionId index) {
  std::string key = topic.name;
  const auto add = [&key](auto value) {
    key.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  if (!topic.id.is_zero() || topic.name.empty()) {
    add(topic.id.high);
    add(topic.id.low);
  }
  add(index.value);
  return key;
}
}  // namespace

std::int32_t FetchSessions::next_epoch(std::int32_t epoch) {
  return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

FetchSessions::Cached& FetchSessions::want(Session& session,
                                           const std::shared_ptr<const FetchTopic>& topic,
                                           const FetchRequest::Partition& asked) {
  const auto [place, added] = session.by_key.try_emplace(key_of(*topic, asked.index));
  if (added) {
    place->second = session.partitions.insert(session.partitions.end(), Cached{topic, asked, {}});
    session.bytes += cost(*topic);
    bytes_ += cost(*topic);
  } else {
    place->second->asked = asked;
  }
  return *place->second;
}

void FetchSessions::forget(Session& session, const FetchTopic& topic, PartitionId index) {
  const auto found = session.by_key.find(key_of(topic, index));
  if (found == session.by_key.end()) return;
  session.partitions.erase(found->second);
  session.by_key.erase(found);
  session.bytes -= cost(topic);
  bytes_ -= cost(topic);
}

void FetchSessions::erase(Sessions::iterator session) {
  bytes_ -= session->second.bytes;
  sessions_.erase(session);
}

void FetchSessions::close(std::int32_t id) {
  if (const auto found = sessions_.find(id); found != sessions_.end()) erase(found);
}

/// A session that nobody used for long goes first; else the smallest of those that have been there
/// for long, unless the new one is smaller still.
bool FetchSessions::make_room(std::size_t partitions, std::int64_t now_ms) {
  if (sessions_.size() < options_.slots_max) return true;
  if (sessions_.empty()) return false;
  const auto stale = std::min_element(
      sessions_.begin(), sessions_.end(),
      [](const auto& a, const auto& b) { return a.second.used_ms < b.second.used_ms; });
  if (now_ms - stale->second.used_ms > options_.evict_ms) {
    erase(stale);
    return true;
  }
  auto smallest = sessions_.end();
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    if (now_ms - at->second.created_ms <= options_.evict_ms) continue;
    if (smallest == sessions_.end() ||
        at->second.partitions.size() < smallest->second.partitions.size())
      smallest = at;
  }
  if (smallest == sessions_.end() || smallest->second.partitions.size() > partitions) return false;
  erase(smallest);
  return true;
}

std::int32_t FetchSessions::create(bool by_id, const std::vector<FetchWanted>& wanted,
                                   const std::vector<FetchSaid>& said, std::int64_t now_ms) {
  std::size_t bytes = 0;
  for (const FetchWanted& one : wanted) bytes += cost(*one.topic);
  if (bytes_ + bytes > options_.bytes_max || !make_room(wanted.size(), now_ms)) return 0;
  constexpr auto kIdMax = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
  std::int32_t id = 0;
  while (id == 0 || sessions_.contains(id)) {
    const std::uint64_t turn = random_() % (kIdMax / options_.shards);
    id = static_cast<std::int32_t>(turn * options_.shards + options_.shard);
  }
  Session& session = sessions_[id];
  session.by_id = by_id;
  session.created_ms = session.used_ms = now_ms;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    note(want(session, wanted[i].topic, wanted[i].asked), said[i]);
  return id;
}

FetchSessions::Begun FetchSessions::begin(const FetchRequest& request, bool by_id,
                                          std::int64_t now_ms) {
  Begun out;
  const auto found = sessions_.find(request.session_id);
  if (found == sessions_.end()) {
    out.error = ErrorCode::kFetchSessionIdNotFound;
    return out;
  }
  Session& session = found->second;
  if (session.epoch != request.session_epoch)
    out.error = ErrorCode::kInvalidFetchSessionEpoch;
  else if (session.by_id != by_id)
    out.error = ErrorCode::kFetchSessionTopicIdError;
  if (out.error != ErrorCode::kNone) return out;
  for (const FetchRequest::Topic& topic : request.topics) {
    const auto called = std::make_shared<const FetchTopic>(std::string(topic.name), topic.id);
    for (const FetchRequest::Partition& asked : topic.partitions) want(session, called, asked);
  }
  for (const FetchRequest::Forgotten& topic : request.forgotten) {
    const FetchTopic called{std::string(topic.name), topic.id};
    for (const PartitionId index : topic.partitions) forget(session, called, index);
  }
  if (bytes_ > options_.bytes_max) {
    out.error =
        ErrorCode::kFetchSessionIdNotFound;  // the reader starts a new one, which may be none
    erase(found);
    return out;
  }
  if (session.partitions.empty()) {
    out.ended = true;
    erase(found);
    return out;
  }
  session.used_ms = now_ms;
  session.epoch = next_epoch(session.epoch);
  out.wanted.reserve(session.partitions.size());
  for (const Cached& cached : session.partitions)
    out.wanted.push_back({cached.topic, cached.asked, cached.seen});
  return out;
}

/// Whether the reader has to be told, given what it was told last.
bool FetchSessions::note(Cached& cached, const FetchSaid& said) {
  const bool failed = said.error != ErrorCode::kNone;
  const bool news = said.records || failed || said.diverging ||
                    said.high_watermark != cached.high_watermark ||
                    said.log_start != cached.log_start;
  // After an error everything is news again.
  cached.high_watermark = failed ? Offset::kNone : said.high_watermark;
  cached.log_start = said.log_start;
  if (said.found) cached.seen = said.found;
  return news;
}

ErrorCode FetchSessions::answered(std::int32_t id, std::int32_t epoch,
                                  std::vector<FetchSaid>& said) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return ErrorCode::kNone;  // gone meanwhile: tell everything
  Session& session = found->second;
  if (session.epoch != next_epoch(epoch)) return ErrorCode::kInvalidFetchSessionEpoch;
  auto at = session.partitions.begin();
  for (FetchSaid& one : said) {
    const auto here = at++;
    one.include = note(*here, one);
    if (one.records) session.partitions.splice(session.partitions.end(), session.partitions, here);
  }
  return ErrorCode::kNone;
}

}  // namespace penstock::broker
