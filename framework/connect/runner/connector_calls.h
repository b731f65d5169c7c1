#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "framework/connect/channel/messages.h"
#include "framework/connect/channel/task_page.h"
#include "framework/connect/runner/outbox.h"
#include "penstock/descriptor.h"

namespace penstock::connect {

/// Calls into the plugin's connector class, one after the other on a thread of their own.
class ConnectorCalls {
 public:
  using Work = std::function<Message()>;
  /// `page` outlives this.
  ConnectorCalls(const ConnectorDescriptor& descriptor, TaskPage& page, Outbox& outbox);
  /// Waits for the call that runs now.
  ~ConnectorCalls();

  /// The answer goes to `question`.
  void post(const Envelope& question, Work work);

  Message validate(const ConfigMap& config, const ConfigMap& client, const std::string& connector);
  Message plan(const ConfigMap& config, int tasks_max, const std::string& connector);
  Message hook(const std::string& which, const ConfigMap& config, const std::string& connector);

 private:
  void run();
  struct Job {
    Envelope answer;
    Work work;
  };
  const ConnectorDescriptor& descriptor_;
  TaskPage& page_;
  Outbox& outbox_;
  std::mutex mutex_;  // guards the two below: posted on the channel's thread, taken on this one
  std::deque<Job> jobs_;
  bool closing_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace penstock::connect
