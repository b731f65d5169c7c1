#include "framework/process/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <string_view>

extern char** environ;

namespace penstock::process {
namespace {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// Everything the child needs after fork, made before it: only system calls are allowed there.
struct ChildPlan {
  std::vector<char*> arguments;
  std::vector<std::string> environment_texts;
  std::vector<char*> environment;
  std::vector<std::pair<int, int>> descriptors;
  int first_free = 3;
  int report = -1;
  pid_t parent = 0;
  const SpawnOptions* options = nullptr;
};

[[noreturn]] void report_and_exit(int report, int error) {
  [[maybe_unused]] const auto n = ::write(report, &error, sizeof error);
  ::_exit(127);
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Moves the descriptors to their numbers: first all out of the way, so that none overwrites
/// another.
bool place_descriptors(ChildPlan& plan) {
  plan.report = ::fcntl(plan.report, F_DUPFD_CLOEXEC, plan.first_free);
  if (plan.report < 0) return false;
  for (auto& [ours, theirs] : plan.descriptors) {
    ours = ::fcntl(ours, F_DUPFD_CLOEXEC, plan.first_free);
    if (ours < 0) return false;
  }
  for (int number = 3; number < plan.first_free; ++number) ::close(number);
  for (const auto& [ours, theirs] : plan.descriptors) {
    if (::dup2(ours, theirs) < 0) return false;
  }
  ::close_range(static_cast<unsigned>(plan.first_free), ~0U, CLOSE_RANGE_CLOEXEC);
  return true;
}

[[noreturn]] void run_child(ChildPlan& plan) {
  const auto& options = *plan.options;
  const int report = plan.report;
  if (!place_descriptors(plan)) report_and_exit(report, errno);
  reset_signals();
  if (options.own_process_group) ::setpgid(0, 0);
  if (options.die_with_thread) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent) ::_exit(127);
  }
  if (options.data_limit_bytes != 0) {
    const rlimit limit{options.data_limit_bytes, options.data_limit_bytes};
    if (::setrlimit(RLIMIT_DATA, &limit) != 0) report_and_exit(plan.report, errno);
  }
  if (!options.core_dumps) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
  }
  ::execvpe(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  report_and_exit(plan.report, errno);
}

void plan_environment(ChildPlan& plan) {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto name = text.substr(0, text.find('='));
    const bool replaced = std::ranges::any_of(plan.options->environment,
                                              [&](const auto& e) { return e.first == name; });
    if (!replaced) plan.environment_texts.emplace_back(text);
  }
  for (const auto& [name, value] : plan.options->environment)
    plan.environment_texts.push_back(name + "=" + value);
  for (auto& text : plan.environment_texts) plan.environment.push_back(text.data());
  plan.environment.push_back(nullptr);
}

Result<UniqueFd> non_blocking(UniqueFd fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0)
    return fail_errno(errno, "making a pipe non-blocking");
  return fd;
}

}  // namespace

std::string ExitStatus::text() const {
  if (signal == 0) return "exited with code " + std::to_string(code);
  const char* name = ::sigdescr_np(signal);
  std::string what = name == nullptr ? "unknown" : name;
  what[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(what[0])));
  return "killed by signal " + std::to_string(signal) + " (" + what + ")";
}

Result<Child> spawn(const SpawnOptions& options) {
  if (options.command.empty() || options.command[0].empty())
    return fail(Errc::kInvalid, "no program to start");
  ChildPlan plan;
  plan.options = &options;
  plan.parent = ::getpid();
  auto command = options.command;
  for (auto& argument : command) plan.arguments.push_back(argument.data());
  plan.arguments.push_back(nullptr);
  plan_environment(plan);

  PENSTOCK_ASSIGN_OR_RETURN(Pipe report, make_pipe());
  UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return fail_errno(errno, "/dev/null");
  plan.descriptors = options.descriptors;
  plan.descriptors.emplace_back(null.get(), 0);
  Pipe output;
  Pipe errors;
  if (options.capture_output) {
    PENSTOCK_ASSIGN_OR_RETURN(output, make_pipe());
    PENSTOCK_ASSIGN_OR_RETURN(errors, make_pipe());
    plan.descriptors.emplace_back(output.write.get(), 1);
    plan.descriptors.emplace_back(errors.write.get(), 2);
  }
  for (const auto& [ours, theirs] : plan.descriptors)
    plan.first_free = std::max(plan.first_free, theirs + 1);
  plan.report = report.write.get();

  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(errno, "fork");
  if (pid == 0) run_child(plan);
  Child child(pid, UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))));
  report.write.reset();
  int error = 0;
  ssize_t n = 0;
  do {
    n = ::read(report.read.get(), &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  if (n == sizeof error) return fail_errno(error, "starting " + options.command[0]);
  if (child.pidfd() < 0) return fail(Errc::kIo, "pidfd_open for " + options.command[0]);
  if (options.capture_output) {
    PENSTOCK_ASSIGN_OR_RETURN(child.output, non_blocking(std::move(output.read)));
    PENSTOCK_ASSIGN_OR_RETURN(child.errors, non_blocking(std::move(errors.read)));
  }
  return child;
}

Child::Child(Child&& other) noexcept
    : output(std::move(other.output)),
      errors(std::move(other.errors)),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      ended_(other.ended_) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(output, other.output);
  std::swap(errors, other.errors);
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(ended_, other.ended_);
  return *this;
}

Child::~Child() {
  if (pid_ < 0 || poll()) return;
  signal(SIGKILL);
  wait(-1);
}

void Child::signal(int number) {
  // Not reaped yet, so the number cannot belong to another process.
  if (pid_ > 0 && !ended_) ::kill(pid_, number);
}

std::optional<ExitStatus> Child::poll() {
  if (ended_ || pid_ < 0) return ended_;
  int status = 0;
  const pid_t got = ::waitpid(pid_, &status, WNOHANG);
  if (got == 0 || (got < 0 && errno == EINTR)) return std::nullopt;
  ExitStatus ended;
  if (got == pid_) {
    if (WIFSIGNALED(status))
      ended.signal = WTERMSIG(status);
    else
      ended.code = WEXITSTATUS(status);
  } else {
    ended.code = 127;
  }
  ended_ = ended;
  return ended_;
}

std::optional<ExitStatus> Child::wait(int timeout_ms) {
  if (pid_ < 0) return ended_;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto ms = [](const timespec& t) {
    return static_cast<std::int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
  };
  const auto deadline = ms(now) + timeout_ms;
  for (;;) {
    if (auto ended = poll()) return ended;
    int left = -1;
    if (timeout_ms >= 0) {
      ::clock_gettime(CLOCK_MONOTONIC, &now);
      const auto rest = deadline - ms(now);
      if (rest <= 0) return std::nullopt;
      left = static_cast<int>(rest);
    }
    pollfd waiter{pidfd_.get(), POLLIN, 0};
    ::poll(&waiter, pidfd_ ? 1U : 0U, pidfd_ ? left : 10);
  }
}

}  // namespace penstock::process
