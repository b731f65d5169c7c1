#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>

#include "tests/fuzz/fuzz_targets.h"

namespace penstock::fuzz {
namespace {

using Bytes = std::vector<std::byte>;
using Target = void (*)(ByteView);

constexpr Target kTargets[] = {batch, decompress, index};

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
TEST(Fuzz, TheIndexCorpusIsTaken) { run_corpus("index"); }

TEST(Fuzz, MutatedBatchesOfEveryCodecAreTaken) {
  const std::uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (int codec = 0; codec < 5; ++codec) {
    record::BatchBuilder::Options options;
    options.codec = static_cast<record::Codec>(codec);
    record::BatchBuilder builder(options);
    for (int i = 0; i < 20; ++i) builder.add(i, "key", "a value that repeats a value that repeats");
    const Bytes good = builder.finish();
    for (int round = 0; round < 3000; ++round) {
      Bytes bad = good;
      for (std::uint64_t n = 1 + random() % 4; n > 0; --n)
        bad[random() % bad.size()] = static_cast<std::byte>(random());
      if (random() % 4 == 0) bad.resize(random() % bad.size());
      batch(bad);
      if (bad.size() > record::kBatchHeaderBytes) {
        bad[record::kBatchHeaderBytes - 1] = static_cast<std::byte>(codec);
        decompress(ByteView(bad).subspan(record::kBatchHeaderBytes - 1));
      }
    }
  }
}

TEST(Fuzz, RandomIndexesAreTaken) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes(random() % 200);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 3 == 0 ? random() : 0);
    index(bytes);
  }
}

}  // namespace
}  // namespace penstock::fuzz
