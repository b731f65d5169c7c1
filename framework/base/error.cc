#include "framework/base/error.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace penstock {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::kInvalid:
      return "invalid";
    case Errc::kNotFound:
      return "not found";
    case Errc::kExists:
      return "exists";
    case Errc::kCorrupt:
      return "corrupt";
    case Errc::kStorageFull:
      return "storage full";
    case Errc::kIo:
      return "input/output error";
    case Errc::kOffline:
      return "offline";
    case Errc::kOutOfRange:
      return "out of range";
    case Errc::kTooLarge:
      return "too large";
    case Errc::kUnsupported:
      return "unsupported";
    case Errc::kTimeout:
      return "timeout";
    case Errc::kBusy:
      return "busy";
    case Errc::kCancelled:
      return "cancelled";
    case Errc::kUnavailable:
      return "unavailable";
    case Errc::kConflict:
      return "conflict";
  }
  return "unknown";
}

Error Error::in(std::string_view where) const {
  std::string joined;
  joined.reserve(where.size() + 2 + text.size());
  joined.append(where).append(": ").append(text);
  return Error{code, std::move(joined)};
}

tl::unexpected<Error> fail(Errc code, std::string text) {
  return tl::unexpected<Error>(Error{code, std::move(text)});
}

tl::unexpected<Error> fail_errno(int number, std::string_view what) {
  Errc code = Errc::kIo;
  if (number == ENOSPC || number == EDQUOT || number == EFBIG) code = Errc::kStorageFull;
  if (number == ENOENT) code = Errc::kNotFound;
  if (number == EEXIST) code = Errc::kExists;
  return fail(code, std::string(what) + ": " + std::strerror(number));
}

}  // namespace penstock
