#include "tests/support/broker_process.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace penstock::testing {

namespace {

constexpr int kReadyTimeoutMs = 20'000;
constexpr int kStopTimeoutMs = 20'000;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Appends what is there; false at the end of the stream.
bool read_some(int fd, std::string& to) {
  char buffer[65536];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got > 0) to.append(buffer, static_cast<std::size_t>(got));
  return got != 0;
}

}  // namespace

TempDirectory::TempDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "penstock-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string broker_program() { return PENSTOCK_BROKER; }

BrokerProcess::BrokerProcess(std::string data, std::vector<std::string> overrides) {
  process::SpawnOptions options;
  options.command = {broker_program(), "--override", "listeners=PLAINTEXT://127.0.0.1:0",
                     "--override", "log.dirs=" + data};
  for (std::string& setting : overrides) {
    options.command.emplace_back("--override");
    options.command.push_back(std::move(setting));
  }
  auto child = process::spawn(options);
  if (!child) throw std::runtime_error(child.error().text);
  child_ = std::move(*child);
  std::string output;
  const std::int64_t deadline = now_ms() + kReadyTimeoutMs;
  while (output.find('\n') == std::string::npos) {
    pollfd wait{child_.output.get(), POLLIN, 0};
    const auto left = deadline - now_ms();
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) <= 0 ||
        !read_some(child_.output.get(), output)) {
      child_.wait(1000);
      throw std::runtime_error("the broker did not get ready: " + errors());
    }
  }
  if (!output.starts_with("ready PLAINTEXT://"))
    throw std::runtime_error("unexpected first line: " + output);
  port_ = static_cast<std::uint16_t>(std::stoi(output.substr(output.rfind(':') + 1)));
}

process::ExitStatus BrokerProcess::stop() {
  child_.signal(SIGTERM);
  const auto status = child_.wait(kStopTimeoutMs);
  if (!status) throw std::runtime_error("the broker does not stop: " + errors());
  return *status;
}

void BrokerProcess::kill() {
  child_.signal(SIGKILL);
  child_.wait(kStopTimeoutMs);
}

std::string BrokerProcess::errors() {
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(child_.errors.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    errors_.append(buffer, static_cast<std::size_t>(got));
  }
  return errors_;
}

CommandResult run_command(const std::vector<std::string>& command, const std::string& input,
                          int timeout_ms) {
  // The input comes from a file, so that nobody has to write while reading.
  TempDirectory directory;
  const std::string path = directory.path() + "/input";
  std::ofstream(path, std::ios::binary) << input;
  process::SpawnOptions options;
  options.command = {"sh", "-c", "exec \"$@\" < \"$0\"", path};
  options.command.insert(options.command.end(), command.begin(), command.end());
  auto child = process::spawn(options);
  if (!child) throw std::runtime_error(child.error().text);
  CommandResult result;
  const std::int64_t deadline = now_ms() + timeout_ms;
  bool output_open = true;
  bool errors_open = true;
  while ((output_open || errors_open) && now_ms() < deadline) {
    pollfd waits[] = {{output_open ? child->output.get() : -1, POLLIN, 0},
                      {errors_open ? child->errors.get() : -1, POLLIN, 0}};
    ::poll(waits, 2, 100);
    if (waits[0].revents != 0) output_open = read_some(child->output.get(), result.output);
    if (waits[1].revents != 0) errors_open = read_some(child->errors.get(), result.errors);
  }
  auto status = child->wait(static_cast<int>(std::max<std::int64_t>(1, deadline - now_ms())));
  if (!status) throw std::runtime_error("timed out: " + result.output + result.errors);
  result.status = *status;
  return result;
}

}  // namespace penstock::testing
