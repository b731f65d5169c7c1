#pragma once
// Conversions of values to what a column takes. Exact: what would change a value is refused
// (empty), except the rounding of a decimal fraction to a floating-point column.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/relational/sink_plan.h"

namespace penstock::relational {

std::optional<std::int64_t> integer_from_text(std::string_view text);
std::optional<double> real_from_text(std::string_view text);
std::optional<std::string> base64_decoded(std::string_view text);
/// -12.340: Decimal's bytes (big-endian two's complement) at `scale`. Throws Misfit beyond 1024
/// bytes.
std::string decimal_text(std::string_view unscaled, std::int32_t scale);
/// Shortest text that reads back as the same number.
std::string real_text(double value, bool is_float32);

/// A penstock.sqlite.Any as the value that it stands for; a blob's bytes go to `buffer`. Throws
/// Misfit.
Value unwrap_any(const Value& any, std::string& buffer);

std::optional<std::int64_t> as_integer(const PlanColumn& column, const Value& value);
std::optional<double> as_real(const PlanColumn& column, const Value& value);
std::optional<bool> as_boolean(const PlanColumn& column, const Value& value);
/// Any scalar but bytes; the view is into the value or `buffer`. Dates and times in ISO form,
/// milliseconds only where there are any.
std::optional<std::string_view> as_text(const PlanColumn& column, const Value& value,
                                        std::string& buffer);
/// Bytes; where there is no schema also a text in base64, as JSON has them.
std::optional<std::string_view> as_bytes(const PlanColumn& column, const Value& value,
                                         std::string& buffer);

/// "a STRING", "a Decimal": for messages.
std::string_view type_name(const PlanColumn& column, const Value& value);
/// Short, for messages.
std::string shown_value(const PlanColumn& column, const Value& value);
/// value 70000 (INT32) does not fit type smallint
Misfit does_not_fit(const PlanColumn& column, const Value& value);

}  // namespace penstock::relational
