#pragma once
// Exact numbers: Connect's Decimal, and which type a numeric column gets (numeric.mapping).

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "penstock/plugin.h"

namespace penstock::relational {

__extension__ using Int128 = __int128;

enum class NumericMapping : std::uint8_t { kNone, kBestFit, kPrecisionOnly };
NumericMapping numeric_mapping_of(std::string_view setting);

/// kBytes stands for Decimal; else an integer type or kFloat64, as the JDBC source chooses.
Type numeric_type(int precision, int scale, NumericMapping mapping);

/// Decimal with parameters scale and connect.decimal.precision.
const Schema* decimal_schema(int precision, int scale, bool optional, Context& context);

/// An unscaled number as Decimal's bytes: big-endian two's complement, as short as possible.
Value decimal_value(Int128 unscaled, Block& block);

/// A number of any length that is built digit by digit.
class Magnitude {
 public:
  /// this = this * factor + addend
  void multiply_add(std::uint32_t factor, std::uint32_t addend);
  /// this = this / divisor; returns the remainder.
  std::uint32_t divide(std::uint32_t divisor);
  [[nodiscard]] Value decimal(bool negative, Block& block) const;

 private:
  std::vector<std::uint32_t> limbs_;  // least significant first
};

/// "-12.340", "1e-3": the number times 10^scale, as Decimal's bytes. Empty when `text` is not a
/// number, has more digits behind the point than `scale`, or more than 1000 digits.
std::optional<Value> decimal_from_text(std::string_view text, int scale, Block& block);

}  // namespace penstock::relational
