#pragma once
// The host's Block: one arena of slabs that are kept from reset to reset.

#include <cstddef>
#include <memory>
#include <vector>

#include "penstock/value.h"

namespace penstock::host {

struct BlockLimits {
  std::size_t soft_records = 10'000;  // full() from here on
  std::size_t soft_bytes = 4 * 1024 * 1024;
  std::size_t hard_bytes = 1024 * 1024 * 1024;  // beyond it allocation throws std::bad_alloc
};

class HostBlock final : public Block {
 public:
  explicit HostBlock(BlockLimits limits = {});
  ~HostBlock() override;

  /// Forgets all records; what they pointed to is gone. Keeps up to twice soft_bytes of slabs for
  /// the next use.
  void reset();
  void set_limits(BlockLimits limits);
  /// Memory held, used or not.
  [[nodiscard]] std::size_t held_bytes() const { return held_ + capacity_ * sizeof(Record); }
  /// Overwrites the arena with a pattern: tests find plugins that keep views. The block must be
  /// reset next.
  void scribble();

 private:
  struct Slab {
    std::unique_ptr<char[]> memory;
    std::size_t size = 0;
  };
  void* grow(std::size_t size) override;
  void grow_records() override;

  BlockLimits limits_;
  std::vector<Slab> slabs_;
  std::size_t next_ = 0;  // slabs_[next_..] are free
  std::size_t held_ = 0;
};

}  // namespace penstock::host
