#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace penstock {

/// What kind of failure it is; the text says what happened, where, and what to do.
enum class Errc : std::uint8_t {
  kInvalid,  // the caller's input or setting is wrong
  kNotFound,
  kExists,
  kCorrupt,      // bytes that were once right are not
  kStorageFull,  // no space; reads and deletes go on
  kIo,           // the operating system refused
  kOffline,      // this log or directory was given up; restart or repair
  kOutOfRange,   // offset below the start or beyond the end
  kTooLarge,     // a named limit was passed
  kUnsupported,
  kTimeout,
  kBusy,  // somebody else holds it
  kCancelled,
  kUnavailable,  // a peer is not there now; trying again may help
  kConflict,     // state changed underneath; read it again
};

/// Stable lower-case name, e.g. "storage full".
std::string_view to_string(Errc code);

struct Error {
  Errc code = Errc::kInvalid;
  std::string text;

  /// The same failure with "`where`: " in front, added once, where the context is known.
  [[nodiscard]] Error in(std::string_view where) const;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] tl::unexpected<Error> fail(Errc code, std::string text);
/// `what` plus the text of errno `number`; ENOSPC and EDQUOT give kStorageFull, ENOENT kNotFound,
/// else kIo.
[[nodiscard]] tl::unexpected<Error> fail_errno(int number, std::string_view what);

}  // namespace penstock

// Returns the error of `expression` from the enclosing function, or goes on.
#define PENSTOCK_RETURN_IF_ERROR(expression)                                                \
  do {                                                                                      \
    auto penstock_status_ = (expression);                                                   \
    if (!penstock_status_) return tl::make_unexpected(std::move(penstock_status_).error()); \
  } while (false)

#define PENSTOCK_CONCAT_INNER_(a, b) a##b
#define PENSTOCK_CONCAT_(a, b) PENSTOCK_CONCAT_INNER_(a, b)
// PENSTOCK_ASSIGN_OR_RETURN(auto file, open(path)); binds the value or returns the error.
#define PENSTOCK_ASSIGN_OR_RETURN(declaration, expression)                                       \
  auto PENSTOCK_CONCAT_(penstock_result_, __LINE__) = (expression);                              \
  if (!PENSTOCK_CONCAT_(penstock_result_, __LINE__))                                             \
    return tl::make_unexpected(std::move(PENSTOCK_CONCAT_(penstock_result_, __LINE__)).error()); \
  declaration = std::move(*PENSTOCK_CONCAT_(penstock_result_, __LINE__))
