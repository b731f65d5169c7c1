#include "framework/cli/service.h"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "framework/base/clock.h"
#include "framework/cli/command.h"

namespace penstock::cli {

namespace {
constexpr std::size_t kTailLines = 8;
constexpr std::int64_t kMinuteMs = 60'000;

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}
}  // namespace

std::string program_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}
std::int64_t now_ms() { return SystemClock().steady_ms(); }

Service::Service(Options options) : options_(std::move(options)) {}
Service::~Service() {
  stop(10'000);
  if (log_ != nullptr) std::fclose(log_);
}

Status Service::launch() {
  std::string port = "0";
  if (!address_.empty()) port = address_.substr(address_.rfind(':') + 1);
  process::SpawnOptions spawn;
  for (const std::string& argument : options_.command)
    spawn.command.push_back(replaced(argument, "{port}", port));
  if (address_.empty())
    spawn.command.insert(spawn.command.end(), options_.first_arguments.begin(),
                         options_.first_arguments.end());
  PENSTOCK_ASSIGN_OR_RETURN(auto child, process::spawn(spawn));
  output_ = std::make_unique<process::OutputLines>(std::move(child.output));
  errors_ = std::make_unique<process::OutputLines>(std::move(child.errors));
  child_ = std::move(child);
  ready_ = false;
  tail_.clear();
  return {};
}

Status Service::start() {
  if (log_ == nullptr) log_ = std::fopen(options_.log_path.c_str(), "ae");
  if (log_ == nullptr) return fail_errno(errno, "cannot write " + options_.log_path);
  PENSTOCK_RETURN_IF_ERROR(launch());
  const std::int64_t deadline = now_ms() + options_.ready_timeout_ms;
  while (!ready_) {
    pollfd fds[] = {
        {output_->fd(), POLLIN, 0}, {errors_->fd(), POLLIN, 0}, {child_->pidfd(), POLLIN, 0}};
    ::poll(fds, 3, 100);
    read_output();
    if (ready_) break;
    if (const auto status = child_->poll()) {
      read_output();
      return fail(status->code == kExitBadInput ? Errc::kInvalid : Errc::kUnavailable,
                  "the " + options_.name + " " + status->text() + last_lines());
    }
    if (interrupted()) return fail(Errc::kCancelled, "interrupted");
    if (now_ms() > deadline)
      return fail(Errc::kTimeout, "the " + options_.name + " was not ready in time" + last_lines());
  }
  return {};
}

void Service::read_output() {
  const auto line = [&](std::string_view text) {
    std::fprintf(log_, "%.*s\n", static_cast<int>(text.size()), text.data());
    tail_.emplace_back(text);
    if (tail_.size() > kTailLines) tail_.erase(tail_.begin());
    if (text.rfind("ready ", 0) != 0) return;
    std::string address(text.substr(6, text.find(' ', 6) == std::string_view::npos
                                           ? std::string_view::npos
                                           : text.find(' ', 6) - 6));
    if (const auto scheme = address.find("://"); scheme != std::string::npos)
      address = address.substr(scheme + 3);
    address_ = address;
    ready_ = true;
  };
  if (output_) output_->read(now_ms(), line);
  if (errors_) errors_->read(now_ms(), line);
  std::fflush(log_);
}

Status Service::died(const process::ExitStatus& status) {
  ready_ = false;
  child_.reset();
  const std::int64_t now = now_ms();
  deaths_ms_.push_back(now);
  std::erase_if(deaths_ms_, [&](std::int64_t t) { return t < now - kMinuteMs; });
  if (static_cast<int>(deaths_ms_.size()) > kRestartsMax) {
    return fail(Errc::kUnavailable, "the " + options_.name + " " + status.text() +
                                        " and was restarted " + std::to_string(kRestartsMax) +
                                        " times within a minute; given up" + last_lines());
  }
  ++restarts_;
  restart_at_ms_ = now + std::min<std::int64_t>(5000, 100LL << (2 * (deaths_ms_.size() - 1)));
  return {};
}

Status Service::step() {
  if (!child_) {
    if (restart_at_ms_ >= 0 && now_ms() >= restart_at_ms_) {
      restart_at_ms_ = -1;
      return launch();
    }
    return {};
  }
  read_output();
  const auto status = child_->poll();
  if (!status) return {};
  read_output();
  return died(*status);
}

bool Service::stop(int timeout_ms) {
  restart_at_ms_ = -1;
  ready_ = false;
  if (!child_) return true;
  child_->signal(SIGTERM);
  const std::int64_t deadline = now_ms() + timeout_ms;
  bool clean = true;
  while (!child_->wait(50)) {
    if (log_ != nullptr) read_output();
    if (now_ms() <= deadline) continue;
    child_->signal(SIGKILL);
    clean = false;
  }
  if (log_ != nullptr) read_output();
  child_.reset();
  return clean;
}

std::string Service::last_lines() const {
  std::string out;
  for (const std::string& line : tail_) out += "\n  " + line;
  return out + "\n  (whole log: " + options_.log_path + ")";
}

}  // namespace penstock::cli
