#include "framework/connect/task/error_policy.h"

#include <gtest/gtest.h>

#include "framework/connect/task/dead_letters.h"

namespace penstock::connect {
namespace {

TEST(ErrorPolicy, WrongValuesNameTheirKey) {
  const auto text = [](ConfigMap config) {
    const auto made = error_policy(config);
    return made ? "accepted" : made.error().text;
  };
  EXPECT_EQ(text({}), "accepted");
  EXPECT_EQ(text({{"errors.tolerance", "most"}}),
            "errors.tolerance: must be none or all, not \"most\"");
  EXPECT_EQ(text({{"errors.retry.timeout", "-2"}}),
            "errors.retry.timeout: must be a whole number of at least -1, not \"-2\"");
  EXPECT_EQ(text({{"errors.log.enable", "1"}}),
            "errors.log.enable: must be true or false, not \"1\"");
}

TEST(Backoff, DoublesUpToTheLimit) {
  ErrorPolicy policy;
  policy.retry_timeout_ms = -1;
  policy.retry_delay_max_ms = 1000;
  Backoff backoff(policy);
  const auto first = backoff.next().value().count();
  EXPECT_GE(first, 225);
  EXPECT_LE(first, 300);
  for (int i = 0; i < 40; ++i) EXPECT_LE(backoff.next().value().count(), 1000);
}

TEST(Backoff, EndsAtOnceWhenThereIsNoTime) {
  ErrorPolicy policy;
  policy.retry_timeout_ms = 0;
  EXPECT_EQ(Backoff(policy).next(), std::nullopt);
}

TEST(DeadLetters, ContextHeadersFollowTheRecordsOwn) {
  ErrorPolicy policy;
  policy.dead_letter_topic = "dead";
  policy.dead_letter_context = true;
  DeadLetters letters(policy, "orders", 2);
  BadRecord record;
  record.topic = "t";
  record.partition = 3;
  record.offset = 42;
  record.stage = "TASK_PUT";
  record.why = "does not fit";
  record.value = std::string_view("v");
  record.headers = {{"own", "1"}};
  const auto letter = letters.make(record);
  EXPECT_EQ(letter.topic, "dead");
  EXPECT_EQ(letter.value, "v");
  EXPECT_FALSE(letter.key.has_value());
  ASSERT_EQ(letter.headers.size(), 11U);
  EXPECT_EQ(letter.headers[0].name, "own");
  EXPECT_EQ(letter.headers[3].name, "__connect.errors.offset");
  EXPECT_EQ(letter.headers[3].value, "42");
  EXPECT_EQ(describe(record), "record t-3@42 (TASK_PUT): does not fit");
}

}  // namespace
}  // namespace penstock::connect
