#include "broker/metadata/sqlite_topics.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/coordinator/at_transaction.h"
#include "broker/metadata/topic_answers.h"
#include "broker/metadata/topic_config.h"
#include "broker/mutation_quota.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {

constexpr std::int64_t kProducerIdBlock = 1000;
constexpr std::int32_t kPartitionsMax = 10'000;
constexpr std::string_view kProducerIdsKey = "producer_ids";
constexpr std::string_view kFile = "metadata.db";

/// Metric names make no difference between the two, so Kafka lets no two topics differ in that
/// alone.
std::string without_dots(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

}  // namespace

std::unique_ptr<TopicAdmin> make_topic_admin(Broker& broker) {
  return std::make_unique<SqliteTopics>(broker);
}

Status SqliteTopics::open_store() {
  const std::string path = broker_.log_directory().path() + "/" + std::string(kFile);
  if (!broker_.files().exists(path)) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto found, broker_.log_directory().partitions());
    if (!found.empty()) {
      return fail(Errc::kCorrupt, path + " is missing, but there are " +
                                      std::to_string(found.size()) + " partition directories, " +
                                      found.front().topic + "-" +
                                      std::to_string(found.front().partition.value) +
                                      " among them: restore it, or move them away");
    }
  }
  PENSTOCK_ASSIGN_OR_RETURN(store_, MetadataStore::open(path));
  PENSTOCK_ASSIGN_OR_RETURN(const bool used, store_->ever_committed());
  // The name of a store that took a commit is durable already. To sync it again would make a start
  // wait for all that the last process left to write.
  return used ? Status() : broker_.files().sync_directory(broker_.log_directory().path());
}

Status SqliteTopics::read_topics() {
  PENSTOCK_ASSIGN_OR_RETURN(const auto entries, store_->range(kTopicPrefix));
  for (const auto& [key, entry] : entries) {
    const auto json = nlohmann::json::parse(entry.value, nullptr, false);
    Stored topic;
    topic.revision = entry.revision;
    try {
      if (!Uuid::parse(json.at("id").get<std::string>(), topic.id))
        return fail(Errc::kCorrupt, key + ": no topic id");
      topic.partitions = json.at("partitions").get<std::int32_t>();
      topic.opened = json.at("opened").get<std::int32_t>();
      topic.overrides = json.at("overrides").get<std::map<std::string, std::string>>();
    } catch (const nlohmann::json::exception& e) {
      return fail(Errc::kCorrupt, key + ": " + e.what());
    }
    if (topic.partitions < 1 || topic.partitions > kPartitionsMax)
      return fail(Errc::kCorrupt, key + ": partitions");
    topics_.emplace(key.substr(kTopicPrefix.size()), std::move(topic));
  }
  return {};
}

void SqliteTopics::carry_on() {
  std::vector<std::string> keys;
  for (const auto& [key, deletion] : deletions_) keys.push_back(key);
  for (const std::string& key : keys) go_on_deleting(key);
  broker_.registry().reopen_full([this] {
    load_groups(broker_.registry().current());
    load_transactions(broker_.registry().current());
    for (const auto& [name, topic] : topics_) {
      if (topic.opened < topic.partitions) count_opened(name);
    }
  });
}

void SqliteTopics::load(UniqueFunction<void(Status)> done) {
  if (auto opened = open_store(); !opened) return done(std::move(opened));
  if (auto read = read_broker_config(); !read) return done(std::move(read));
  if (auto read = read_topics(); !read) return done(std::move(read));
  auto found = broker_.log_directory().partitions();
  if (!found) return done(tl::make_unexpected(found.error()));
  if (auto read = read_deletions(); !read) return done(std::move(read));
  // Each look reads a file of every partition: a second one only when something may have gone.
  if (!deletions_.empty()) {
    remove_leftovers(*found);
    found = broker_.log_directory().partitions();
    if (!found) return done(tl::make_unexpected(found.error()));
  }

  std::set<std::pair<std::string, std::int32_t>> there;
  for (const auto& partition : *found) {
    const auto at = topics_.find(partition.topic);
    const bool known = at != topics_.end() && at->second.id == partition.topic_id &&
                       partition.partition.value < at->second.partitions;
    if (known)
      there.emplace(partition.topic, partition.partition.value);
    else
      spdlog::error("{}/{}-{} belongs to no topic (its topic id is {}); it is left alone",
                    broker_.log_directory().path(), partition.topic, partition.partition.value,
                    partition.topic_id.text());
  }
  std::vector<TopicImage> images;
  for (const auto& [name, topic] : topics_) {
    auto image = image_of(name, topic);
    if (!image) return done(tl::make_unexpected(image.error().in(name)));
    for (std::int32_t i = 0; i < topic.opened; ++i) {
      if (!there.contains({name, i})) image->lost.insert(i);
    }
    images.push_back(std::move(*image));
  }
  broker_.registry().apply_all(std::move(images), [this, done = std::move(done)]() mutable {
    for (const auto& [name, topic] : topics_) {
      if (topic.opened < topic.partitions) count_opened(name);
    }
    done({});
  });
}

Result<TopicSettings> SqliteTopics::settings_with(
    const std::map<std::string, std::string>& overrides) const {
  return with_overrides(broker_config_->topic_defaults, overrides);
}

Result<TopicImage> SqliteTopics::image_of(const std::string& name, const Stored& topic) const {
  PENSTOCK_ASSIGN_OR_RETURN(TopicSettings settings, settings_with(topic.overrides));
  return TopicImage{name,    topic.id, is_internal_topic(name), topic.partitions, topic.overrides,
                    settings};
}

Status SqliteTopics::commit(std::vector<MetadataStore::Write> writes, std::int64_t& revision) {
  if (const Error* failed = broker_.storage_failure()) return tl::make_unexpected(*failed);
  auto written = store_->commit(writes);
  if (!written && written.error().code == Errc::kStorageFull) {
    // The reserve is for this: topics can be deleted, which makes room.
    broker_.release_reserve(written.error());
    written = store_->commit(writes);
  }
  if (store_->sync_failed()) broker_.storage_failed(written.error());
  if (!written) {
    spdlog::error("metadata: {}", written.error().text);
    return tl::make_unexpected(written.error());
  }
  revision = *written;
  return {};
}

Status SqliteTopics::save(const std::string& name, Stored topic) {
  const nlohmann::json json{{"id", topic.id.text()},
                            {"partitions", topic.partitions},
                            {"opened", topic.opened},
                            {"overrides", topic.overrides}};
  PENSTOCK_RETURN_IF_ERROR(
      commit({{topic_key(name), json.dump(), topic.revision}}, topic.revision));
  topics_[name] = std::move(topic);
  return {};
}

void SqliteTopics::apply(const std::string& name, std::int32_t partitions_before, Done done) {
  auto image = image_of(name, topics_.at(name));
  if (!image) return done(refuse(ErrorCode::kInvalidConfig, image.error().text));
  const Uuid id = image->id;
  broker_.registry().apply(
      std::move(*image),
      [this, name, id, partitions_before, done = std::move(done)](Result<TopicRef> topic) mutable {
        if (!topic) {
          take_back(name, id, partitions_before);
          return done(refuse(ErrorCode::kStorageError, topic.error().text));
        }
        count_opened(name);
        done(std::move(*topic));
      });
}

void SqliteTopics::take_back(const std::string& name, const Uuid& id,
                             std::int32_t partitions_before) {
  const auto at = topics_.find(name);
  if (at == topics_.end() || at->second.id != id) return;  // deleted meanwhile
  Status taken;
  if (partitions_before == 0) {
    taken = note_deletion(name);
    if (taken) go_on_deleting(deleted_key(id));
  } else {
    Stored topic = at->second;
    topic.partitions = partitions_before;
    taken = save(name, std::move(topic));
  }
  if (!taken)
    spdlog::error("{}: its new partitions were refused, but come with the next start: {}", name,
                  taken.error().text);
}

void SqliteTopics::count_opened(const std::string& name) {
  const auto at = topics_.find(name);
  if (at == topics_.end()) return;  // deleted meanwhile
  Stored topic = at->second;
  const std::string& path = broker_.log_directory().path();
  while (topic.opened < topic.partitions &&
         broker_.files().exists(path + "/" + name + "-" + std::to_string(topic.opened)))
    ++topic.opened;
  if (topic.opened == at->second.opened) return;
  // The directories must be durable before it is said that they exist; if it cannot be said, a
  // later loss will not be noticed, no more.
  if (auto synced = broker_.files().sync_directory(path); !synced)
    return spdlog::error("{}: {}", path, synced.error().text);
  if (auto saved = save(name, std::move(topic)); !saved)
    spdlog::error("{}: {}", name, saved.error().text);
}

std::optional<ApiError> SqliteTopics::refuse_name(const std::string& name) const {
  if (const Status good = check_topic_name(name); !good)
    return ApiError{ErrorCode::kInvalidTopic, good.error().text};
  if (topics_.contains(name))
    return ApiError{ErrorCode::kTopicAlreadyExists, "Topic '" + name + "' already exists."};
  const std::string bare = without_dots(name);
  for (const auto& [other, topic] : topics_) {
    if (without_dots(other) == bare)
      return ApiError{ErrorCode::kInvalidTopic,
                      "Topic '" + name + "' collides with existing topic: " + other};
  }
  return std::nullopt;
}

void SqliteTopics::create_topic(NewTopic topic, Done done) {
  broker_.control().post([this, topic = std::move(topic), done = std::move(done)]() mutable {
    create_now(std::move(topic), std::move(done));
  });
}

void SqliteTopics::create_now(NewTopic topic, Done done) {
  if (auto refused = refuse_name(topic.name)) return done(tl::make_unexpected(std::move(*refused)));
  std::int32_t partitions = topic.partitions;
  if (partitions == -1) partitions = broker_.settings().num_partitions;
  if (topic.name == kConsumerOffsetsTopic) {
    // However it comes to be created: the coordinator's settings, under what was asked for.
    const CoordinatorSettings& coordinator = broker_.settings().coordinator;
    if (topic.partitions == -1) partitions = coordinator.topic_partitions;
    topic.overrides["cleanup.policy"] = "compact";
    topic.overrides.try_emplace("segment.bytes", std::to_string(coordinator.topic_segment_bytes));
  }
  if (topic.name == kTransactionStateTopic) {
    const TransactionSettings& transactions = broker_.settings().transactions;
    if (topic.partitions == -1) partitions = transactions.topic_partitions;
    topic.overrides["cleanup.policy"] = "compact";
    topic.overrides.try_emplace("segment.bytes", std::to_string(transactions.topic_segment_bytes));
  }
  if (partitions < 1 || partitions > kPartitionsMax) {
    return done(refuse(partitions < 1 ? ErrorCode::kInvalidPartitions : ErrorCode::kPolicyViolation,
                       "Number of partitions was set to " + std::to_string(partitions) +
                           "; it must be from 1 to " + std::to_string(kPartitionsMax) + "."));
  }
  if (auto settings = settings_with(topic.overrides); !settings) {
    return done(refuse(ErrorCode::kInvalidConfig, settings.error().text));
  }
  if (auto refused = take(topic.quota.get(), partitions))
    return done(tl::make_unexpected(std::move(*refused)));
  if (topic.validate_only) return done(TopicRef());
  if (auto saved = save(topic.name, {Uuid::random(), partitions, 0, std::move(topic.overrides), 0});
      !saved)
    return done(not_stored(saved.error()));
  apply(topic.name, 0, std::move(done));
}

void SqliteTopics::add_partitions(std::string name, std::int32_t total, bool validate_only,
                                  std::shared_ptr<MutationQuota> quota, Done done) {
  broker_.control().post([this, name = std::move(name), total, validate_only,
                          quota = std::move(quota), done = std::move(done)]() mutable {
    add_now(name, total, validate_only, quota.get(), std::move(done));
  });
}

void SqliteTopics::add_now(const std::string& name, std::int32_t total, bool validate_only,
                           MutationQuota* quota, Done done) {
  const auto at = topics_.find(name);
  if (at == topics_.end()) return done(unknown());
  if (is_internal_topic(name)) {
    return done(refuse(ErrorCode::kInvalidPartitions, "Partitions of the internal topic " + name +
                                                          " cannot be added: groups would move."));
  }
  const std::int32_t now = at->second.partitions;
  if (total <= now || total > kPartitionsMax) {
    const std::string has =
        "The topic " + name + " currently has " + std::to_string(now) + " partition(s); ";
    return done(refuse(ErrorCode::kInvalidPartitions,
                       total == now  ? "Topic already has " + std::to_string(now) + " partition(s)."
                       : total < now ? has + std::to_string(total) + " would not be an increase."
                                     : has + std::to_string(total) + " is more than " +
                                           std::to_string(kPartitionsMax) + "."));
  }
  if (auto refused = take(quota, total - now))
    return done(tl::make_unexpected(std::move(*refused)));
  if (validate_only) return done(broker_.registry().current().find(name));
  Stored topic = at->second;
  topic.partitions = total;
  if (auto saved = save(name, std::move(topic)); !saved) return done(not_stored(saved.error()));
  apply(name, now, std::move(done));
}

void SqliteTopics::alter_configs(std::string name,
                                 std::map<std::string, std::optional<std::string>> changes,
                                 bool validate_only, Done done) {
  broker_.control().post([this, name = std::move(name), changes = std::move(changes), validate_only,
                          done = std::move(done)]() mutable {
    alter_now(name, changes, validate_only, std::move(done));
  });
}

void SqliteTopics::alter_now(const std::string& name,
                             const std::map<std::string, std::optional<std::string>>& changes,
                             bool validate_only, Done done) {
  const auto at = topics_.find(name);
  if (at == topics_.end()) return done(unknown());
  if (is_internal_topic(name) && changes.contains("cleanup.policy")) {
    return done(
        refuse(ErrorCode::kInvalidConfig, "cleanup.policy of the internal topic " + name +
                                              " cannot be changed: coordinators need compaction."));
  }
  Stored topic = at->second;
  apply_changes(changes, topic.overrides);
  if (auto settings = settings_with(topic.overrides); !settings) {
    return done(refuse(ErrorCode::kInvalidConfig, settings.error().text));
  }
  if (validate_only) return done(broker_.registry().current().find(name));
  if (auto saved = save(name, std::move(topic)); !saved) return done(not_stored(saved.error()));
  const std::int32_t partitions = topics_.at(name).partitions;
  apply(name, partitions, std::move(done));
}

void SqliteTopics::next_producer_ids(
    UniqueFunction<void(tl::expected<ProducerIdBlock, ApiError>)> done) {
  broker_.control().post(
      [this, done = std::move(done)]() mutable { producer_ids_now(std::move(done)); });
}

/// The next free id is moved on before the block is used.
void SqliteTopics::producer_ids_now(
    UniqueFunction<void(tl::expected<ProducerIdBlock, ApiError>)> done) {
  auto entry = store_->get(kProducerIdsKey);
  if (!entry) return done(not_stored(entry.error()));
  ProducerIdBlock block{0, kProducerIdBlock};
  std::int64_t revision = 0;
  if (*entry) {
    revision = (*entry)->revision;
    const auto json = nlohmann::json::parse((*entry)->value, nullptr, false);
    if (!json.is_object() || !json.contains("next") || !json["next"].is_number_integer()) {
      return done(refuse(ErrorCode::kStorageError,
                         std::string(kProducerIdsKey) + " in the metadata store cannot be read"));
    }
    block.first = json["next"].get<std::int64_t>();
  }
  const nlohmann::json next{{"next", block.first + block.count}};
  if (auto stored = commit({{std::string(kProducerIdsKey), next.dump(), revision}}, revision);
      !stored)
    return done(not_stored(stored.error()));
  done(block);
}

}  // namespace penstock::broker
