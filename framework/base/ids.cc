#include "framework/base/ids.h"

#include <array>
#include <random>

namespace penstock {

namespace {
constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::array<std::uint8_t, 16> bytes_of(const Uuid& id) {
  std::array<std::uint8_t, 16> out{};
  for (unsigned i = 0; i < 8; ++i) {
    out[i] = static_cast<std::uint8_t>(id.high >> (56 - 8 * i));
    out[8 + i] = static_cast<std::uint8_t>(id.low >> (56 - 8 * i));
  }
  return out;
}

int digit_of(char c) {
  for (int i = 0; i < 64; ++i) {
    if (kAlphabet[i] == c) return i;
  }
  return -1;
}
}  // namespace

std::string Uuid::text() const {
  const auto raw = bytes_of(*this);
  std::string out;
  out.reserve(22);
  for (std::size_t i = 0; i < 16; i += 3) {
    std::uint32_t group = static_cast<std::uint32_t>(raw[i]) << 16;
    if (i + 1 < 16) group |= static_cast<std::uint32_t>(raw[i + 1]) << 8;
    if (i + 2 < 16) group |= raw[i + 2];
    const unsigned digits = i + 2 < 16 ? 4 : 2;
    for (unsigned d = 0; d < digits; ++d) out.push_back(kAlphabet[(group >> (18 - 6 * d)) & 63]);
  }
  return out;
}

Uuid Uuid::random() {
  static thread_local std::random_device device;
  std::uniform_int_distribution<std::uint64_t> any;
  Uuid id;
  do {
    id = Uuid{any(device), any(device)};
  } while (id.is_zero() || (id.high >> 58) == 62);
  return id;
}

bool Uuid::parse(const std::string& text, Uuid& out) {
  if (text.size() != 22) return false;
  std::array<std::uint8_t, 16> raw{};
  std::uint32_t bits = 0;
  unsigned have = 0;
  std::size_t at = 0;
  for (char c : text) {
    const int digit = digit_of(c);
    if (digit < 0) return false;
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    have += 6;
    if (have >= 8 && at < raw.size()) {
      have -= 8;
      raw[at++] = static_cast<std::uint8_t>(bits >> have);
    }
  }
  out = Uuid{};
  for (unsigned i = 0; i < 8; ++i) {
    out.high = (out.high << 8) | raw[i];
    out.low = (out.low << 8) | raw[8 + i];
  }
  return true;
}

}  // namespace penstock
