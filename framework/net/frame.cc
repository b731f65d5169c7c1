#include "framework/net/frame.h"

#include <utility>

namespace penstock::net {

bool FrameBudget::try_take(std::uint64_t bytes) {
  // The owner is the only one who adds, so the sum cannot grow between the check and the addition.
  const std::uint64_t used = used_.load();
  if (used != 0 && used + bytes > bytes_max_) {
    refused_.store(true);
    if (used_.load() != 0) return false;  // what is still held wakes us when it is given back
    refused_.store(false);
  }
  used_.fetch_add(bytes);
  return true;
}

void FrameBudget::give_back(std::uint64_t bytes) {
  used_.fetch_sub(bytes);
  if (refused_.exchange(false) && on_room_) on_room_();
}

Frame::Data::Data(std::size_t n, std::shared_ptr<FrameBudget> b)
    : bytes(new std::byte[n]), size(n), budget(std::move(b)) {}

Frame::Data::~Data() {
  bytes.reset();
  if (budget) budget->give_back(size);
}

Frame Frame::allocate(std::size_t size, std::shared_ptr<FrameBudget> budget) {
  Frame frame;
  frame.data_ = std::make_shared<const Data>(size, std::move(budget));
  return frame;
}

}  // namespace penstock::net
