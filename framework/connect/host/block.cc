#include "framework/connect/host/block.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace penstock::host {
namespace {

constexpr std::size_t kFirstSlab = 64 * 1024;
constexpr std::size_t kSlabMax = 1024 * 1024;
constexpr std::size_t kFirstRecords = 256;

}  // namespace

HostBlock::HostBlock(BlockLimits limits) { set_limits(limits); }

HostBlock::~HostBlock() { std::free(records_); }

void HostBlock::set_limits(BlockLimits limits) {
  limits_ = limits;
  soft_records_ = limits.soft_records;
  soft_bytes_ = limits.soft_bytes;
}

void HostBlock::reset() {
  count_ = 0;
  used_ = 0;
#if defined(__SANITIZE_ADDRESS__)
  const std::size_t keep =
      0;  // a view that outlives its block becomes a use after free that the sanitizer reports
#else
  const std::size_t keep = 2 * std::max(soft_bytes_, kFirstSlab);
#endif
  while (!slabs_.empty() && held_ > keep) {
    held_ -= slabs_.back().size;
    slabs_.pop_back();
  }
  next_ = 0;
  at_ = end_ = nullptr;
  if (!slabs_.empty()) {
    at_ = slabs_[0].memory.get();
    end_ = at_ + slabs_[0].size;
    next_ = 1;
  }
}

void* HostBlock::grow(std::size_t size) {
  for (std::size_t i = next_; i < slabs_.size(); ++i) {
    if (slabs_[i].size < size) continue;
    std::swap(slabs_[next_], slabs_[i]);
    at_ = slabs_[next_].memory.get();
    end_ = at_ + slabs_[next_].size;
    ++next_;
    char* out = at_;
    at_ += size;
    return out;
  }
  if (held_ > limits_.hard_bytes || size > limits_.hard_bytes - held_) throw std::bad_alloc();
  const std::size_t usual = std::clamp(held_, kFirstSlab, kSlabMax);
  Slab slab;
  slab.size = std::max(usual, size);
  slab.memory.reset(new char[slab.size]);
  held_ += slab.size;
  slabs_.push_back(std::move(slab));
  std::swap(slabs_[next_], slabs_.back());
  char* out = slabs_[next_].memory.get();
  // A large value gets a slab of its own; the current one stays in use when it has more room left.
  const std::size_t rest = slabs_[next_].size - size;
  if (rest >= static_cast<std::size_t>(end_ - at_)) {
    at_ = out + size;
    end_ = at_ + rest;
  }
  ++next_;
  return out;
}

void HostBlock::grow_records() {
  const std::size_t capacity = capacity_ == 0 ? kFirstRecords : capacity_ * 2;
  void* larger = std::realloc(static_cast<void*>(records_), capacity * sizeof(Record));
  if (larger == nullptr) throw std::bad_alloc();
  records_ = static_cast<Record*>(larger);
  capacity_ = capacity;
}

void HostBlock::scribble() {
  for (const Slab& slab : slabs_) std::memset(slab.memory.get(), 0xDD, slab.size);
}

}  // namespace penstock::host
