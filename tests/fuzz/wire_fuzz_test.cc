#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>

#include "broker/api_table.h"
#include "tests/fuzz/seeds.h"
#include "tests/fuzz/wire_targets.h"

namespace penstock::fuzz {
namespace {

using Bytes = std::vector<std::byte>;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLong(
    2000);                      // for all rounds of one test; a slow machine does fewer
constexpr int kRoundsMax = 40;  // of each message in each version

void run_corpus(const char* folder, void (*target)(ByteView)) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(PENSTOCK_CORPUS) + "/" + folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    target(as_bytes(text));
    ++files;
  }
  EXPECT_GT(files, 0);
}

std::mt19937_64 printed_seed() {
  const std::uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  return std::mt19937_64(seed);
}

/// Changes bytes, mostly to what lengths and counts trip over, cuts, and lengthens.
void mutate(Bytes& bytes, std::mt19937_64& random) {
  constexpr std::byte kEdges[] = {std::byte{0}, std::byte{1}, std::byte{0x7F}, std::byte{0x80},
                                  std::byte{0xFF}};
  for (std::uint64_t n = 1 + random() % 4; n > 0 && !bytes.empty(); --n) {
    bytes[random() % bytes.size()] =
        random() % 2 == 0 ? kEdges[random() % std::size(kEdges)] : static_cast<std::byte>(random());
  }
  if (random() % 4 == 0 && !bytes.empty()) bytes.resize(random() % bytes.size());
  if (random() % 8 == 0) bytes.resize(bytes.size() + random() % 8, std::byte{0xFF});
}

TEST(WireFuzz, EveryApiOfTheTableHasBothMessagesHere) {
  for (const broker::Api& api : broker::api_table()) {
    for (const bool request : {true, false}) {
      const auto all = wire_messages();
      EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const WireMessage& m) {
        return m.api == api.key && m.request == request;
      })) << to_string(api.key);
    }
  }
}
TEST(WireFuzz, NoApiHasAVersionThatIsNotTried) {
  for (const broker::Api& api : broker::api_table())
    EXPECT_LE(api.high, kVersionMax) << to_string(api.key);
}
TEST(WireFuzz, TheCorpusIsTaken) {
  run_corpus("wire", wire_everywhere);
  run_corpus("wire", wire);
}
TEST(WireFuzz, MutatedMessagesOfEveryVersionAreTaken) {
  auto random = printed_seed();
  const auto end = Clock::now() + kLong;
  for (int round = 0; round < kRoundsMax && (round == 0 || Clock::now() < end); ++round) {
    for (const WireMessage& message : wire_messages()) {
      const broker::Api* api = broker::find_handler(message.api);
      for (std::int16_t version = api->advertised_low; version <= api->high; ++version) {
        const bool flexible = protocol::is_flexible(message.api, version);
        const Bytes good = message.make(random(), version, flexible);
        message.decode(good, version, flexible);
        for (int i = 0; i < 8; ++i) {
          Bytes bad = good;
          mutate(bad, random);
          message.decode(bad, version, flexible);
        }
      }
    }
  }
}
TEST(PropertiesFuzz, TheCorpusIsTaken) { run_corpus("properties", properties); }
TEST(PropertiesFuzz, MutatedFilesAreTaken) {
  auto random = printed_seed();
  const auto end = Clock::now() + kLong / 4;
  const Bytes good = seeds("properties").front().bytes;
  for (int round = 0; round < 50'000 && Clock::now() < end; ++round) {
    Bytes bad = good;
    mutate(bad, random);
    if (!bad.empty() && random() % 2 == 0) bad[random() % bad.size()] = std::byte{'\\'};
    properties(bad);
  }
}

}  // namespace
}  // namespace penstock::fuzz
