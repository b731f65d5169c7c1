#include <spdlog/spdlog.h>

#include "broker/broker.h"
#include "broker/metadata/sqlite_topics.h"

namespace penstock::broker {

Result<std::vector<std::pair<std::string, std::string>>> SqliteTopics::values(
    std::string_view prefix) {
  auto found = store_->range(prefix);
  if (!found) return tl::make_unexpected(found.error());
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(found->size());
  for (auto& [key, entry] : *found) out.emplace_back(key, std::move(entry.value));
  return out;
}

Result<std::int64_t> SqliteTopics::revision() { return store_->last_revision(); }

Status SqliteTopics::store_values(
    std::vector<std::pair<std::string, std::optional<std::string>>> values) {
  std::vector<MetadataStore::Write> writes;
  writes.reserve(values.size());
  for (auto& [key, value] : values)
    writes.push_back({std::move(key), std::move(value), std::nullopt});
  std::int64_t revision = 0;
  return commit(std::move(writes), revision);
}

}  // namespace penstock::broker
