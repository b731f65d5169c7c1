#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "framework/connect/convert/byte_arena.h"
#include "framework/connect/host/block.h"
#include "framework/rdkafka/producer.h"

namespace penstock::connect {

/// One polled Block with its converted bytes, from poll() until every record is acknowledged. Never
/// moves.
struct Flight {
  /// A produced record; its address is the producer's opaque.
  struct Slot {
    Flight* flight = nullptr;
    bool dead_letter = false;
    bool delivered = false;
  };
  explicit Flight(host::BlockLimits limits) : block(limits) {}

  host::HostBlock block;
  ByteArena bytes;
  std::vector<Slot> slots;  // one a record, and behind them one for its dead letter; never resized
                            // while in flight
  std::size_t pending = 0;  // produced, not reported
  bool sealed = false;      // all of the block was handed to the producer
  [[nodiscard]] std::size_t held() const {
    return block.bytes() + block.size() * sizeof(Record) + bytes.capacity();
  }
};

/// Blocks in flight, in the order they were polled: an offset passes only when all before it are
/// acknowledged. One thread.
class Flights final : public rdkafka::DeliveryListener {
 public:
  struct Failure {
    Flight* flight = nullptr;
    std::size_t record = 0;
    bool dead_letter = false;
    std::string why;
  };
  explicit Flights(host::BlockLimits limits) : limits_(limits) {}

  /// An empty flight, behind all others; reused where possible.
  Flight& next();
  /// Takes back the last next(), whose poll() gave nothing.
  void drop_last();
  /// The oldest flight when it is sealed and acknowledged; nullptr otherwise.
  Flight* done();
  void retire();  // done()'s flight
  [[nodiscard]] bool empty() const { return active_.empty(); }
  [[nodiscard]] std::size_t held() const;
  /// What could not be delivered since the last call. Each such record still counts as pending
  /// until settle().
  std::vector<Failure> take_failures() { return std::exchange(failures_, {}); }
  static void settle(Flight& flight) { --flight.pending; }
  [[nodiscard]] bool fatal() const { return fatal_; }

  void delivered(const rdkafka::Delivery& delivery) override;

 private:
  host::BlockLimits limits_;
  std::deque<std::unique_ptr<Flight>> active_;
  std::vector<std::unique_ptr<Flight>> idle_;
  std::vector<Failure> failures_;
  bool fatal_ = false;
};

}  // namespace penstock::connect
