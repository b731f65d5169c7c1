#include "framework/connect/task/flights.h"

#include <utility>

namespace penstock::connect {
namespace {
constexpr std::size_t kIdleMax = 2;
}

Flight& Flights::next() {
  std::unique_ptr<Flight> flight;
  if (idle_.empty()) {
    flight = std::make_unique<Flight>(limits_);
  } else {
    flight = std::move(idle_.back());
    idle_.pop_back();
  }
  active_.push_back(std::move(flight));
  return *active_.back();
}

void Flights::drop_last() {
  auto flight = std::move(active_.back());
  active_.pop_back();
  flight->block.reset();
  flight->bytes.reset();
  flight->sealed = false;
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(flight));
}

Flight* Flights::done() {
  if (active_.empty() || !active_.front()->sealed || active_.front()->pending > 0) return nullptr;
  return active_.front().get();
}

void Flights::retire() {
  auto flight = std::move(active_.front());
  active_.pop_front();
  flight->block.reset();
  flight->bytes.reset();
  flight->slots.clear();
  flight->sealed = false;
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(flight));
}

std::size_t Flights::held() const {
  std::size_t out = 0;
  for (const auto& flight : active_) out += flight->held();
  return out;
}

void Flights::delivered(const rdkafka::Delivery& delivery) {
  auto* const slot = static_cast<Flight::Slot*>(delivery.opaque);
  if (delivery.ok) {
    slot->delivered = true;
    --slot->flight->pending;
    return;
  }
  if (delivery.fatal) {
    fatal_ = true;
    return;
  }
  Flight& flight = *slot->flight;
  const auto at = static_cast<std::size_t>(slot - flight.slots.data());
  failures_.push_back({&flight, at, slot->dead_letter, std::string(delivery.error)});
}

}  // namespace penstock::connect
