#include <filesystem>
#include <fstream>
#include <iostream>

#include "framework/base/bytes.h"
#include "tests/fuzz/seeds.h"

// fuzz_seeds TARGET DIRECTORY: writes the good input of a target, one file each.
int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "Usage: fuzz_seeds TARGET DIRECTORY\nExample: fuzz_seeds batch build/fuzz/seeds\n";
    return 2;
  }
  const auto all = penstock::fuzz::seeds(argv[1]);
  if (all.empty()) {
    std::cerr << "fuzz_seeds: no target " << argv[1] << "\n";
    return 1;
  }
  const std::filesystem::path directory = argv[2];
  std::filesystem::create_directories(directory);
  for (const penstock::fuzz::Seed& seed : all) {
    std::ofstream file(directory / seed.name, std::ios::binary);
    file << penstock::as_text(seed.bytes);
    if (!file.flush()) {
      std::cerr << "fuzz_seeds: cannot write " << directory / seed.name << "\n";
      return 1;
    }
  }
  return 0;
}
