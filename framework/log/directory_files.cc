#include "framework/log/directory_files.h"

#include "framework/log/checkpoint_file.h"

namespace penstock::log {
namespace {

constexpr std::size_t kSmallFileBytesMax = 1U << 20;
constexpr std::size_t kCheckpointBytesMax = 256U << 20;

// `key<separator>value` lines; '#' begins a comment.
std::map<std::string, std::string> parse_lines(std::string_view text, char separator) {
  std::map<std::string, std::string> values;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t at = line.find(separator);
    if (line.empty() || line.front() == '#' || at == std::string_view::npos) continue;
    std::string_view value = line.substr(at + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\r')) value.remove_suffix(1);
    values[std::string(line.substr(0, at))] = std::string(value);
  }
  return values;
}

}  // namespace

std::optional<PartitionKey> parse_partition_name(const std::string& name) {
  const std::size_t dash = name.rfind('-');
  std::int64_t partition = 0;
  if (dash == std::string::npos || dash == 0 || dash + 1 == name.size()) return std::nullopt;
  if (name[dash + 1] < '0' || name[dash + 1] > '9' ||
      !parse_number(std::string_view(name).substr(dash + 1), partition))
    return std::nullopt;
  if (partition > INT32_MAX) return std::nullopt;
  return PartitionKey{name.substr(0, dash), static_cast<std::int32_t>(partition)};
}

std::string partition_name(const PartitionKey& key) {
  return key.first + "-" + std::to_string(key.second);
}

Result<MetaProperties> read_meta_properties(FileSystem& system, const std::string& path) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, read_file(system, path, kSmallFileBytesMax));
  auto values = parse_lines(text, '=');
  MetaProperties meta;
  meta.cluster_id = values["cluster.id"];
  meta.node_id = values.contains("node.id") ? values["node.id"] : values["broker.id"];
  // Absent in directories of Kafka before 3.7; zero then.
  if (!values["directory.id"].empty() && !Uuid::parse(values["directory.id"], meta.directory_id)) {
    return fail(Errc::kCorrupt, path + ": directory.id is no id");
  }
  if (meta.cluster_id.empty()) return fail(Errc::kCorrupt, path + ": cluster.id is missing");
  return meta;
}

std::string format_meta_properties(const MetaProperties& meta) {
  return "#\ncluster.id=" + meta.cluster_id + "\ndirectory.id=" + meta.directory_id.text() +
         "\nnode.id=" + meta.node_id + "\nversion=1\n";
}

Result<Uuid> read_partition_metadata(FileSystem& system, const std::string& path) {
  Uuid id;
  const auto text = read_file(system, path, kSmallFileBytesMax);
  if (!text && text.error().code == Errc::kNotFound) return id;
  if (!text) return tl::make_unexpected(text.error());
  auto values = parse_lines(*text, ':');
  if (values["version"] != "0" || !Uuid::parse(values["topic_id"], id))
    return fail(Errc::kCorrupt, path + " holds no topic id");
  return id;
}

std::string format_partition_metadata(const Uuid& topic_id) {
  return "version: 0\ntopic_id: " + topic_id.text();
}

Result<std::map<PartitionKey, Offset>> read_offsets(FileSystem& system, const std::string& path) {
  std::map<PartitionKey, Offset> offsets;
  if (!system.exists(path)) return offsets;
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, read_file(system, path, kCheckpointBytesMax));
  auto lines = parse_checkpoint(text, 3);
  if (!lines) return tl::make_unexpected(lines.error().in(path));
  for (const auto& line : *lines) {
    std::int64_t partition = 0;
    std::int64_t offset = 0;
    if (!parse_number(line[1], partition) || partition < 0 || partition > INT32_MAX ||
        !parse_number(line[2], offset) || offset < 0) {
      return fail(Errc::kCorrupt, path + ": bad entry for topic " + line[0]);
    }
    offsets[{line[0], static_cast<std::int32_t>(partition)}] = Offset(offset);
  }
  return offsets;
}

std::string format_offsets(const std::map<PartitionKey, Offset>& offsets) {
  std::vector<std::string> lines;
  lines.reserve(offsets.size());
  for (const auto& [key, offset] : offsets) {
    lines.push_back(key.first + " " + std::to_string(key.second) + " " +
                    std::to_string(offset.value));
  }
  return format_checkpoint(lines);
}

Result<BootRecord> read_boot_record(FileSystem& system, const std::string& path) {
  BootRecord record;
  if (!system.exists(path)) return record;
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, read_file(system, path, kCheckpointBytesMax));
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string line(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (record.boot_id.empty()) {
      record.boot_id = line;
    } else if (auto key = parse_partition_name(line)) {
      record.pending.insert(std::move(*key));
    }
  }
  return record;
}

std::string format_boot_record(const BootRecord& record) {
  std::string text = record.boot_id + "\n";
  for (const PartitionKey& key : record.pending) text += partition_name(key) + "\n";
  return text;
}

}  // namespace penstock::log
