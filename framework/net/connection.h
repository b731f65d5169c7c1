#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "framework/net/frame.h"
#include "framework/net/response.h"
#include "framework/net/shard.h"

namespace penstock::net {

struct ConnectionLimits {
  std::uint32_t frame_bytes_max = 100U << 20;
  std::size_t in_flight_max =
      64;  // requests read and not yet answered; then the socket is not read
  std::int64_t idle_ms_max =
      600'000;  // without a whole request, or without the peer taking any byte of an answer
  std::int64_t first_frame_ms_max = 30'000;  // from the connection to its first whole request
  std::int64_t frame_ms_max =
      30'000;  // for a frame to arrive once its first byte did, plus what frame_rate_min allows
  std::int64_t frame_rate_min =
      16 << 10;  // bytes a second: a sender that is as fast is never too slow
  std::uint64_t queued_bytes_max =
      64U << 20;  // of frames, over all shards; see FrameBudget for what passes beside
  std::uint64_t unsent_bytes_max =
      64U << 20;  // of answers in memory, a connection; beyond it the socket is not read
};

/// One client: frames with a 32-bit length in both directions. Answers leave in the order in which
/// their requests came. Owned by its shard; kept by shared_ptr, so that an answer may come late.
class Connection {
 public:
  virtual ~Connection() = default;
  [[nodiscard]] virtual Shard& shard() = 0;
  /// Address and port of the other side, e.g. "127.0.0.1:50112".
  [[nodiscard]] virtual const std::string& peer() const = 0;
  /// Address without the port.
  [[nodiscard]] virtual const std::string& peer_address() const = 0;
  /// Answers request `sequence`; exactly once per request. Any thread. After close() it does
  /// nothing.
  virtual void answer(std::uint64_t sequence, Response response) = 0;
  /// Request `sequence` gets no answer (Produce with acks=0). Any thread.
  virtual void answer_nothing(std::uint64_t sequence) = 0;
  /// Begins no more requests for `ms`; answers go out meanwhile. Shard's thread.
  virtual void pause_reading(std::int64_t ms) = 0;
  /// Closes at once; unsent answers are dropped. Any thread.
  virtual void close() = 0;
};

/// What lies behind a connection. All calls on the connection's shard.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  /// `sequence` counts the connection's frames from 0.
  virtual void on_frame(Frame frame, std::uint64_t sequence) = 0;
  /// The last call; the connection answers nothing more.
  virtual void on_closed() = 0;
};

}  // namespace penstock::net
