#include "framework/connect/convert/byte_arena.h"

#include <algorithm>

namespace penstock::connect {

void ByteArena::grow(std::size_t size) {
  const auto partial = static_cast<std::size_t>(at_ - start_);
  const auto bytes = std::max(kSlabBytes, 2 * (partial + size));
  Slab slab{std::unique_ptr<char[]>(new char[bytes]), bytes};
  if (partial > 0) std::memcpy(slab.bytes.get(), start_, partial);
  start_ = slab.bytes.get();
  at_ = start_ + partial;
  end_ = start_ + bytes;
  capacity_ += bytes;
  slabs_.push_back(std::move(slab));
}

void ByteArena::reset() {
  const auto keep = std::find_if(slabs_.begin(), slabs_.end(),
                                 [](const Slab& s) { return s.size == kSlabBytes; });
  if (keep != slabs_.end()) {
    std::iter_swap(slabs_.begin(), keep);
    slabs_.resize(1);
    start_ = at_ = slabs_.front().bytes.get();
    end_ = start_ + kSlabBytes;
    capacity_ = kSlabBytes;
  } else {
    slabs_.clear();
    start_ = at_ = end_ = nullptr;
    capacity_ = 0;
  }
  used_ = 0;
}

}  // namespace penstock::connect
