#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "framework/base/bytes.h"

namespace penstock {

/// SHA-256 (FIPS 180-4), fed piece by piece. Tells one file from another; no secret passes through
/// it.
class Sha256 {
 public:
  Sha256();
  void add(ByteView bytes);
  /// 64 lower-case hexadecimal digits. The object is used up.
  std::string hex();
  /// The same as bytes. The object is used up.
  std::array<std::byte, 32> digest();

 private:
  void block(const std::byte* from);
  std::array<std::uint32_t, 8> state_;
  std::array<std::byte, 64> buffer_;
  std::size_t buffered_ = 0;
  std::uint64_t length_ = 0;
};

}  // namespace penstock
