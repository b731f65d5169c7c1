#include "framework/connect/convert/decimal.h"

#include <gtest/gtest.h>

#include <random>

#include "framework/connect/convert/base64.h"

namespace penstock::connect {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

TEST(Decimal, WritesWhatJavasBigDecimalWouldPlainly) {
  EXPECT_EQ(decimal_text(bytes({0x30, 0x39}), 2), "123.45");
  EXPECT_EQ(decimal_text(bytes({0xFF}), 2), "-0.01");
  EXPECT_EQ(decimal_text(bytes({0x80}), 0), "-128");
  EXPECT_EQ(decimal_text(bytes({0x00, 0x80}), 0), "128");
  EXPECT_EQ(decimal_text(bytes({0x05}), -3), "5000");
  EXPECT_EQ(decimal_text("", 0), "0");
  EXPECT_EQ(decimal_text(bytes({0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}), 0),
            "9223372036854775807");
}

TEST(Decimal, ReadsNumbersExactlyOrNotAtAll) {
  EXPECT_EQ(decimal_bytes("123.45", 2), bytes({0x30, 0x39}));
  EXPECT_EQ(decimal_bytes("-128", 0), bytes({0x80}));
  EXPECT_EQ(decimal_bytes("1.5e3", 0), bytes({0x05, 0xDC}));
  EXPECT_EQ(decimal_bytes("1.500", 1), bytes({0x0F}));
  EXPECT_EQ(decimal_bytes("0.0", 0), bytes({0}));
  EXPECT_EQ(decimal_bytes("0.001", 2), std::nullopt);
  EXPECT_EQ(decimal_bytes("1e99999", 0), std::nullopt);
  EXPECT_EQ(decimal_bytes("twelve", 0), std::nullopt);
  EXPECT_EQ(decimal_bytes("", 0), std::nullopt);
}

TEST(Decimal, EveryTextComesBack) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string digits = std::to_string(random());
    for (auto more = random() % 3; more > 0; --more) digits += std::to_string(random());
    const int scale = static_cast<int>(random() % 30);
    const auto unscaled = decimal_bytes(
        (random() % 2 == 0 ? "-" : "") + digits + "e-" + std::to_string(scale), scale);
    ASSERT_TRUE(unscaled);
    EXPECT_EQ(decimal_bytes(decimal_text(*unscaled, scale), scale), unscaled);
  }
}

TEST(Base64, EveryLengthComesBackAndRubbishIsRefused) {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 70; ++size) {
    std::string from(size, '\0');
    for (char& c : from) c = static_cast<char>(random());
    std::string text(base64_size(size), '\0');
    put_base64(text.data(), from);
    std::string back(size + 3, '\0');
    const char* end = get_base64(back.data(), text);
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(back.substr(0, static_cast<std::size_t>(end - back.data())), from);
  }
  char out[8];
  for (const char* wrong : {"A", "AA=A", "A===", "AB==C", "%%%%", "AB"}) {
    const bool refused = get_base64(out, wrong) == nullptr;
    EXPECT_TRUE(refused) << wrong;
  }
  EXPECT_NE(get_base64(out, "AA"), nullptr);
}

}  // namespace
}  // namespace penstock::connect
