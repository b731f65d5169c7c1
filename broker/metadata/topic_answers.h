#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/topic_admin.h"
#include "framework/base/ids.h"

// What the parts of SqliteTopics share: keys of topics in the store, changes of settings, refusals.
namespace penstock::broker {

inline constexpr std::string_view kTopicPrefix = "topic/";
inline constexpr std::string_view kDeletedPrefix = "deleted/";

inline std::string topic_key(std::string_view name) {
  return std::string(kTopicPrefix) + std::string(name);
}
inline std::string deleted_key(const Uuid& id) { return std::string(kDeletedPrefix) + id.text(); }

/// Sets what has a value and takes the others out.
inline void apply_changes(const std::map<std::string, std::optional<std::string>>& changes,
                          std::map<std::string, std::string>& values) {
  for (const auto& [name, value] : changes) {
    if (value)
      values[name] = *value;
    else
      values.erase(name);
  }
}

inline tl::unexpected<ApiError> refuse(protocol::ErrorCode code, std::string text) {
  return tl::unexpected<ApiError>(ApiError{code, std::move(text)});
}
inline tl::unexpected<ApiError> unknown() {
  return refuse(protocol::ErrorCode::kUnknownTopicOrPartition, kNotHostedHere);
}
inline tl::unexpected<ApiError> not_stored(const Error& why) {
  return refuse(protocol::ErrorCode::kStorageError, "The change was not stored: " + why.text);
}

}  // namespace penstock::broker
