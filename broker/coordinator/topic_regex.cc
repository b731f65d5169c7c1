#include "broker/coordinator/topic_regex.h"

#include <re2/re2.h>

namespace penstock::broker {

namespace {
RE2::Options options() {
  RE2::Options out;
  out.set_log_errors(false);
  out.set_max_mem(1 << 20);
  return out;
}
re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }
}  // namespace

Result<NamePattern> NamePattern::compile(std::string_view pattern) {
  auto regex = std::make_shared<const RE2>(piece(pattern), options());
  if (!regex->ok()) return fail(Errc::kInvalid, regex->error());
  return NamePattern(std::move(regex));
}

bool NamePattern::matches(std::string_view name) const {
  return RE2::FullMatch(piece(name), *regex_);
}

Status check_regex(std::string_view pattern) {
  if (auto compiled = NamePattern::compile(pattern); !compiled)
    return tl::make_unexpected(compiled.error());
  return {};
}

std::set<std::string, std::less<>> matching_topics(std::string_view pattern,
                                                   const GroupTopics& topics) {
  std::set<std::string, std::less<>> out;
  const auto regex = NamePattern::compile(pattern);
  if (!regex) return out;
  for (const auto& [name, topic] : topics.by_name) {
    if (regex->matches(name)) out.insert(name);
  }
  return out;
}

}  // namespace penstock::broker
