#include "framework/process/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <csignal>
#include <thread>

namespace penstock::process {
namespace {

constexpr int kDeadlineMs = 10'000;

SpawnOptions shell(std::string script) {
  SpawnOptions options;
  options.command = {"/bin/sh", "-c", std::move(script)};
  return options;
}
std::string read_all(int fd) {
  ::fcntl(fd, F_SETFL, 0);
  std::string text;
  char buffer[256];
  for (;;) {
    const auto n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

TEST(Child, ExitCodeComesBack) {
  auto child = spawn(shell("exit 3")).value();
  const auto ended = child.wait(kDeadlineMs);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->text(), "exited with code 3");
  EXPECT_EQ(child.poll()->code, 3);
}

TEST(Child, ASignalIsNamed) {
  auto child = spawn(shell("kill -SEGV $$")).value();
  EXPECT_EQ(child.wait(kDeadlineMs)->text(), "killed by signal 11 (segmentation fault)");
}

TEST(Child, OutputAndErrorsAreApart) {
  auto child = spawn(shell("echo out; echo err >&2")).value();
  EXPECT_EQ(read_all(child.output.get()), "out\n");
  EXPECT_EQ(read_all(child.errors.get()), "err\n");
}

TEST(Child, AMissingProgramIsAnError) {
  SpawnOptions options;
  options.command = {"/nonexistent/program"};
  const auto child = spawn(options);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Errc::kNotFound);
  EXPECT_EQ(child.error().text, "starting /nonexistent/program: No such file or directory");
}

TEST(Child, DescriptorsArriveUnderTheirNumbersAndOthersAreClosed) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  UniqueFd ours(pair[0]);
  UniqueFd theirs(pair[1]);
  const UniqueFd open_by_mistake(::open("/dev/null", O_RDONLY));
  auto options = shell("echo hello >&4; ls /proc/self/fd | tr '\\n' ' '");
  options.descriptors = {{theirs.get(), 4}};
  auto child = spawn(options).value();
  theirs.reset();
  // 3 is the directory that ls itself opened
  EXPECT_EQ(read_all(child.output.get()), "0 1 2 3 4 ");
  EXPECT_EQ(read_all(ours.get()), "hello\n");
}

TEST(Child, DescriptorsMayTradePlaces) {
  int first[2];
  int second[2];
  ASSERT_EQ(::pipe(first), 0);
  ASSERT_EQ(::pipe(second), 0);
  auto options =
      shell("echo a >&" + std::to_string(second[1]) + "; echo b >&" + std::to_string(first[1]));
  options.descriptors = {{first[1], second[1]}, {second[1], first[1]}};
  auto child = spawn(options).value();
  ::close(first[1]);
  ::close(second[1]);
  EXPECT_EQ(read_all(first[0]), "a\n");
  EXPECT_EQ(read_all(second[0]), "b\n");
  ::close(first[0]);
  ::close(second[0]);
}

TEST(Child, EnvironmentIsSetOverOurs) {
  auto options = shell("echo $PENSTOCK_X:$PATH");
  options.environment = {{"PENSTOCK_X", "1"}, {"PATH", "/bin"}};
  auto child = spawn(options).value();
  EXPECT_EQ(read_all(child.output.get()), "1:/bin\n");
}

TEST(Child, IsKilledWhenTheObjectDies) {
  pid_t pid = 0;
  {
    auto child = spawn(shell("sleep 60")).value();
    pid = child.pid();
    EXPECT_FALSE(child.poll());
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(Child, DiesWithTheThreadThatStartedIt) {
  std::optional<Child> child;
  std::thread([&] { child = spawn(shell("exec sleep 60")).value(); }).join();
  EXPECT_EQ(child->wait(kDeadlineMs)->text(), "killed by signal 9 (killed)");
}

TEST(Child, SignalsAreAsFreshInTheChild) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  auto child = spawn(shell("kill -PIPE $$; exit 0")).value();
  EXPECT_EQ(child.wait(kDeadlineMs)->signal, SIGPIPE);
  ::signal(SIGPIPE, before);
}

TEST(Child, WaitGivesUpAtItsDeadline) {
  auto child = spawn(shell("sleep 60")).value();
  EXPECT_FALSE(child.wait(20));
}

TEST(Child, DataLimitHolds) {
  auto options = shell("ulimit -d");
  options.data_limit_bytes = 64ULL << 20;
  auto child = spawn(options).value();
  EXPECT_EQ(read_all(child.output.get()), "65536\n");
}

}  // namespace
}  // namespace penstock::process
