#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::connect {

/// Connect's Decimal: `unscaled` is a big-endian two's complement integer, the value is unscaled *
/// 10^-scale. Plain notation with exactly `scale` digits behind the point (none for a scale of 0 or
/// less). Empty bytes are zero.
[[nodiscard]] std::string decimal_text(std::string_view unscaled, int scale);
/// The shortest two's complement bytes of a decimal number at `scale`; exponents are accepted.
/// nullopt when it is no number, needs more digits behind the point than `scale`, or is longer than
/// 10,000 digits.
[[nodiscard]] std::optional<std::string> decimal_bytes(std::string_view text, int scale);

}  // namespace penstock::connect
