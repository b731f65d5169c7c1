#include "framework/log/checkpoint_file.h"

#include <charconv>

namespace penstock::log {
namespace {

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const std::size_t end = line.find(' ');
    if (end != 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return words;
}

}  // namespace

bool parse_number(std::string_view text, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

Result<std::vector<std::vector<std::string>>> parse_checkpoint(std::string_view text,
                                                               std::size_t words) {
  // A number that is cut short is still a number.
  if (!text.empty() && text.back() != '\n') return fail(Errc::kCorrupt, "checkpoint is cut short");
  std::int64_t version = 0;
  std::int64_t count = 0;
  if (!parse_number(take_line(text), version) || version != 0) {
    return fail(Errc::kCorrupt, "checkpoint does not begin with version 0");
  }
  if (!parse_number(take_line(text), count) || count < 0)
    return fail(Errc::kCorrupt, "checkpoint has no entry count");
  std::vector<std::vector<std::string>> entries;
  while (!text.empty()) {
    auto entry = words_of(take_line(text));
    if (entry.size() != words)
      return fail(Errc::kCorrupt,
                  "checkpoint entry " + std::to_string(entries.size() + 1) + " is malformed");
    entries.push_back(std::move(entry));
  }
  if (static_cast<std::int64_t>(entries.size()) != count) {
    return fail(Errc::kCorrupt, "checkpoint announces " + std::to_string(count) +
                                    " entries and has " + std::to_string(entries.size()));
  }
  return entries;
}

std::string format_checkpoint(const std::vector<std::string>& lines) {
  std::string text = "0\n" + std::to_string(lines.size()) + "\n";
  for (const std::string& line : lines) text.append(line).append("\n");
  return text;
}

}  // namespace penstock::log
