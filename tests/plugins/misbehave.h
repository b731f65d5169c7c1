#pragma once
// The ways in which the plugins of this folder go wrong, and where.

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "penstock/plugin.h"

namespace penstock::wrong {

enum class How { kThrow, kThrowInt, kRetriable, kRecordError, kCrash, kAbort, kHang, kExit, kLeak };
enum class Where {
  kConstructor,
  kStart,
  kPoll,
  kTick,
  kCommitted,
  kOpen,
  kPut,
  kFlush,
  kClose,
  kValidate,
  kTasks
};

/// Dies of the signal in an instrumented program too, which would report it and exit.
[[gnu::noinline, gnu::no_sanitize("address", "undefined", "thread")]] inline void crash() {
  std::signal(SIGSEGV, SIG_DFL);
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

[[gnu::noinline]] inline void misbehave(How how) {
  switch (how) {
    case How::kThrow:
      throw std::runtime_error("thrown on purpose");
    case How::kThrowInt:
      throw 42;
    case How::kRetriable:
      throw RetriableError("not there now");
    case How::kRecordError:
      throw RecordError(1, "bad on purpose");
    case How::kCrash:
      return crash();
    case How::kAbort:
      std::abort();
    case How::kHang:
      while (true) ::pause();
    case How::kExit:
      std::exit(0);
    case How::kLeak: {
      static std::vector<std::vector<char>> kept;
      kept.emplace_back(16UL * 1024 * 1024, 'x');
      return;
    }
  }
}

}  // namespace penstock::wrong
