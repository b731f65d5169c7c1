#include "framework/base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace penstock {

namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78U;  // reflected

constexpr std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    tables[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t t = 1; t < 8; ++t) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xFF];
    }
  }
  return tables;
}
constexpr auto kTables = make_tables();

std::uint32_t extend_portable(std::uint32_t crc, const std::byte* at, std::size_t size) {
  while (size >= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    word ^= crc;
    crc = 0;
    for (std::size_t t = 0; t < 8; ++t) crc ^= kTables[7 - t][(word >> (8 * t)) & 0xFF];
    at += 8;
    size -= 8;
  }
  for (; size > 0; --size)
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<std::uint32_t>(*at++)) & 0xFF];
  return crc;
}

#if defined(__x86_64__)
// Three streams hide the latency of the crc32 instruction; their results are joined by moving a
// CRC over kStride zero bytes, a linear map kept as four tables.
constexpr std::size_t kStride = 2048;

constexpr std::uint32_t multiply(const std::array<std::uint32_t, 32>& matrix,
                                 std::uint32_t vector) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; vector != 0; vector >>= 1, ++i) {
    if (vector & 1) sum ^= matrix[i];
  }
  return sum;
}

constexpr std::array<std::array<std::uint32_t, 256>, 4> make_shift_tables() {
  std::array<std::uint32_t, 32> step{};  // one zero bit
  step[0] = kPolynomial;
  for (std::size_t i = 1; i < 32; ++i) step[i] = 1U << (i - 1);
  for (std::size_t bits = 1; bits < kStride * 8; bits *= 2) {
    std::array<std::uint32_t, 32> squared{};
    for (std::size_t i = 0; i < 32; ++i) squared[i] = multiply(step, step[i]);
    step = squared;
  }
  std::array<std::array<std::uint32_t, 256>, 4> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t t = 0; t < 4; ++t) tables[t][i] = multiply(step, i << (8 * t));
  }
  return tables;
}
constexpr auto kShift = make_shift_tables();
static_assert((kStride & (kStride - 1)) == 0, "the shift doubles up to the stride");

std::uint32_t shift_stride(std::uint32_t crc) {
  return kShift[0][crc & 0xFF] ^ kShift[1][(crc >> 8) & 0xFF] ^ kShift[2][(crc >> 16) & 0xFF] ^
         kShift[3][crc >> 24];
}

std::uint64_t load_word(const std::byte* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) std::uint32_t extend_sse42(std::uint32_t crc, const std::byte* at,
                                                             std::size_t size) {
  while (size >= 3 * kStride) {
    std::uint64_t a = crc;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    for (std::size_t i = 0; i < kStride; i += 8) {
      a = _mm_crc32_u64(a, load_word(at + i));
      b = _mm_crc32_u64(b, load_word(at + kStride + i));
      c = _mm_crc32_u64(c, load_word(at + 2 * kStride + i));
    }
    crc = shift_stride(static_cast<std::uint32_t>(a)) ^ static_cast<std::uint32_t>(b);
    crc = shift_stride(crc) ^ static_cast<std::uint32_t>(c);
    at += 3 * kStride;
    size -= 3 * kStride;
  }
  std::uint64_t wide = crc;
  for (; size >= 8; size -= 8, at += 8) wide = _mm_crc32_u64(wide, load_word(at));
  crc = static_cast<std::uint32_t>(wide);
  for (; size > 0; --size, ++at) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*at));
  return crc;
}
#endif

}  // namespace

std::uint32_t crc32c_extend(std::uint32_t crc, ByteView bytes) {
  crc = ~crc;
#if defined(__x86_64__)
  static const bool has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
  if (has_sse42) return ~extend_sse42(crc, bytes.data(), bytes.size());
#endif
  return ~extend_portable(crc, bytes.data(), bytes.size());
}

}  // namespace penstock
