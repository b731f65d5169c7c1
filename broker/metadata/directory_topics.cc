#include "broker/metadata/directory_topics.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace penstock::broker {

using protocol::ErrorCode;

namespace {

constexpr std::int64_t kProducerIdBlock = 1000;
constexpr std::int32_t kPartitionsMax = 10'000;

tl::unexpected<ApiError> refuse(ErrorCode code, std::string text) { return tl::unexpected<ApiError>(ApiError{code, std::move(text)}); }

}  // namespace

std::unique_ptr<TopicAdmin> make_topic_admin(Broker& broker) { return std::make_unique<DirectoryTopics>(broker); }

TopicSettings DirectoryTopics::settings_for(std::string_view name) const {
  TopicSettings settings = broker_.settings().topic_defaults;
  if (is_internal_topic(name)) settings.log.cleanup_policy = log::CleanupPolicy::kCompact;
  return settings;
}

void DirectoryTopics::load(UniqueFunction<void(Status)> done) {
  const auto found = broker_.log_directory().partitions();
  if (!found) return done(tl::make_unexpected(found.error()));
  std::map<std::string, TopicImage> images;
  for (const auto& partition : *found) {
    TopicImage& image = images[partition.topic];
    image.name = partition.topic;
    image.id = partition.topic_id;
    image.internal = is_internal_topic(partition.topic);
    image.partitions = std::max(image.partitions, partition.partition.value + 1);
    image.settings = settings_for(partition.topic);
  }
  std::vector<TopicImage> all;
  for (auto& [name, image] : images) all.push_back(std::move(image));
  broker_.registry().apply_all(std::move(all), [done = std::move(done)]() mutable { done({}); });
}

void DirectoryTopics::create_topic(NewTopic topic, Done done) {
  broker_.control().post([this, topic = std::move(topic), done = std::move(done)]() mutable {
    create_now(std::move(topic), std::move(done));
  });
}

void DirectoryTopics::create_now(NewTopic topic, Done done) {
  if (const Status name = check_topic_name(topic.name); !name) return done(refuse(ErrorCode::kInvalidTopic, name.error().text));
  if (broker_.registry().current().find(topic.name)) {
    return done(refuse(ErrorCode::kTopicAlreadyExists, "Topic '" + topic.name + "' already exists."));
  }
  const std::int32_t partitions = topic.partitions == -1 ? broker_.settings().num_partitions : topic.partitions;
  if (partitions < 1 || partitions > kPartitionsMax) {
    return done(refuse(ErrorCode::kInvalidPartitions, "Number of partitions must be from 1 to " + std::to_string(kPartitionsMax)));
  }
  if (!topic.overrides.empty()) return done(refuse(ErrorCode::kInvalidConfig, "This broker keeps no topic settings"));
  if (topic.validate_only) return done(TopicRef());
  TopicImage image{topic.name, Uuid::random(), topic.internal, partitions, {}, settings_for(topic.name)};
  broker_.registry().apply(std::move(image), [done = std::move(done)](TopicRef created) mutable { done(std::move(created)); });
}

void DirectoryTopics::delete_topic(std::string name, Done done) {
  broker_.control().post([this, name = std::move(name), done = std::move(done)]() mutable {
    broker_.registry().remove(std::move(name), [done = std::move(done)](TopicRef removed) mutable {
      if (removed) done(std::move(removed));
      else done(refuse(ErrorCode::kUnknownTopicOrPartition, "This server does not host this topic-partition."));
    });
  });
}

void DirectoryTopics::add_partitions(std::string name, std::int32_t total, bool validate_only, Done done) {
  broker_.control().post([this, name = std::move(name), total, validate_only, done = std::move(done)]() mutable {
    const TopicRef topic = broker_.registry().current().find(name);
    if (!topic) return done(refuse(ErrorCode::kUnknownTopicOrPartition, "This server does not host this topic-partition."));
    if (total <= static_cast<std::int32_t>(topic->partitions.size()) || total > kPartitionsMax) {
      return done(refuse(ErrorCode::kInvalidPartitions, "Topic currently has " + std::to_string(topic->partitions.size()) +
                                                            " partitions, which is higher than or equal to the requested " +
                                                            std::to_string(total) + "."));
    }
    if (validate_only) return done(topic);
    TopicImage image{name, topic->id, topic->internal, total, topic->overrides, topic->settings};
    broker_.registry().apply(std::move(image), [done = std::move(done)](TopicRef now) mutable { done(std::move(now)); });
  });
}

void DirectoryTopics::alter_configs(std::string, std::map<std::string, std::optional<std::string>>, bool, Done done) {
  broker_.control().post([done = std::move(done)]() mutable {
    done(refuse(ErrorCode::kInvalidConfig, "This broker keeps no topic settings"));
  });
}

/// The next free id stands in a file of the data directory, moved on before the block is used.
void DirectoryTopics::next_producer_ids(UniqueFunction<void(tl::expected<ProducerIdBlock, ApiError>)> done) {
  broker_.control().post([this, done = std::move(done)]() mutable {
    const std::string path = broker_.settings().log_dir + "/producer-ids";
    ProducerIdBlock block{0, kProducerIdBlock};
    const auto text = log::read_file(broker_.files(), path, 32);
    if (text) std::from_chars(text->data(), text->data() + text->size(), block.first);
    else if (text.error().code != Errc::kNotFound) return done(refuse(ErrorCode::kStorageError, text.error().text));
    if (const Status written = log::write_file_atomically(broker_.files(), path, std::to_string(block.first + block.count) + "\n"); !written) {
      return done(refuse(ErrorCode::kStorageError, written.error().text));
    }
    done(block);
  });
}

}  // namespace penstock::broker
