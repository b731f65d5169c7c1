#include "framework/connect/task/plugin_call.h"

#include <time.h>

#include <cstdint>

namespace penstock::connect {
namespace {

std::int64_t monotonic_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

CallScope::CallScope(TaskPage& page, PluginCall call) : page_(page) {
  begin_call(page_, call, monotonic_ms());
}
CallScope::CallScope(TaskPage& page, std::string_view topic, std::int32_t partition,
                     std::int64_t first, std::int64_t last)
    : page_(page) {
  begin_put(page_, monotonic_ms(), topic, partition, first, last);
}
CallScope::~CallScope() { end_call(page_, monotonic_ms()); }

}  // namespace penstock::connect
