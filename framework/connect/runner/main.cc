#include <malloc.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "framework/connect/runner/runner.h"

namespace {

constexpr std::string_view kHelp =
    "penstock-runner: loads one plugin and runs its tasks.\n"
    "It is started by penstock-connect, which gives it a socket as descriptor 3 and shared memory "
    "as descriptor 4;\n"
    "there is nothing to start by hand. To put a debugger in front of it, set "
    "plugin.runner.command in the worker's properties.\n";

bool is_socket(int fd) {
  struct stat about {};
  return ::fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace penstock;
  if (argc > 1) {
    const bool help = std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h";
    std::fputs(kHelp.data(), help ? stdout : stderr);
    return help ? 0 : static_cast<int>(connect::RunnerExit::kRefused);
  }
  if (!is_socket(connect::kRunnerChannelFd)) {
    std::fputs(kHelp.data(), stderr);
    return static_cast<int>(connect::RunnerExit::kRefused);
  }
  // The worker says when to end; a signal to the whole process group must not get ahead of it.
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(number, SIG_IGN);
  // Few arenas: a task's memory is used in turn by its thread and by the clients'.
  ::mallopt(M_ARENA_MAX, 2);
  auto pages = connect::TaskPages::attach(UniqueFd(connect::kRunnerPagesFd));
  if (!pages) {
    std::fprintf(stderr, "ERROR runner: %s\n", pages.error().text.c_str());
    return static_cast<int>(connect::RunnerExit::kRefused);
  }
  connect::Runner runner(connect::Channel(UniqueFd(connect::kRunnerChannelFd)), std::move(*pages));
  const auto how = runner.run();
  std::fflush(nullptr);
  // Not exit(): destructors of a plugin's static objects may wait for threads that still run.
  std::_Exit(static_cast<int>(how));
}
