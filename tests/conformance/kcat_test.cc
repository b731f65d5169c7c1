#include <gtest/gtest.h>

#include "tests/support/broker_process.h"

namespace penstock::testing {
namespace {

TEST(Kcat, ListsProducesAndConsumes) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data", {"num.partitions=2"});
  const auto listed = run_command({"kcat", "-b", broker.address(), "-L"});
  EXPECT_NE(listed.output.find("1 brokers"), std::string::npos) << listed.output << listed.errors;
  const auto produced = run_command(
      {"kcat", "-b", broker.address(), "-P", "-t", "words", "-K:", "-p", "1", "-H", "h=1"},
      "a:one\nb:two\nc:three\n");
  ASSERT_TRUE(produced.status.success()) << produced.errors;
  const auto consumed = run_command({"kcat", "-b", broker.address(), "-C", "-t", "words", "-p", "1",
                                     "-e", "-X", "fetch.wait.max.ms=20", "-f", "%o %k %s %h\\n"});
  EXPECT_EQ(consumed.output, "0 a one h=1\n1 b two h=1\n2 c three h=1\n") << consumed.errors;
}

TEST(Kcat, AsksOffsetsByTime) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data");
  ASSERT_TRUE(run_command({"kcat", "-b", broker.address(), "-P", "-t", "words"}, "x\ny\n")
                  .status.success());
  EXPECT_NE(run_command({"kcat", "-b", broker.address(), "-Q", "-t", "words:0:-1"})
                .output.find("offset 2"),
            std::string::npos);
  EXPECT_NE(run_command({"kcat", "-b", broker.address(), "-Q", "-t", "words:0:-2"})
                .output.find("offset 0"),
            std::string::npos);
}

TEST(Kcat, AnUnknownTopicIsNotCreatedWhenThatIsOff) {
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data", {"auto.create.topics.enable=false"});
  const auto produced =
      run_command({"kcat", "-b", broker.address(), "-P", "-t", "words", "-X",
                   "message.timeout.ms=500", "-X", "topic.metadata.propagation.max.ms=100"},
                  "x\n");
  EXPECT_FALSE(produced.status.success());
}

}  // namespace
}  // namespace penstock::testing
