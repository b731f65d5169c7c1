#include "framework/config/definition.h"

#include <algorithm>
#include <regex>
#include <set>

#include "framework/config/check.h"
#include "framework/config/value.h"

namespace penstock::config {
namespace {

Problem invalid(const Key& key, std::string_view value, const std::string& why) {
  const std::string_view shown =
      key.kind == Kind::kPassword ? std::string_view("[hidden]") : value.substr(0, 256);
  return {key.name,
          "Invalid value " + std::string(shown) + " for configuration " + key.name + ": " + why};
}

std::string missing(const Key& key) {
  return "Missing required configuration \"" + key.name + "\" which has no default value.";
}

/// Edits that turn one name into the other, up to 3.
std::size_t distance(std::string_view a, std::string_view b) {
  if (a.size() > 100 || b.size() > 100) return 3;
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return std::min<std::size_t>(row[b.size()], 3);
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kString:
      return "STRING";
    case Kind::kPassword:
      return "PASSWORD";
    case Kind::kInt:
      return "INT";
    case Kind::kLong:
    case Kind::kDuration:
    case Kind::kBytes:
      return "LONG";
    case Kind::kDouble:
      return "DOUBLE";
    case Kind::kBool:
      return "BOOLEAN";
    case Kind::kList:
      return "LIST";
  }
  return "STRING";
}

std::string_view to_string(Importance importance) {
  switch (importance) {
    case Importance::kHigh:
      return "HIGH";
    case Importance::kMedium:
      return "MEDIUM";
    case Importance::kLow:
      return "LOW";
  }
  return "MEDIUM";
}

std::string join(std::span<const Problem> problems) {
  std::string out;
  for (const Problem& problem : problems) out.append(out.empty() ? "" : "\n").append(problem.text);
  return out;
}

Definition::Definition(std::vector<Key> keys, std::vector<std::string> prefixes)
    : keys_(std::move(keys)), prefixes_(std::move(prefixes)) {}

const Key* Definition::find(std::string_view name) const {
  const auto found =
      std::find_if(keys_.begin(), keys_.end(), [name](const Key& key) { return key.name == name; });
  return found == keys_.end() ? nullptr : &*found;
}

std::vector<Problem> Definition::defects() const {
  std::vector<Problem> out;
  std::set<std::string_view> seen;
  const auto add = [&out](const Key& key, const std::string& text) {
    out.push_back({key.name, text});
  };
  for (const Key& key : keys_) {
    if (key.name.empty()) add(key, "a setting without a name");
    if (!seen.insert(key.name).second) add(key, "setting " + key.name + " is declared twice");
    if (!key.pattern.empty()) {
      try {
        const std::regex compiled(key.pattern, std::regex::ECMAScript);
      } catch (const std::regex_error&) {
        add(key, "setting " + key.name + ": its pattern " + key.pattern +
                     " is not a regular expression");
        continue;
      }
    }
    if (key.fallback && !key.fallback->empty()) {
      const auto checked = check_text(key, *key.fallback);
      if (!checked.wrong.empty())
        add(key, "setting " + key.name + ": its fallback " + *key.fallback +
                     " is refused: " + checked.wrong);
    }
    if (!key.when.empty()) {
      const When when = parse_when(key.when);
      const Key* other = find(when.name);
      if (other == nullptr || other == &key) {
        add(key, "setting " + key.name + ": its condition " + key.when + " names no other setting");
      } else if (!other->one_of.empty()) {
        const auto known = alternatives(other->one_of);
        for (const std::string_view value : when.values) {
          if (std::find(known.begin(), known.end(), value) == known.end()) {
            add(key, "setting " + key.name + ": its condition " + key.when + " can never hold");
          }
        }
      }
    }
  }
  return out;
}

std::optional<Problem> Definition::check_value(const Key& key, std::string_view value) {
  if (value.empty() && key.fallback && key.fallback->empty()) return std::nullopt;
  if (value.empty() && !key.fallback) return Problem{key.name, missing(key)};
  const auto checked = check_text(key, value);
  if (checked.wrong.empty()) return std::nullopt;
  return invalid(key, value, checked.wrong);
}

Checked Definition::check(const Map& given) const {
  Checked out;
  const auto value_of = [&](std::string_view name) -> std::string_view {
    if (const auto found = given.find(name); found != given.end()) return found->second;
    const Key* key = find(name);
    return key != nullptr && key->fallback ? std::string_view(*key->fallback) : std::string_view();
  };
  for (const Key& key : keys_) {
    auto entry = std::make_unique<Settings::Entry>();
    const auto found = given.find(key.name);
    entry->kind = key.kind;
    entry->given = found != given.end();
    entry->text = value_of(key.name);
    if (!key.when.empty()) {
      const When when = parse_when(key.when);
      entry->visible = std::find(when.values.begin(), when.values.end(), value_of(when.name)) !=
                       when.values.end();
    }
    const bool left_out = !entry->given && !key.fallback;
    if (left_out ? entry->visible : entry->given) {
      if (auto problem =
              left_out ? Problem{key.name, missing(key)} : check_value(key, entry->text)) {
        if (entry->visible || !entry->text.empty()) out.problems.push_back(std::move(*problem));
      }
    }
    if (!entry->text.empty()) {
      const Parsed value = check_text(key, entry->text).value;
      if (const auto* number = std::get_if<std::int64_t>(&value)) entry->number = *number;
      if (const auto* real = std::get_if<double>(&value)) entry->real = *real;
      if (const auto* flag = std::get_if<bool>(&value)) entry->flag = *flag;
      if (key.kind == Kind::kList) entry->items = parse_list(entry->text);
    }
    out.settings.entries_[key.name] = std::move(entry);
  }
  for (const auto& [name, value] : given) {
    const auto has = [&name = name](const std::string& prefix) { return name.starts_with(prefix); };
    if (std::any_of(prefixes_.begin(), prefixes_.end(), has))
      out.settings.prefixed_.emplace(name, value);
  }
  out.unknown = unknown_keys(given);
  return out;
}

Checked Definition::check_strictly(const Map& given) const {
  Checked out = check(given);
  for (const std::string& name : out.unknown) {
    out.problems.push_back({name, "Unknown configuration " + name + near(name)});
  }
  return out;
}

std::string Definition::near(std::string_view name) const {
  const Key* best = nullptr;
  std::size_t best_distance = 3;
  for (const Key& key : keys_) {
    if (const std::size_t d = distance(name, key.name); d < best_distance) {
      best = &key;
      best_distance = d;
    }
  }
  return best == nullptr ? std::string(".") : "; did you mean " + best->name + "?";
}

Map Definition::shown(const Settings& settings) const {
  Map out;
  for (const Key& key : keys_) out.emplace(key.name, settings.shown(key.name));
  return out;
}

std::vector<std::string> Definition::unknown_keys(const Map& given) const {
  std::vector<std::string> out;
  for (const auto& [name, value] : given) {
    const auto has = [&name = name](const std::string& prefix) { return name.starts_with(prefix); };
    if (find(name) == nullptr && std::none_of(prefixes_.begin(), prefixes_.end(), has))
      out.push_back(name);
  }
  return out;
}

}  // namespace penstock::config
