#pragma once
// The one function through which plugin code is called. No exception gets past it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::plugin {

enum class Outcome : std::uint8_t {
  kOk,
  kRetriable,    // RetriableError: make the same call again, with backoff
  kRecordError,  // RecordError: record `index` of the call is bad
  kFailed,       // anything else
};

struct CallResult {
  Outcome outcome = Outcome::kOk;
  std::size_t index = 0;
  std::string text;  // "connector flights task 0: poll: database is locked"

  explicit operator bool() const { return outcome == Outcome::kOk; }
};

/// Whose code is called. `task` below 0: the connector itself.
struct Caller {
  std::string_view connector;
  int task = -1;
};

/// Longer texts of plugins are cut.
inline constexpr std::size_t kErrorTextMax = 4096;

/// What the exception being handled means. Inside a catch block only.
CallResult classify_current_exception(const Caller& caller, std::string_view call) noexcept;

/// Runs `code`, which makes one call into a plugin: call_plugin({"flights", 0}, "poll", [&] { more
/// = task->poll(block); }).
template <class Code>
[[nodiscard]] CallResult call_plugin(const Caller& caller, std::string_view call,
                                     Code&& code) noexcept {
  try {
    std::forward<Code>(code)();
    return {};
  } catch (...) {
    return classify_current_exception(caller, call);
  }
}

}  // namespace penstock::plugin
