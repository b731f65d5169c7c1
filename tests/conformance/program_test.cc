#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <fstream>

#include "tests/support/broker_process.h"

namespace penstock::testing {
namespace {

TEST(Program, AllWrongSettingsAreNamedAtOnce) {
  const auto result = run_command(
      {broker_program(), "--override", "num.partitions=none", "--override", "no.such.setting=1"});
  EXPECT_EQ(result.status.code, 2);
  EXPECT_NE(result.errors.find("num.partitions"), std::string::npos) << result.errors;
  EXPECT_NE(result.errors.find("no.such.setting"), std::string::npos) << result.errors;
}

TEST(Program, APortInUseIsNamed) {
  const TempDirectory directory;
  const BrokerProcess first(directory.path() + "/one");
  const auto result =
      run_command({broker_program(), "--override", "listeners=PLAINTEXT://" + first.address(),
                   "--override", "log.dirs=" + directory.path() + "/two"});
  EXPECT_EQ(result.status.code, 1);
  EXPECT_NE(result.errors.find(first.address() + " is in use"), std::string::npos) << result.errors;
}

TEST(Program, ADataDirectoryInUseIsNamed) {
  const TempDirectory directory;
  const BrokerProcess first(directory.path() + "/one");
  const auto result =
      run_command({broker_program(), "--override", "listeners=PLAINTEXT://127.0.0.1:0",
                   "--override", "log.dirs=" + directory.path() + "/one"});
  EXPECT_EQ(result.status.code, 1);
  EXPECT_NE(result.errors.find(directory.path() + "/one is in use"), std::string::npos)
      << result.errors;
}

TEST(Program, SettingsComeFromAFileAndOverridesWin) {
  const TempDirectory directory;
  const std::string file = directory.path() + "/broker.properties";
  std::ofstream(file) << "listeners=PLAINTEXT://127.0.0.1:1\nnum.partitions=wrong\n";
  const auto result = run_command({broker_program(), file, "--override", "listeners=SSL://x:1"});
  EXPECT_EQ(result.status.code, 2);
  EXPECT_NE(result.errors.find("num.partitions"), std::string::npos) << result.errors;
}

TEST(Program, HelpAndVersionSucceed) {
  EXPECT_TRUE(run_command({broker_program(), "--help"}).status.success());
  EXPECT_TRUE(run_command({broker_program(), "--version"}).status.success());
}

TEST(Program, StopsCleanlyWhileAConsumerWaits) {
  const TempDirectory directory;
  BrokerProcess broker(directory.path() + "/data");
  ASSERT_TRUE(
      run_command({"kcat", "-b", broker.address(), "-P", "-t", "words"}, "x\n").status.success());
  process::SpawnOptions options;
  options.command = {"kcat",
                     "-b",
                     broker.address(),
                     "-C",
                     "-t",
                     "words",
                     "-u",
                     "-X",
                     "fetch.wait.max.ms=300000",
                     "-X",
                     "socket.timeout.ms=300000",
                     "-X",
                     "session.timeout.ms=310000",
                     "-X",
                     "max.poll.interval.ms=400000"};
  auto consumer = process::spawn(options);
  ASSERT_TRUE(consumer);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::string got;
  while (got.find('\n') == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    char buffer[64];
    const ssize_t bytes = ::read(consumer->output.get(), buffer, sizeof buffer);
    if (bytes > 0) got.append(buffer, static_cast<std::size_t>(bytes));
  }
  EXPECT_EQ(got, "x\n");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(broker.stop().success()) << broker.errors();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

}  // namespace
}  // namespace penstock::testing
