#pragma once
// Configuration as data: a plugin declares its keys in its descriptor, so that they are listed,
// validated and documented without running any of its code.

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>

namespace penstock {

/// One setting. All text is static: it lives as long as the plugin is loaded.
struct ConfigKey {
  enum Kind : std::uint8_t {
    kString,
    kPassword,
    kInt,
    kLong,
    kDouble,
    kBool,
    kList,      // comma-separated; spaces around items are dropped
    kDuration,  // milliseconds as a plain number (Kafka's *.ms), or with a unit: 250ms, 5s, 2m, 1h,
                // 7d
    kBytes,     // bytes as a plain number, or with a unit: 64KiB, 1MiB, 1GiB
  };
  enum Importance : std::uint8_t { kHigh, kMedium, kLow };

  Kind kind = kString;
  const char* name = nullptr;
  const char* fallback = nullptr;  // as the user would type it; nullptr: required
  const char* doc = nullptr;
  const char* one_of = nullptr;   // "bulk|incrementing|timestamp"; for kList each item must be one
  const char* pattern = nullptr;  // ECMAScript regular expression that the whole value must match
  double min = 0,
         max =
             0;  // both 0: no bounds; max below min: no upper bound. Numbers, durations (ms), bytes
  const char* when =
      nullptr;  // "mode=timestamp|timestamp+incrementing": visible and required only then
  Importance importance = kMedium;
  const char* group = nullptr;  // heading in documents and UIs; nullptr: "Connector"
};

/// A validated configuration: every declared key has a value (its own or the fallback), of the
/// declared kind. A key that was left out and has no fallback (its `when` does not hold) or an
/// empty one reads as "", 0, false, {}. Asking for an undeclared key, or for a kind that the key
/// does not have, is a defect of the plugin: throws std::logic_error. Any thread; lives as long as
/// the call it was given to, except for start(): until the task ends.
class Config {
 public:
  virtual ~Config() = default;
  /// The value as text; passwords in clear. Empty when the key is optional with an empty fallback.
  [[nodiscard]] virtual std::string_view text(std::string_view key) const = 0;
  /// kInt, kLong; kDuration in milliseconds; kBytes in bytes.
  [[nodiscard]] virtual std::int64_t number(std::string_view key) const = 0;
  [[nodiscard]] virtual double real(std::string_view key) const = 0;
  [[nodiscard]] virtual bool flag(std::string_view key) const = 0;
  /// kList. Valid as long as the Config.
  [[nodiscard]] virtual std::span<const std::string_view> list(std::string_view key) const = 0;
  /// True when the user set it, rather than the fallback.
  [[nodiscard]] virtual bool given(std::string_view key) const = 0;
};

/// Where Connector::validate() puts what it finds; all problems at once.
class Problems {
 public:
  virtual ~Problems() = default;
  /// `text` says what is wrong with `key` and what to do.
  virtual void add(std::string_view key, std::string_view text) = 0;
};

}  // namespace penstock
