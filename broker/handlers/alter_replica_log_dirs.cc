#include "broker/handlers/alter_replica_log_dirs.h"

#include <filesystem>
#include <map>
#include <string>

namespace penstock::broker {

using protocol::AlterReplicaLogDirsRequest;
using protocol::AlterReplicaLogDirsResponse;
using protocol::ErrorCode;

namespace {

ErrorCode outcome(const RequestContext& context, std::string_view path, std::string_view topic,
                  std::int32_t partition) {
  const auto normal = [](std::string_view p) {
    return std::filesystem::path(p).lexically_normal();
  };
  const Broker& broker = context.broker();
  if (normal(path) != normal(context.broker().log_directory().path()))
    return ErrorCode::kLogDirNotFound;
  if (broker.storage_failure() != nullptr) return ErrorCode::kStorageError;
  return context.shard.topics()->find(topic, PartitionId(partition))
             ? ErrorCode::kNone
             : ErrorCode::kUnknownTopicOrPartition;
}

}  // namespace

void handle_alter_replica_log_dirs(RequestContext context, AlterReplicaLogDirsRequest request,
                                   Reply<AlterReplicaLogDirsResponse> reply) {
  // A partition that is named under several directories goes to the last.
  std::map<std::string_view, std::map<std::int32_t, ErrorCode>> outcomes;
  for (const AlterReplicaLogDirsRequest::Directory& directory : request.directories) {
    for (const AlterReplicaLogDirsRequest::Topic& topic : directory.topics) {
      for (const std::int32_t partition : topic.partitions) {
        outcomes[topic.name][partition] = outcome(context, directory.path, topic.name, partition);
      }
    }
  }
  AlterReplicaLogDirsResponse response;
  for (const auto& [name, partitions] : outcomes) {
    AlterReplicaLogDirsResponse::Topic& out = response.topics.emplace_back();
    out.name = name;
    for (const auto& [index, error] : partitions) out.partitions.push_back({index, error});
  }
  reply(response);
}

}  // namespace penstock::broker
