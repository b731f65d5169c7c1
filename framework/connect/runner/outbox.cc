#include "framework/connect/runner/outbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "framework/base/assert.h"

namespace penstock::connect {

Outbox::Outbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  PENSTOCK_ASSERT(event_.get() >= 0);
}

void Outbox::wake() const {
  const std::uint64_t one = 1;
  static_cast<void>(::write(event_.get(), &one, sizeof one) == 0);  // a full counter wakes as well
}

void Outbox::post(Item item) {
  {
    const std::lock_guard lock(mutex_);
    const auto* metrics = std::get_if<message::Metrics>(&item.envelope.body);
    if (metrics != nullptr) {
      for (auto& older : items_) {
        auto* same = std::get_if<message::Metrics>(&older.envelope.body);
        if (same == nullptr || same->task != metrics->task ||
            older.envelope.connector != item.envelope.connector)
          continue;
        older = std::move(item);
        return;
      }
    }
    items_.push_back(std::move(item));
  }
  wake();
}

std::deque<Outbox::Item> Outbox::take() {
  std::uint64_t count = 0;
  static_cast<void>(::read(event_.get(), &count, sizeof count) == 0);
  const std::lock_guard lock(mutex_);
  return std::exchange(items_, {});
}

}  // namespace penstock::connect
