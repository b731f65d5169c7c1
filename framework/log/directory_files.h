#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "framework/base/ids.h"
#include "framework/log/file_system.h"

// The small files in a log directory, apart from the partitions.
namespace penstock::log {

using PartitionKey = std::pair<std::string, std::int32_t>;  // topic, partition

/// `<topic>-<partition>`; nullopt for every other name.
std::optional<PartitionKey> parse_partition_name(const std::string& name);
std::string partition_name(const PartitionKey& key);

/// meta.properties, version 1.
struct MetaProperties {
  std::string cluster_id;
  std::string node_id;
  Uuid directory_id;
};
Result<MetaProperties> read_meta_properties(FileSystem& system, const std::string& path);
std::string format_meta_properties(const MetaProperties& meta);

/// partition.metadata. All zero when the file has no topic id.
Result<Uuid> read_partition_metadata(FileSystem& system, const std::string& path);
std::string format_partition_metadata(const Uuid& topic_id);

/// A checkpoint of one offset per partition; empty when the file is not there.
Result<std::map<PartitionKey, Offset>> read_offsets(FileSystem& system, const std::string& path);
std::string format_offsets(const std::map<PartitionKey, Offset>& offsets);

/// In which boot of the computer the directory was last used, and which partitions have not been
/// recovered since an earlier boot.
struct BootRecord {
  std::string boot_id;
  std::set<PartitionKey> pending;
};
Result<BootRecord> read_boot_record(FileSystem& system, const std::string& path);
std::string format_boot_record(const BootRecord& record);

}  // namespace penstock::log
