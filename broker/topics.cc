#include "broker/topics.h"

#include <algorithm>

#include "broker/broker.h"
#include "broker/partition.h"
#include "broker/request_time.h"

namespace penstock::broker {

PartitionHandle::PartitionHandle() = default;
PartitionHandle::~PartitionHandle() = default;

void PartitionHandle::on_owner(const std::shared_ptr<PartitionHandle>& handle,
                               UniqueFunction<void(Partition*)> work) {
  auto run = [handle, work = std::move(work)]() mutable noexcept { work(handle->partition.get()); };
  if (handle->owner->io().here()) return run();
  handle->owner->io().post(measured(std::move(run)));
}

TopicRef Topics::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

TopicRef Topics::find(const Uuid& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

PartitionRef Topics::find(std::string_view name, PartitionId index) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second->partition(index);
}

void Topics::put(TopicRef topic) {
  erase(topic->name);
  by_id_[topic->id] = topic;
  by_name_[topic->name] = std::move(topic);
}

void Topics::erase(std::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  by_id_.erase(found->second->id);
  by_name_.erase(found);
}

namespace {
constexpr std::size_t kLengthMax = 249;
}  // namespace

std::string name_in_text(std::string_view name) {
  return name.size() <= kLengthMax ? std::string(name) : std::string(name.substr(0, 40)) + "...";
}

Status check_topic_name(std::string_view name) {
  if (name.empty())
    return fail(Errc::kInvalid, "Topic name is invalid: the empty string is not allowed");
  if (name == "." || name == "..")
    return fail(Errc::kInvalid,
                "Topic name is invalid: '" + std::string(name) + "' is not allowed");
  if (name.size() > kLengthMax) {
    return fail(Errc::kInvalid,
                "Topic name is invalid: the length of '" + std::string(name.substr(0, 40)) +
                    "...' is longer than the max allowed length " + std::to_string(kLengthMax));
  }
  const bool legal = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  if (!legal) {
    return fail(
        Errc::kInvalid,
        "Topic name is invalid: it contains one or more characters other than ASCII alphanumerics, "
        "'.', '_' and '-'");
  }
  return {};
}

}  // namespace penstock::broker
