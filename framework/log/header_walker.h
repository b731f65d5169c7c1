#pragma once

#include <array>

#include "framework/log/file_system.h"
#include "framework/record/batch.h"

namespace penstock::log {

/// Steps from batch to batch by their headers alone, in [position, end) of a segment file. Small
/// batches share one read.
class HeaderWalker {
 public:
  HeaderWalker(const File& file, std::uint64_t position, std::uint64_t end)
      : file_(file), next_(position), end_(end) {}
  /// False at the end. Errors: kCorrupt (a batch that is cut short included), kUnsupported, kIo.
  Result<bool> next();
  [[nodiscard]] const record::BatchHeader& header() const { return header_; }
  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] std::uint64_t behind() const { return next_; }

 private:
  static constexpr std::size_t kBufferBytes = 4096;
  const File& file_;
  std::uint64_t position_ = 0;
  std::uint64_t next_;
  std::uint64_t end_;
  record::BatchHeader header_;
  std::uint64_t buffer_at_ = 0;
  std::size_t buffered_ = 0;
  std::array<std::byte, kBufferBytes> buffer_;
};

}  // namespace penstock::log
