#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::fuzz {

struct Seed {
  std::string name;
  std::vector<std::byte> bytes;
};

/// Good input for a target, by the name of its function: what a fuzzer begins with, and what tests
/// change. Empty for an unknown name.
[[nodiscard]] std::vector<Seed> seeds(std::string_view target);

}  // namespace penstock::fuzz
