#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "framework/base/bytes.h"
#include "framework/base/crc32c.h"
#include "framework/base/unique_fd.h"
#include "framework/record/batch.h"
#include "tests/bench/load/loads.h"

namespace penstock::bench {
namespace {

constexpr std::int32_t kRecordsEach = 1'000'000;
constexpr std::size_t kCrcFrom = 21;  // attributes
constexpr std::int64_t kTimestampMs = 1'700'000'000'000;

/// The header of a batch that fills the segment; behind it there are only zeros.
std::array<std::byte, record::kBatchHeaderBytes> header_of(std::int64_t base,
                                                           std::uint64_t segment_bytes) {
  std::array<std::byte, record::kBatchHeaderBytes> out{};
  std::byte* at = out.data();
  store_be(at, base);
  store_be(at + 8, static_cast<std::int32_t>(segment_bytes - record::kBatchOverheadBytes));
  store_be(at + 12, std::int32_t{0});
  at[16] = std::byte{2};
  store_be(at + 23, kRecordsEach - 1);
  store_be(at + 27, kTimestampMs);
  store_be(at + 35, kTimestampMs);
  store_be(at + 43, std::int64_t{-1});
  store_be(at + 51, std::int16_t{-1});
  store_be(at + 53, std::int32_t{-1});
  store_be(at + 57, kRecordsEach);
  const std::vector<std::byte> zeros(1 << 20);
  std::uint32_t crc = crc32c(ByteView(out).subspan(kCrcFrom));
  for (std::uint64_t left = segment_bytes - out.size(); left > 0;) {
    const std::size_t size = std::min<std::uint64_t>(left, zeros.size());
    crc = crc32c_extend(crc, ByteView(zeros).first(size));
    left -= size;
  }
  store_be(at + 17, crc);
  return out;
}

void write_segment(const std::string& directory, std::int64_t base, std::uint64_t segment_bytes) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "/%020lld.log", static_cast<long long>(base));
  const std::string path = directory + name.data();
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  const auto header = header_of(base, segment_bytes);
  if (!file ||
      ::pwrite(file.get(), header.data(), header.size(), 0) !=
          static_cast<ssize_t>(header.size()) ||
      ::ftruncate(file.get(), static_cast<off_t>(segment_bytes)) != 0)
    throw std::runtime_error(path + " could not be written");
}

}  // namespace

nlohmann::json make_sparse_segments(const std::string& directory, int segments,
                                    std::uint64_t segment_bytes) {
  std::int64_t base = 0;
  for (int i = 0; i < segments; ++i, base += kRecordsEach)
    write_segment(directory, base, segment_bytes);
  return {{"segments", segments},
          {"bytes", static_cast<std::uint64_t>(segments) * segment_bytes},
          {"end_offset", base}};
}

}  // namespace penstock::bench
