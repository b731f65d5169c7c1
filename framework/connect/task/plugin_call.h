#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "framework/connect/channel/task_pages.h"
#include "framework/connect/plugin/guard.h"

namespace penstock::connect {

/// Writes the task page around a call, so that the worker sees a call that hangs or dies.
class CallScope {
 public:
  CallScope(TaskPage& page, PluginCall call);
  /// A put() of these records.
  CallScope(TaskPage& page, std::string_view topic, std::int32_t partition, std::int64_t first,
            std::int64_t last);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  TaskPage& page_;
};

/// One guarded call with its page entry. What leaves the plugin is in the result.
template <class Body>
plugin::CallResult call_on_page(TaskPage& page, const plugin::Caller& caller, PluginCall call,
                                Body&& body) {
  const CallScope scope(page, call);
  return plugin::call_plugin(caller, to_string(call), std::forward<Body>(body));
}

}  // namespace penstock::connect
