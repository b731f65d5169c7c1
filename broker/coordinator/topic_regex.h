#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "broker/coordinator/consumer_group.h"
#include "framework/base/error.h"

namespace re2 {
class RE2;
}

// Regular expressions of subscriptions (ConsumerGroupHeartbeat v1) and of transactional ids
// (ListTransactions v2), in time linear in the text, as Kafka's RE2J. A name matches as a whole.
namespace penstock::broker {

/// A pattern ready for use; any thread.
class NamePattern {
 public:
  /// As check_regex().
  [[nodiscard]] static Result<NamePattern> compile(std::string_view pattern);
  [[nodiscard]] bool matches(std::string_view name) const;

 private:
  explicit NamePattern(std::shared_ptr<const re2::RE2> regex) : regex_(std::move(regex)) {}
  std::shared_ptr<const re2::RE2> regex_;
};

/// kInvalid with what is wrong; patterns that would take more than 1 MiB are wrong too.
[[nodiscard]] Status check_regex(std::string_view pattern);
/// Topics that match; none when the pattern is wrong.
[[nodiscard]] std::set<std::string, std::less<>> matching_topics(std::string_view pattern,
                                                                 const GroupTopics& topics);

}  // namespace penstock::broker
