#include "broker/last_words.h"

#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace penstock::broker {

namespace {

// Nothing here may allocate or lock: memory may be what there was none of.
[[noreturn]] void say_why_and_abort() noexcept {
  char thread[16] = "?";
  pthread_getname_np(pthread_self(), thread, sizeof thread);
  const char* what = "no exception";
  try {
    if (std::current_exception()) throw;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "penstock-broker: an exception ends the process: thread %s: %s\n", thread,
                 error.what());
    std::abort();
  } catch (...) {
    what = "not a std::exception";
  }
  std::fprintf(stderr, "penstock-broker: an exception ends the process: thread %s: %s\n", thread,
               what);
  std::abort();
}

}  // namespace

void install_last_words() { std::set_terminate(say_why_and_abort); }

}  // namespace penstock::broker
