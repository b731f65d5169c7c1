#pragma once

namespace penstock {
/// Writes "file:line: assertion failed: condition" to stderr and aborts. Any thread.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace penstock

// A broken invariant of our own; on in release. Never for bytes from a socket, a file or a plugin.
#define PENSTOCK_ASSERT(condition)    \
  ((condition) ? static_cast<void>(0) \
               : ::penstock::assertion_failed(#condition, __FILE__, __LINE__))
