#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/varint.h"
#include "framework/protocol/api.h"
#include "framework/protocol/messages/api_versions.h"
#include "framework/protocol/messages/create_topics.h"
#include "raw_client.h"
#include "tests/support/broker_process.h"

namespace penstock::testing {

using Bytes = std::vector<std::byte>;

inline constexpr std::int32_t kFrameMax = 8'000'000;
inline constexpr long kMb = 1024;  // in kB

/// A broker that has to live whatever it is sent. The tests are one for each rule of
/// docs/hostile-input.md that a running broker keeps.
class HostileInput : public ::testing::Test {
 protected:
  TempDirectory directory_;
  BrokerProcess broker_ = start();
  const long before_kb_ = peak_kb();

  [[nodiscard]] BrokerProcess start() const {
    return BrokerProcess(directory_.path() + "/data",
                         {"socket.request.max.bytes=" + std::to_string(kFrameMax)});
  }
  void restart() {
    static_cast<void>(broker_.stop());
    broker_ = start();
  }
  void TearDown() override {  // whatever was sent, the broker lives and answers
    RawClient client(broker_.port());
    client.send(protocol::ApiKey::kApiVersions, 0, 1, protocol::ApiVersionsRequest());
    EXPECT_FALSE(
        client.receive_as<protocol::ApiVersionsResponse>(protocol::ApiKey::kApiVersions, 0, 1)
            .apis.empty());
  }
  [[nodiscard]] long peak_kb() const {
    std::ifstream status("/proc/" + std::to_string(broker_.pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
    }
    return -1;
  }
  /// 0 where the broker is instrumented: what the sanitizer takes says nothing of the broker.
  [[nodiscard]] long growth_kb() const { return kInstrumented ? 0 : peak_kb() - before_kb_; }
  /// Whether a body gets the connection closed without an answer.
  bool is_refused(protocol::ApiKey api, std::int16_t version, const Bytes& body) const {
    RawClient client(broker_.port());
    Bytes frame;
    protocol::write_request_header(frame, {api, version, 1, "x", 0});
    frame.insert(frame.end(), body.begin(), body.end());
    client.send_frame(frame);
    return !client.receive();
  }
  static void put(Bytes& to, std::uint64_t value) {
    std::byte buffer[kVarintBytesMax];
    to.insert(to.end(), buffer, put_uvarint(buffer, value));
  }
  template <class Response, class Request>
  Response ask(protocol::ApiKey api, std::int16_t version, const Request& request) {
    RawClient client(broker_.port());
    client.send(api, version, 1, request);
    return client.receive_as<Response>(api, version, 1);
  }
  protocol::ErrorCode create(std::string_view name) {
    protocol::CreateTopicsRequest request;
    request.topics = {{name, 1, 1, {}, {}}};
    return ask<protocol::CreateTopicsResponse>(protocol::ApiKey::kCreateTopics, 7, request)
        .topics.at(0)
        .error;
  }
};

}  // namespace penstock::testing
