#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::connect {

inline constexpr const char* kHidden = "[hidden]";

/// Values that may not be shown, and how a text is shown without them. One thread at a time.
class Secrets {
 public:
  void add(std::string value);
  /// `text` with each value replaced by [hidden]. Values of less than 4 characters only where they
  /// stand alone, as a word.
  [[nodiscard]] std::string masked(std::string text) const;

 private:
  std::vector<std::string> values_;  // longest first: one may hold another
};

}  // namespace penstock::connect
