#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "broker/topic_admin.h"
#include "framework/base/ids.h"

// Keys of topics in the store, and what changes of topics are refused with.
namespace penstock::broker {

inline constexpr std::string_view kTopicPrefix = "topic/";
inline constexpr std::string_view kDeletedPrefix = "deleted/";

inline std::string topic_key(std::string_view name) {
  return std::string(kTopicPrefix) + std::string(name);
}
inline std::string deleted_key(const Uuid& id) { return std::string(kDeletedPrefix) + id.text(); }

inline tl::unexpected<ApiError> refuse(protocol::ErrorCode code, std::string text) {
  return tl::unexpected<ApiError>(ApiError{code, std::move(text)});
}
inline tl::unexpected<ApiError> unknown() {
  return refuse(protocol::ErrorCode::kUnknownTopicOrPartition,
                "This server does not host this topic-partition.");
}
inline tl::unexpected<ApiError> not_stored(const Error& why) {
  return refuse(protocol::ErrorCode::kStorageError, "The change was not stored: " + why.text);
}

}  // namespace penstock::broker
