#pragma once

#include <set>
#include <string>
#include <string_view>

#include "broker/coordinator/consumer_group.h"
#include "framework/base/error.h"

// Regular expressions of subscriptions (ConsumerGroupHeartbeat v1), in time linear in the text, as
// Kafka's RE2J. A topic matches as a whole.
namespace penstock::broker {

/// kInvalid with what is wrong; patterns that would take more than 1 MiB are wrong too.
[[nodiscard]] Status check_regex(std::string_view pattern);
/// Topics that match; none when the pattern is wrong.
[[nodiscard]] std::set<std::string, std::less<>> matching_topics(std::string_view pattern,
                                                                 const GroupTopics& topics);

}  // namespace penstock::broker
