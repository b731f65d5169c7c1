#include "framework/net/frame.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "framework/base/assert.h"

namespace penstock::net {

bool FrameBudget::try_take(Claim& claim, std::uint64_t bytes) {
  if (!try_once(claim, bytes)) {
    if (claim.ticket == 0) {
      claim.ticket = ++last_ticket_;
      queue_of(claim).insert(claim.ticket);
    }
    // Whoever gives back from now on sees the flag; who did so just before is seen by the second
    // look.
    refused_.store(true);
    if (!try_once(claim, bytes)) return false;
  }
  leave(claim);
  return true;
}

bool FrameBudget::fits(const Claim& claim, std::uint64_t bytes) const {
  // The owner is the only one who adds, so the sum cannot grow between the check and the addition.
  const std::uint64_t used = used_.load();
  if (claim.length <= kSmallBytes)
    return claim.alone || used == 0 || used + bytes <= 2 * bytes_max_;
  const bool first = for_budget_.empty() || *for_budget_.begin() == claim.ticket;
  return first && used + bytes <= bytes_max_;
}

bool FrameBudget::try_once(Claim& claim, std::uint64_t bytes) {
  if (claim.beside) return true;
  // Past its first step an oversize frame takes nothing of the budget: it may come slowly, and hold
  // up nobody but its like.
  const bool beside_only = is_oversize(claim) && claim.charged > 0;
  if (!beside_only && fits(claim, bytes)) {
    claim.charged += bytes;
    used_.fetch_add(bytes);
    return true;
  }
  return claim.length > kSmallBytes && take_beside(claim);
}

bool FrameBudget::take_beside(Claim& claim) {
  const auto& queue = queue_of(claim);
  if (!queue.empty() && *queue.begin() != claim.ticket) return false;
  if (beside_taken_.exchange(true)) return false;
  claim.beside = true;
  return true;
}

// A claim stands in one queue from its ticket on: nothing is charged to it while it waits.
std::set<std::uint64_t>& FrameBudget::queue_of(const Claim& claim) {
  return is_oversize(claim) && claim.charged > 0 ? for_beside_ : for_budget_;
}

void FrameBudget::leave(Claim& claim) {
  if (claim.ticket == 0) return;
  for_budget_.erase(claim.ticket);
  for_beside_.erase(claim.ticket);
  claim.ticket = 0;
}

void FrameBudget::give_back(const Claim& claim) {
  used_.fetch_sub(claim.charged);
  if (claim.beside) beside_taken_.store(false);
  if (refused_.exchange(false) && on_room_) on_room_();
}

Frame::Data::~Data() {
  std::free(bytes);
  if (budget) budget->give_back(claim);
}

void FrameUnderWay::begin(std::size_t length, std::shared_ptr<FrameBudget> budget) {
  data_ = std::make_unique<Frame::Data>();
  data_->claim.length = length;
  data_->budget = std::move(budget);
  granted_ = filled_ = 0;
}

FrameUnderWay::Growth FrameUnderWay::grow(bool alone) {
  if (filled_ < granted_ || whole()) return Growth::kDone;
  const std::size_t step =
      std::min(length() - granted_, std::clamp(granted_, FrameBudget::kSmallBytes, kStepBytesMax));
  data_->claim.alone = alone;
  if (!data_->budget->try_take(data_->claim, step)) return Growth::kWait;
  if (granted_ + step > data_->capacity) {
    // Address space ahead of the bytes: pages that nothing was written to cost no memory.
    const std::size_t capacity = std::min(length(), std::max(2 * data_->capacity, kStepBytesMax));
    void* grown = std::realloc(data_->bytes, capacity);
    if (grown == nullptr) return Growth::kNoMemory;
    data_->bytes = static_cast<std::byte*>(grown);
    data_->capacity = capacity;
  }
  granted_ += step;
  return Growth::kDone;
}

ByteSpan FrameUnderWay::room() const { return ByteSpan(data_->bytes, granted_).subspan(filled_); }

Frame FrameUnderWay::finish() {
  PENSTOCK_ASSERT(whole());
  Frame frame;
  frame.data_ = std::shared_ptr<const Frame::Data>(std::move(data_));
  data_ = nullptr;
  return frame;
}

void FrameUnderWay::reset() {
  if (data_ && data_->budget) data_->budget->leave(data_->claim);
  data_.reset();
}

}  // namespace penstock::net
