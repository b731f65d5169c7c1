#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/base/crc32c.h"
#include "framework/base/unique_fd.h"
#include "framework/record/batch.h"
#include "tests/bench/load/loads.h"

namespace penstock::bench {
namespace {

constexpr std::int32_t kRecordsEach = 1'000;  // of a batch
constexpr std::size_t kCrcFrom = 21;          // attributes

/// The header of a batch of `batch_bytes`; behind it there are only zeros. Its base offset, which
/// the CRC does not cover, is left to be filled in.
std::array<std::byte, record::kBatchHeaderBytes> header_of(std::size_t batch_bytes,
                                                           std::int64_t timestamp_ms) {
  std::array<std::byte, record::kBatchHeaderBytes> out{};
  std::byte* at = out.data();
  store_be(at + 8, static_cast<std::int32_t>(batch_bytes - record::kBatchOverheadBytes));
  store_be(at + 12, std::int32_t{0});
  at[16] = std::byte{2};
  store_be(at + 23, kRecordsEach - 1);
  store_be(at + 27, timestamp_ms);
  store_be(at + 35, timestamp_ms);
  store_be(at + 43, std::int64_t{-1});
  store_be(at + 51, std::int16_t{-1});
  store_be(at + 53, std::int32_t{-1});
  store_be(at + 57, kRecordsEach);
  const std::vector<std::byte> zeros(batch_bytes - out.size());
  store_be(at + 17, crc32c_extend(crc32c(ByteView(out).subspan(kCrcFrom)), ByteView(zeros)));
  return out;
}

std::string path_of(const std::string& directory, std::int64_t base, const char* suffix) {
  std::array<char, 40> name{};
  std::snprintf(name.data(), name.size(), "/%020lld%s", static_cast<long long>(base), suffix);
  return directory + name.data();
}

void write_at(const UniqueFd& file, const std::string& path, ByteView bytes, std::uint64_t at) {
  if (!file || ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)) !=
                   static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error(path + " could not be written");
}

/// A segment of `batches` and its offset index: the last offset of each batch and where it begins.
void write_segment(const std::string& directory, std::int64_t base, int batches,
                   std::size_t batch_bytes,
                   std::array<std::byte, record::kBatchHeaderBytes> header) {
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  const std::string path = path_of(directory, base, ".log");
  UniqueFd file(::open(path.c_str(), flags, 0644));
  std::vector<std::byte> index(static_cast<std::size_t>(batches) * 8);
  for (int i = 0; i < batches; ++i) {
    const std::uint64_t position = static_cast<std::uint64_t>(i) * batch_bytes;
    store_be(header.data(), base + static_cast<std::int64_t>(i) * kRecordsEach);
    write_at(file, path, header, position);
    std::byte* entry = index.data() + static_cast<std::size_t>(i) * 8;
    store_be(entry, (i + 1) * kRecordsEach - 1);
    store_be(entry + 4, static_cast<std::int32_t>(position));
  }
  if (::ftruncate(file.get(), static_cast<off_t>(batches) * static_cast<off_t>(batch_bytes)) != 0)
    throw std::runtime_error(path + " could not be written");
  const std::string index_path = path_of(directory, base, ".index");
  write_at(UniqueFd(::open(index_path.c_str(), flags, 0644)), index_path, index, 0);
}

}  // namespace

nlohmann::json make_sparse_segments(const std::string& directory, int segments,
                                    std::uint64_t segment_bytes, std::size_t batch_bytes) {
  const auto batches = static_cast<int>(segment_bytes / batch_bytes);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto header =
      header_of(batch_bytes, std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::int64_t base = 0;
  for (int i = 0; i < segments; ++i, base += static_cast<std::int64_t>(batches) * kRecordsEach)
    write_segment(directory, base, batches, batch_bytes, header);
  return {{"segments", segments},
          {"bytes", static_cast<std::uint64_t>(segments) * static_cast<std::uint64_t>(batches) *
                        batch_bytes},
          {"end_offset", base}};
}

}  // namespace penstock::bench
