#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "framework/process/child.h"

namespace penstock::connect {

struct HttpAnswer {
  int status = 0;
  std::string body;
  std::string location;
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
};

/// A penstock-connect of its own in a folder of its own, with stand-ins for runners.
class WorkerTest : public ::testing::Test {
 protected:
  WorkerTest();
  ~WorkerTest() override;

  /// Starts it and waits for its ready line.
  void start(const std::vector<std::string>& more = {});
  /// The same without the harness's own settings.
  void start_with(const std::vector<std::string>& arguments);
  /// SIGTERM; the exit status.
  process::ExitStatus stop(int signal = 15);
  /// Runs it to its end; stderr.
  std::pair<int, std::string> run_to_end(std::vector<std::string> arguments);

  void write(const std::string& name, const std::string& text);
  /// A plugin with DemoSource (with a connector class) and DemoSink (without).
  void install_plugin();

  HttpAnswer http(const std::string& method, const std::string& path,
                  const std::optional<std::string>& body = {},
                  const std::string& type = "application/json");
  HttpAnswer create(const std::string& name, std::map<std::string, std::string> config = {},
                    const std::string& initial = "RUNNING");
  nlohmann::json status(const std::string& name) {
    return http("GET", "/connectors/" + name + "/status").json();
  }
  nlohmann::json progress(const std::string& name) {
    return http("GET", "/connectors/" + name + "/progress").json();
  }
  /// A request as it stands, over a connection of its own; what came back until the answer's end,
  /// "" when nothing did in time.
  std::string raw(const std::string& request, int patience_ms);
  /// What a started worker has logged, once it has been stopped.
  std::string log();
  /// Asks until the condition holds; false after the deadline.
  static bool eventually(const std::function<bool()>& condition);
  bool reaches(const std::string& name, const std::string& connector, const std::string& task);

  std::string folder_;
  std::optional<process::Child> worker_;
  int port_ = 0;
};

}  // namespace penstock::connect
