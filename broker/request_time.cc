#include "broker/request_time.h"

#include <algorithm>

#include "broker/broker.h"
#include "broker/client_quotas.h"

namespace penstock::broker {

namespace {
thread_local RequestTime::Part* running = nullptr;  // the innermost of this thread
}

std::shared_ptr<RequestTime> RequestTime::of(Broker& broker, std::string client_id) {
  if (!broker.quotas().limits_time()) return nullptr;
  return std::make_shared<RequestTime>(broker, std::move(client_id));
}

std::shared_ptr<RequestTime> RequestTime::current() {
  return running == nullptr ? nullptr : running->request_;
}

std::int32_t RequestTime::charge() {
  charged_ = true;
  if (running != nullptr && running->request_.get() == this) running->pause();
  return std::min(count(), kThrottleMsMax);
}

std::int32_t RequestTime::count() {
  const std::int64_t ns = uncounted_ns_.exchange(0);
  return broker_.quotas().charge_time(client_id_, ns, broker_.clock().steady_ms());
}

/// Nested parts are measured by themselves: the outer one stands still meanwhile.
RequestTime::Part::Part(std::shared_ptr<RequestTime> request) : request_(std::move(request)) {
  if (!request_) return;
  outer_ = running;
  if (outer_ != nullptr) outer_->pause();
  running = this;
  from_ns_ = request_->broker_.clock().steady_ns();
}

/// Hands over what was measured so far and begins anew.
void RequestTime::Part::pause() {
  const std::int64_t now_ns = request_->broker_.clock().steady_ns();
  request_->uncounted_ns_ += now_ns - from_ns_;
  from_ns_ = now_ns;
}

RequestTime::Part::~Part() {
  if (!request_) return;
  pause();
  running = outer_;
  if (outer_ != nullptr) outer_->from_ns_ = from_ns_;
  if (request_->charged_) request_->count();
}

}  // namespace penstock::broker
