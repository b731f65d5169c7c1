#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "framework/base/error.h"

// Kafka's text checkpoints: a line with the version 0, a line with the count, then the entries, one
// a line.
namespace penstock::log {

/// Each entry's words. `words` is how many each must have. Errors: kCorrupt.
Result<std::vector<std::vector<std::string>>> parse_checkpoint(std::string_view text,
                                                               std::size_t words);
std::string format_checkpoint(const std::vector<std::string>& lines);
/// A whole decimal number, as checkpoints hold them.
bool parse_number(std::string_view text, std::int64_t& out);

}  // namespace penstock::log
