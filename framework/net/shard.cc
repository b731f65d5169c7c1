#include "framework/net/shard.h"

#include <boost/asio/post.hpp>
#include <string>
#include <utility>

#include <pthread.h>

#include "framework/base/assert.h"
#include "framework/net/shard_impl.h"

namespace penstock::net {

Shard::Shard(int index) : impl_(std::make_unique<Impl>(index)) {
  impl_->guard.emplace(impl_->io.get_executor());
}

Shard::~Shard() { stop(); }

int Shard::index() const { return impl_->index; }

bool Shard::here() const { return std::this_thread::get_id() == impl_->runs_on.load(); }

void Shard::post(UniqueFunction<void()> work) { boost::asio::post(impl_->io, std::move(work)); }

Shard::TimerId Shard::after(std::int64_t delay_ms, UniqueFunction<void()> work) {
  const auto when = std::chrono::steady_clock::now() + std::chrono::milliseconds(delay_ms);
  const TimerId id = ++impl_->last_id;
  impl_->by_id.emplace(id, impl_->timers.emplace(when, std::pair(id, std::move(work))));
  if (when < impl_->armed_for) impl_->arm();
  return id;
}

void Shard::cancel(TimerId id) {
  const auto found = impl_->by_id.find(id);
  if (found == impl_->by_id.end()) return;
  impl_->timers.erase(found->second);
  impl_->by_id.erase(found);
}

void Shard::Impl::arm() {
  armed_for = timers.empty() ? Time::max() : timers.begin()->first;
  if (timers.empty()) return;
  alarm.expires_at(armed_for);
  alarm.async_wait([this](const boost::system::error_code& error) {
    if (!error) fire();
  });
}

void Shard::Impl::fire() {
  const auto now = std::chrono::steady_clock::now();
  while (!timers.empty() && timers.begin()->first <= now) {
    auto work = std::move(timers.begin()->second.second);
    by_id.erase(timers.begin()->second.first);
    timers.erase(timers.begin());
    work();
  }
  arm();
}

void Shard::start() {
  PENSTOCK_ASSERT(!impl_->thread.joinable());
  impl_->thread = std::thread([this] {
    impl_->runs_on = std::this_thread::get_id();
    pthread_setname_np(pthread_self(), ("shard-" + std::to_string(impl_->index)).c_str());
    impl_->io.run();
  });
}

void Shard::stop() {
  impl_->guard.reset();
  impl_->io.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace penstock::net
