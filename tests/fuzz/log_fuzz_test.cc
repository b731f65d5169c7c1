#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>

#include "framework/record/batch.h"
#include "tests/fuzz/log_targets.h"
#include "tests/fuzz/seeds.h"

namespace penstock::fuzz {
namespace {

using Bytes = std::vector<std::byte>;
using Target = void (*)(ByteView);

constexpr std::size_t kAttributesLowByteAt = 22;

constexpr Target kTargets[] = {batch, decompress, index, checkpoint, segment};

void run_corpus(const std::string& folder) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(PENSTOCK_CORPUS) + "/" + folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    for (const Target target : kTargets) target(as_bytes(text));
    ++files;
  }
  EXPECT_GT(files, 0);
}

TEST(Fuzz, TheBatchCorpusIsTaken) { run_corpus("batch"); }
TEST(Fuzz, TheDecompressCorpusIsTaken) { run_corpus("decompress"); }
TEST(Fuzz, TheIndexCorpusIsTaken) { run_corpus("index"); }
TEST(Fuzz, TheCheckpointCorpusIsTaken) { run_corpus("checkpoint"); }
TEST(Fuzz, TheSegmentCorpusIsTaken) { run_corpus("segment"); }

TEST(Fuzz, MutatedBatchesOfEveryCodecAreTaken) {
  const std::uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (const Seed& good : seeds("batch")) {
    const std::byte codec = good.bytes[kAttributesLowByteAt] & std::byte{7};
    for (int round = 0; round < 3000; ++round) {
      Bytes bad = good.bytes;
      for (std::uint64_t n = 1 + random() % 4; n > 0; --n)
        bad[random() % bad.size()] = static_cast<std::byte>(random());
      if (random() % 4 == 0) bad.resize(random() % bad.size());
      batch(bad);
      if (bad.size() > record::kBatchHeaderBytes) {
        bad[record::kBatchHeaderBytes - 1] = codec;
        decompress(ByteView(bad).subspan(record::kBatchHeaderBytes - 1));
      }
    }
  }
}

TEST(Fuzz, MutatedSegmentsAreTaken) {
  const std::uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (const Seed& good : seeds("segment")) {
    for (int round = 0; round < 100; ++round) {
      Bytes bad = good.bytes;
      bad[0] = static_cast<std::byte>(random());
      for (std::uint64_t n = random() % 4; n > 0; --n)
        bad[random() % bad.size()] = static_cast<std::byte>(random());
      if (random() % 4 == 0) bad.resize(random() % bad.size());
      segment(bad);
    }
  }
}

TEST(Fuzz, RandomIndexesAreTaken) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes(random() % 200);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 3 == 0 ? random() : 0);
    index(bytes);
    checkpoint(bytes);
  }
}

}  // namespace
}  // namespace penstock::fuzz
