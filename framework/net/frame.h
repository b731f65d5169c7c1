#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "framework/base/bytes.h"
#include "framework/base/unique_function.h"

namespace penstock::net {

/// How many bytes of request frames one shard may hold at a time. One frame is always admitted, whatever its size.
class FrameBudget {
 public:
  explicit FrameBudget(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
  /// Owner shard only.
  [[nodiscard]] bool try_take(std::uint64_t bytes);
  /// Any thread. Calls `on_room` (set once, before use) when somebody was refused since the last call.
  void give_back(std::uint64_t bytes);
  void set_on_room(UniqueFunction<void()> on_room) { on_room_ = std::move(on_room); }
  [[nodiscard]] std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> used_{0};
  std::atomic<bool> refused_{false};
  UniqueFunction<void()> on_room_;
};

/// One request as it came from the socket, without its length. Copies share the bytes; the last one gives them back to the
/// budget, on whichever thread it dies. The bytes may be changed in place by the one handler that works on them.
class Frame {
 public:
  Frame() = default;
  /// The bytes are not initialised. `budget` has admitted them; nullptr: not counted.
  static Frame allocate(std::size_t size, std::shared_ptr<FrameBudget> budget);

  [[nodiscard]] ByteSpan bytes() const { return data_ ? ByteSpan(data_->bytes.get(), data_->size) : ByteSpan(); }
  explicit operator bool() const { return data_ != nullptr; }
  void reset() { data_.reset(); }

 private:
  struct Data {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
    std::shared_ptr<FrameBudget> budget;
    Data(std::size_t n, std::shared_ptr<FrameBudget> b);
    ~Data();
    Data(const Data&) = delete;
    Data& operator=(const Data&) = delete;
  };
  std::shared_ptr<const Data> data_;
};

}  // namespace penstock::net
