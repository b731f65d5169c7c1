// The part of SqliteTopics that deletes topics, and goes on with it after a crash.
#include <spdlog/spdlog.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "broker/coordinator/at_group.h"
#include "broker/metadata/sqlite_topics.h"
#include "broker/metadata/topic_answers.h"
#include "broker/mutation_quota.h"

namespace penstock::broker {

using protocol::ErrorCode;

Status SqliteTopics::read_deletions() {
  PENSTOCK_ASSIGN_OR_RETURN(const auto entries, store_->range(kDeletedPrefix));
  for (const auto& [key, entry] : entries) {
    const auto json = nlohmann::json::parse(entry.value, nullptr, false);
    Deletion deletion;
    deletion.revision = entry.revision;
    if (!json.is_object() || !Uuid::parse(key.substr(kDeletedPrefix.size()), deletion.id))
      return fail(Errc::kCorrupt, key + " cannot be read");
    deletion.name = json.value("name", "");
    deletion.partitions = json.value("partitions", 0);
    deletion.at_ms = json.value("at_ms", std::int64_t{0});
    deletions_.emplace(key, std::move(deletion));
  }
  return {};
}

/// Directories that were to be deleted when the last life of this broker ended.
void SqliteTopics::remove_leftovers(const std::vector<log::LogDirectory::Found>& found) {
  for (auto& [key, deletion] : deletions_) {
    Status status;
    for (const auto& at : found) {
      if (at.topic_id != deletion.id) continue;
      if (Status removed =
              broker_.log_directory().delete_partition(at.topic, at.partition, at.topic_id);
          !removed)
        status = std::move(removed);
    }
    directories_removed(key, status);
  }
}

Status SqliteTopics::note_deletion(const std::string& name) {
  const auto at = topics_.find(name);
  const std::string key = deleted_key(at->second.id);
  Deletion deletion{name, at->second.id, at->second.partitions, broker_.clock().wall_ms()};
  const nlohmann::json json{
      {"name", name}, {"partitions", deletion.partitions}, {"at_ms", deletion.at_ms}};
  // Both at once: a crash before all is gone leaves a note of what there was.
  PENSTOCK_RETURN_IF_ERROR(
      commit({{topic_key(name), std::nullopt, at->second.revision}, {key, json.dump(), 0}},
             deletion.revision));
  topics_.erase(at);
  deletions_.emplace(key, std::move(deletion));
  return {};
}

void SqliteTopics::directories_removed(const std::string& key, const Status& status) {
  Deletion& deletion = deletions_.at(key);
  deletion.directories = status ? Deletion::Part::kGone : Deletion::Part::kLeft;
  if (status) return;
  spdlog::error("deleting {}: {}; it is tried again", deletion.name, status.error().text);
  // Deleting makes room, and needs a little.
  if (status.error().code == Errc::kStorageFull) broker_.release_reserve(status.error());
}

void SqliteTopics::forget_offsets(const std::string& key) {
  Deletion& deletion = deletions_.at(key);
  const std::int64_t until =
      topics_.contains(deletion.name) ? deletion.at_ms : std::numeric_limits<std::int64_t>::max();
  deletion.offsets = Deletion::Part::kUnderWay;
  forget_topic(broker_, deletion.name, until, [this, key](bool stored) {
    deletions_.at(key).offsets = stored ? Deletion::Part::kGone : Deletion::Part::kLeft;
    if (stored) go_on_deleting(key);
  });
}

void SqliteTopics::go_on_deleting(const std::string& key) {
  Deletion& deletion = deletions_.at(key);
  if (deletion.offsets == Deletion::Part::kLeft) forget_offsets(key);
  if (deletion.directories == Deletion::Part::kLeft) {
    deletion.directories = Deletion::Part::kUnderWay;
    broker_.registry().remove_leftovers(deletion.name, deletion.id, deletion.partitions,
                                        [this, key](const Status& status) {
                                          directories_removed(key, status);
                                          if (status) go_on_deleting(key);
                                        });
  }
  if (deletion.directories != Deletion::Part::kGone || deletion.offsets != Deletion::Part::kGone)
    return;
  std::int64_t revision = 0;
  if (commit({{key, std::nullopt, deletion.revision}}, revision)) deletions_.erase(key);
}

void SqliteTopics::delete_topic(std::string name, std::shared_ptr<MutationQuota> quota, Done done) {
  broker_.control().post(
      [this, name = std::move(name), quota = std::move(quota), done = std::move(done)]() mutable {
        delete_now(name, quota.get(), std::move(done));
      });
}

void SqliteTopics::delete_now(const std::string& name, MutationQuota* quota, Done done) {
  const auto at = topics_.find(name);
  if (at == topics_.end()) return done(unknown());
  if (is_internal_topic(name))
    return done(refuse(
        ErrorCode::kInvalidTopic,
        "The internal topic " + name + " cannot be deleted: coordinators keep their state in it."));
  if (auto refused = take(quota, at->second.partitions))
    return done(tl::make_unexpected(std::move(*refused)));
  const std::string key = deleted_key(at->second.id);
  if (auto noted = note_deletion(name); !noted) return done(not_stored(noted.error()));
  deletions_.at(key).directories = Deletion::Part::kUnderWay;
  deletions_.at(key).offsets = Deletion::Part::kUnderWay;  // when nobody can commit any more
  broker_.registry().remove(
      name, [this, key, done = std::move(done)](TopicRef removed, const Status& status) mutable {
        Deletion& deletion = deletions_.at(key);
        deletion.at_ms = broker_.clock().wall_ms();
        deletion.offsets = Deletion::Part::kLeft;
        directories_removed(key, status);
        forget_offsets(key);
        if (removed)
          done(std::move(removed));
        else
          done(unknown());
      });
}

}  // namespace penstock::broker
