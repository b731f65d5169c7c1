#include <stdexcept>

#include "framework/config/definition.h"

namespace penstock::config {
namespace {

[[noreturn]] void wrong_kind(std::string_view key, std::string_view asked) {
  throw std::logic_error("setting " + std::string(key) + " is not declared as " +
                         std::string(asked));
}

}  // namespace

const Settings::Entry& Settings::at(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end())
    throw std::logic_error("setting " + std::string(key) + " is not declared");
  return *found->second;
}

std::string_view Settings::text(std::string_view key) const { return at(key).text; }

std::int64_t Settings::number(std::string_view key) const {
  const Entry& entry = at(key);
  switch (entry.kind) {
    case Kind::kInt:
    case Kind::kLong:
    case Kind::kDuration:
    case Kind::kBytes:
      return entry.number;
    default:
      wrong_kind(key, "a whole number");
  }
}

double Settings::real(std::string_view key) const {
  const Entry& entry = at(key);
  return entry.kind == Kind::kDouble ? entry.real : static_cast<double>(number(key));
}

bool Settings::flag(std::string_view key) const {
  const Entry& entry = at(key);
  if (entry.kind != Kind::kBool) wrong_kind(key, "a boolean");
  return entry.flag;
}

std::span<const std::string_view> Settings::list(std::string_view key) const {
  const Entry& entry = at(key);
  if (entry.kind != Kind::kList) wrong_kind(key, "a list");
  return entry.items;
}

bool Settings::given(std::string_view key) const { return at(key).given; }
bool Settings::visible(std::string_view key) const { return at(key).visible; }

std::string_view Settings::shown(std::string_view key) const {
  const Entry& entry = at(key);
  return entry.kind == Kind::kPassword && !entry.text.empty() ? std::string_view("[hidden]")
                                                              : entry.text;
}

Map Settings::under(std::string_view prefix) const {
  Map out;
  for (auto at = prefixed_.lower_bound(prefix);
       at != prefixed_.end() && at->first.starts_with(prefix); ++at) {
    out.emplace(at->first.substr(prefix.size()), at->second);
  }
  return out;
}

}  // namespace penstock::config
