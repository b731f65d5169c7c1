#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>

#include "broker/api_table.h"
#include "framework/protocol/messages/api_versions.h"
#include "tests/conformance/raw_client.h"
#include "tests/fuzz/wire_targets.h"
#include "tests/support/broker_process.h"
#include "tests/support/time_scale.h"

// Random, changed and cut bodies of every API in every version against a running broker: it answers
// or closes the connection, stays small, and goes on serving.
namespace penstock::fuzz {
namespace {

using penstock::testing::BrokerProcess;
using penstock::testing::RawClient;
using penstock::testing::TempDirectory;
using Bytes = std::vector<std::byte>;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLong(6000);  // a slow machine does fewer rounds
constexpr int kRoundsMax = 20;
constexpr long kGrowthKbMax = 64 << 10;

long peak_kb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
  }
  return -1;
}

void expect_serving(const BrokerProcess& broker, const std::string& after) {
  RawClient client(broker.port());
  client.send(protocol::ApiKey::kApiVersions, 0, 1, protocol::ApiVersionsRequest());
  ASSERT_FALSE(
      client.receive_as<protocol::ApiVersionsResponse>(protocol::ApiKey::kApiVersions, 0, 1)
          .apis.empty())
      << after;
}

void change(Bytes& body, std::mt19937_64& random) {
  constexpr std::byte kEdges[] = {std::byte{0}, std::byte{1}, std::byte{0x7F}, std::byte{0x80},
                                  std::byte{0xFF}};
  if (body.empty()) return;
  switch (random() % 3) {
    case 0:
      body.resize(random() % body.size());
      break;
    case 1:
      for (std::byte& b : body) b = static_cast<std::byte>(random());
      break;
    default:
      for (int i = 0; i < 4; ++i)
        body[random() % body.size()] = kEdges[random() % std::size(kEdges)];
  }
}

TEST(LiveFuzz, BadBodiesOfEveryApiAndVersionDoNoHarm) {
  const std::uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  const TempDirectory directory;
  const BrokerProcess broker(directory.path() + "/data", {"socket.request.max.bytes=1000000"});
  const long before = peak_kb(broker.pid());
  const auto end = Clock::now() + kLong;
  int sent = 0;
  for (int round = 0; round < kRoundsMax && (round == 0 || Clock::now() < end); ++round) {
    for (const WireMessage& message : wire_messages()) {
      if (!message.request) continue;
      const broker::Api* api = broker::find_handler(message.api);
      for (std::int16_t version = api->low; version <= api->high; ++version) {
        Bytes body = message.make(random(), version, protocol::is_flexible(message.api, version));
        change(body, random);
        Bytes frame;
        protocol::write_request_header(frame, {message.api, version, 1, "fuzz", 0});
        frame.insert(frame.end(), body.begin(), body.end());
        RawClient client(broker.port());
        client.send_frame(frame);
        ++sent;
      }
      if (round == 0) expect_serving(broker, std::string(to_string(message.api)));
    }
    expect_serving(broker, "seed " + std::to_string(seed));
  }
  EXPECT_GT(sent, 100);
  // What a sanitizer takes says nothing of the broker.
  if (!kInstrumented) {
    EXPECT_LT(peak_kb(broker.pid()) - before, kGrowthKbMax);
  }
}

}  // namespace
}  // namespace penstock::fuzz
