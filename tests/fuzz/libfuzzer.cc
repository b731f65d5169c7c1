#include <cstddef>
#include <cstdint>

#include "tests/fuzz/log_targets.h"
#include "tests/fuzz/wire_targets.h"

/// libFuzzer's entry. PENSTOCK_FUZZ_TARGET is one of the functions that the corpus tests call.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::fuzz::PENSTOCK_FUZZ_TARGET({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
