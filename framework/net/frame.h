#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>

#include "framework/base/bytes.h"
#include "framework/base/unique_function.h"

namespace penstock::net {

/// How many bytes of request frames one shard may hold at a time. A frame is charged in steps, as
/// its bytes arrive. Small frames get in beside what waits; bigger ones wait in turn. One frame at
/// a time may grow beside the budget: an oversize one, else the first that waits, so that nothing
/// starves. The shard thus holds at most: the budget twice (half of it small frames), one frame of
/// the largest size, and one small frame a connection.
class FrameBudget {
 public:
  static constexpr std::size_t kSmallBytes = 64 << 10;

  /// What one frame holds of the budget, and its place in the queue.
  struct Claim {
    std::size_t length = 0;  // of the whole frame
    bool alone = false;      // no other request of its connection is under way
    std::uint64_t charged = 0;
    bool beside = false;       // grows beside the budget
    std::uint64_t ticket = 0;  // 0: does not wait
  };

  explicit FrameBudget(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
  /// Charges the next `bytes` of a frame. False: it waits for its turn, and should ask again when
  /// on_room is called. Owner shard only.
  [[nodiscard]] bool try_take(Claim& claim, std::uint64_t bytes);
  /// The frame of `claim` waits no longer. Owner shard only.
  void leave(Claim& claim);
  /// Returns what `claim` holds. Any thread. Calls `on_room` (set once, before use) when somebody
  /// was refused since the last call.
  void give_back(const Claim& claim);
  void set_on_room(UniqueFunction<void()> on_room) { on_room_ = std::move(on_room); }
  [[nodiscard]] std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] bool fits(const Claim& claim, std::uint64_t bytes) const;
  [[nodiscard]] bool try_once(Claim& claim, std::uint64_t bytes);
  [[nodiscard]] bool take_beside(Claim& claim);
  [[nodiscard]] bool is_oversize(const Claim& claim) const {
    return claim.length > bytes_max_ / 2 && claim.length > kSmallBytes;
  }
  std::set<std::uint64_t>& queue_of(const Claim& claim);

  const std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> used_{0};
  std::atomic<bool> beside_taken_{false};
  std::atomic<bool> refused_{false};
  UniqueFunction<void()> on_room_;
  // Owner shard only.
  std::uint64_t last_ticket_ = 0;
  std::set<std::uint64_t> for_budget_;  // frames that wait for room, by their tickets
  std::set<std::uint64_t> for_beside_;  // oversize frames that wait to be the one beside
};

/// One request as it came from the socket, without its length. Copies share the bytes; the last one
/// gives them back to the budget, on whichever thread it dies. The bytes may be changed in place by
/// the one handler that works on them.
class Frame {
 public:
  Frame() = default;

  [[nodiscard]] ByteSpan bytes() const {
    return data_ ? ByteSpan(data_->bytes, data_->claim.length) : ByteSpan();
  }
  explicit operator bool() const { return data_ != nullptr; }
  void reset() { data_.reset(); }

 private:
  friend class FrameUnderWay;
  struct Data {
    std::byte* bytes = nullptr;  // of malloc, so that it can grow without a copy
    std::size_t capacity = 0;
    FrameBudget::Claim claim;
    std::shared_ptr<FrameBudget> budget;
    Data() = default;
    ~Data();
    Data(const Data&) = delete;
    Data& operator=(const Data&) = delete;
  };
  std::shared_ptr<const Data> data_;
};

/// A frame that is still arriving. Its memory and its share of the budget follow the bytes, not the
/// length that was announced. Owner shard only.
class FrameUnderWay {
 public:
  enum class Growth : std::uint8_t { kDone, kWait, kNoMemory };

  void begin(std::size_t length, std::shared_ptr<FrameBudget> budget);
  /// Makes room for more bytes when what there is has been filled. `alone`: see Claim.
  [[nodiscard]] Growth grow(bool alone);
  /// To be filled from the front. Empty when grow() is due, or the frame is whole.
  [[nodiscard]] ByteSpan room() const;
  void filled(std::size_t bytes) { filled_ += bytes; }
  /// Whether room() reaches to the end of the frame.
  [[nodiscard]] bool last_step() const { return granted_ == data_->claim.length; }
  [[nodiscard]] bool whole() const { return filled_ == data_->claim.length; }
  [[nodiscard]] std::size_t length() const { return data_->claim.length; }
  [[nodiscard]] std::size_t received() const { return filled_; }
  /// Where it waits for room: lower comes first. 0: it does not.
  [[nodiscard]] std::uint64_t ticket() const { return data_ ? data_->claim.ticket : 0; }
  Frame finish();
  void reset();
  explicit operator bool() const { return data_ != nullptr; }

 private:
  static constexpr std::size_t kStepBytesMax = 1 << 20;
  std::unique_ptr<Frame::Data> data_;
  std::size_t granted_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace penstock::net
