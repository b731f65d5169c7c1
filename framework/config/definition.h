#pragma once
// Settings as data: what may be set, and the check of what was set. All problems are found at once.
// The texts are those of Kafka's ConfigDef, because Connect users and tools read them.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/error.h"

namespace penstock::config {

using Map = std::map<std::string, std::string, std::less<>>;

enum class Kind : std::uint8_t {
  kString,
  kPassword,
  kInt,
  kLong,
  kDouble,
  kBool,
  kList,      // comma-separated; spaces around items are dropped
  kDuration,  // milliseconds, or with a unit: 250ms, 5s, 2m, 1h, 7d
  kBytes,     // bytes, or with a unit: 64KiB, 1MiB, 1GiB
};
enum class Importance : std::uint8_t { kHigh, kMedium, kLow };

/// Kafka's name of a kind, as Connect's REST API shows it: STRING, PASSWORD, INT, ...; durations
/// and bytes are LONG.
std::string_view to_string(Kind kind);
std::string_view to_string(Importance importance);

struct Key {
  std::string name;
  Kind kind = Kind::kString;
  std::optional<std::string> fallback =
      {};  // as the user would type it; nullopt: required; "": may be left out
  std::string doc = {};
  std::string one_of = {};   // "a|b"; for kList each item must be one
  std::string pattern = {};  // ECMAScript regular expression for the whole value
  double min = 0, max = 0;   // both 0: no bounds; max < min: no upper bound. Numbers, ms, bytes
  std::string when = {};     // "mode=a|b": visible and required only then
  Importance importance = Importance::kMedium;
  std::string group = {};  // "" is "Connector" in documents
};

struct Problem {
  std::string key;
  std::string text;  // a whole sentence that names the setting; never a password
  bool operator==(const Problem&) const = default;
};

/// One text for all problems, one line each.
std::string join(std::span<const Problem> problems);

/// Checked values. Every declared key has one; a key that was left out and has no fallback reads as
/// "", 0, false, {}. Asking for an undeclared key or for another kind is a defect of the caller:
/// throws std::logic_error. Immutable; any thread.
class Settings {
 public:
  Settings() = default;
  Settings(Settings&&) = default;
  Settings& operator=(Settings&&) = default;

  /// Any kind, as it was typed; passwords in clear.
  [[nodiscard]] std::string_view text(std::string_view key) const;
  /// kInt, kLong; kDuration in ms; kBytes in bytes.
  [[nodiscard]] std::int64_t number(std::string_view key) const;
  /// kDouble, and any number.
  [[nodiscard]] double real(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key) const;
  /// kList. Valid as long as the Settings.
  [[nodiscard]] std::span<const std::string_view> list(std::string_view key) const;
  /// Set by the user, rather than the fallback.
  [[nodiscard]] bool given(std::string_view key) const;
  /// Its `when` holds, or it has none.
  [[nodiscard]] bool visible(std::string_view key) const;
  /// For logs and REST: the text, or "[hidden]" for a password that is not empty.
  [[nodiscard]] std::string_view shown(std::string_view key) const;
  /// What was given under a declared prefix, the prefix taken off.
  [[nodiscard]] Map under(std::string_view prefix) const;

 private:
  friend class Definition;
  struct Entry {
    Kind kind = Kind::kString;
    std::string text;
    std::int64_t number = 0;
    double real = 0;
    bool flag = false;
    bool given = false;
    bool visible = true;
    std::vector<std::string_view> items;  // of text
  };
  [[nodiscard]] const Entry& at(std::string_view key) const;

  std::map<std::string, std::unique_ptr<Entry>, std::less<>>
      entries_;  // entries never move: items point into text
  Map prefixed_;
};

struct Checked {
  Settings settings;  // complete only when there are no problems
  std::vector<Problem> problems;
  std::vector<std::string> unknown;  // names that no key and no prefix knows
};

class Definition {
 public:
  /// `prefixes` ("producer.") name whole families of settings that are passed on unchecked.
  explicit Definition(std::vector<Key> keys, std::vector<std::string> prefixes = {});

  [[nodiscard]] std::span<const Key> keys() const { return keys_; }
  [[nodiscard]] const Key* find(std::string_view name) const;
  /// What is wrong with the definition itself: duplicate names, a fallback that its own rules
  /// refuse, ... Empty: sound.
  [[nodiscard]] std::vector<Problem> defects() const;

  /// Checks `given`. Unknown names are listed, and are problems only in check_strictly().
  [[nodiscard]] Checked check(const Map& given) const;
  [[nodiscard]] Checked check_strictly(const Map& given) const;
  /// One value against its key, for REST answers and editors; nullopt: fine.
  [[nodiscard]] static std::optional<Problem> check_value(const Key& key, std::string_view value);

  /// Declared keys with their values, passwords as "[hidden]": what a program may print at its
  /// start.
  [[nodiscard]] Map shown(const Settings& settings) const;
  [[nodiscard]] std::vector<std::string> unknown_keys(const Map& given) const;

 private:
  [[nodiscard]] std::string near(std::string_view name) const;

  std::vector<Key> keys_;
  std::vector<std::string> prefixes_;
};

}  // namespace penstock::config
