#pragma once

#include <cstdio>
#include <cstdlib>

namespace penstock::fuzz {

/// What came out contradicts something that came out before: as bad as a crash, and ends as one, so
/// that a fuzzer keeps the input.
[[noreturn]] inline void broken_rule(const char* what) {
  std::fprintf(stderr, "broken rule: %s\n", what);
  std::abort();
}

}  // namespace penstock::fuzz
