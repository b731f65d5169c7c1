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

Status check_regex(std::string_view pattern) {
  const RE2 regex(piece(pattern), options());
  if (!regex.ok()) return fail(Errc::kInvalid, regex.error());
  return {};
}

std::set<std::string, std::less<>> matching_topics(std::string_view pattern,
                                                   const GroupTopics& topics) {
  std::set<std::string, std::less<>> out;
  const RE2 regex(piece(pattern), options());
  if (!regex.ok()) return out;
  for (const auto& [name, topic] : topics.by_name) {
    if (RE2::FullMatch(name, regex)) out.insert(name);
  }
  return out;
}

}  // namespace penstock::broker
