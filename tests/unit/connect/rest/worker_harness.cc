#include "worker_harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <httplib.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "framework/base/unique_fd.h"
#include "tests/support/time_scale.h"

namespace penstock::connect {
namespace {

constexpr std::chrono::seconds kPatience{10 * kTimeScale};

std::string read_until(int fd, char last) {
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    pollfd waiter{fd, POLLIN, 0};
    ::poll(&waiter, 1, 100);
    char c = 0;
    const auto n = ::read(fd, &c, 1);
    if (n == 0) break;
    if (n < 0) continue;
    text += c;
    if (c == last) break;
  }
  return text;
}

}  // namespace

WorkerTest::WorkerTest() {
  std::string name = ::testing::TempDir() + "workerXXXXXX";
  folder_ = ::mkdtemp(name.data());
  std::filesystem::create_directory(folder_ + "/plugins");
  write("worker.properties",
        "listeners=http://127.0.0.1:0\nstate.dir=" + folder_ + "/state\nplugin.path=" + folder_ +
            "/plugins\nplugin.runner.command=" PENSTOCK_FAKE_RUNNER
            "\ntask.restart.backoff.ms=20\ntask.restart.backoff.max.ms=40\ntask.restart.budget=3\n"
            "key.converter.schemas.enable=false\nproducer.linger.ms=5\n");
}

WorkerTest::~WorkerTest() {
  worker_.reset();
  std::filesystem::remove_all(folder_);
}

void WorkerTest::write(const std::string& name, const std::string& text) {
  std::ofstream(folder_ + "/" + name) << text;
}

void WorkerTest::install_plugin() {
  write("plugins/demo.so", R"({"type":"definition","plugin":"demo","version":"1.2.3","connectors":[
    {"name":"DemoSource","kind":"source","doc":"d","aliases":["io.example.DemoSourceConnector"],"has_connector":true,"keys":[
      {"name":"fake","kind":"string","fallback":"","doc":"how to go wrong","importance":"high"},
      {"name":"secret","kind":"password","fallback":"","doc":"a password"},
      {"name":"batch","kind":"int","fallback":"10","doc":"n","min":1,"max":100}]},
    {"name":"DemoSink","kind":"sink","doc":"d","keys":[{"name":"url","kind":"string","doc":"where"}]}]})");
}

void WorkerTest::start(const std::vector<std::string>& more) {
  auto all = more;
  all.insert(all.begin(), folder_ + "/worker.properties");
  start_with(all);
}

void WorkerTest::start_with(const std::vector<std::string>& arguments) {
  process::SpawnOptions options;
  options.command = {PENSTOCK_CONNECT, "standalone"};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  worker_ = process::spawn(options).value();
  const auto line = read_until(worker_->output.get(), '\n');
  ASSERT_TRUE(line.starts_with("ready http://127.0.0.1:"))
      << line << read_until(worker_->errors.get(), '\0');
  port_ = std::stoi(line.substr(line.rfind(':') + 1));
}

process::ExitStatus WorkerTest::stop(int signal) {
  worker_->signal(signal);
  return worker_->wait(10'000 * kTimeScale).value_or(process::ExitStatus{-1, 0});
}

std::pair<int, std::string> WorkerTest::run_to_end(std::vector<std::string> arguments) {
  process::SpawnOptions options;
  options.command = {PENSTOCK_CONNECT};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  auto child = process::spawn(options).value();
  auto text = read_until(child.errors.get(), '\0');
  return {child.wait(10'000 * kTimeScale).value_or(process::ExitStatus{-1, 0}).code,
          std::move(text)};
}

HttpAnswer WorkerTest::http(const std::string& method, const std::string& path,
                            const std::optional<std::string>& body, const std::string& type) {
  httplib::Client client("127.0.0.1", port_);
  client.set_read_timeout(20 * kTimeScale);
  httplib::Request request;
  request.method = method;
  request.path = path;
  if (body) {
    request.body = *body;
    request.set_header("Content-Type", type);
  }
  const auto result = client.send(request);
  if (!result) return {};
  return {result->status, result->body, result->get_header_value("Location")};
}

std::string WorkerTest::raw(const std::string& request, int patience_ms) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {};
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return {};
  pollfd waiter{fd.get(), POLLIN, 0};
  if (::poll(&waiter, 1, patience_ms) <= 0) return {};
  std::string answer(4096, '\0');
  const auto n = ::recv(fd.get(), answer.data(), answer.size(), 0);
  answer.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return answer;
}

std::string WorkerTest::log() { return read_until(worker_->errors.get(), '\0'); }

HttpAnswer WorkerTest::create(const std::string& name, std::map<std::string, std::string> config,
                              const std::string& initial) {
  config.try_emplace("connector.class", "DemoSource");
  return http(
      "POST", "/connectors",
      nlohmann::json{{"name", name}, {"config", config}, {"initial_state", initial}}.dump());
}

bool WorkerTest::eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    ::poll(nullptr, 0, 5);
  }
  return false;
}

bool WorkerTest::reaches(const std::string& name, const std::string& connector,
                         const std::string& task) {
  const bool reached = eventually([&] {
    const auto now = status(name);
    return now.contains("connector") && now["connector"]["state"] == connector &&
           !now["tasks"].empty() && now["tasks"][0]["state"] == task;
  });
  if (!reached) ADD_FAILURE() << status(name).dump();
  return reached;
}

}  // namespace penstock::connect
