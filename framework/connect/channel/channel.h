#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/unique_fd.h"
#include "framework/connect/channel/messages.h"

namespace penstock::connect {

inline constexpr int kRunnerChannelFd = 3;
inline constexpr int kRunnerPagesFd = 4;

/// Messages over one stream socket, without ever blocking. One thread. After any error the channel
/// is dead: close it.
class Channel {
 public:
  static constexpr std::size_t kOutboxBytesMax = 8 * kFrameBytesMax;
  static constexpr std::size_t kMessagesPerReceiveMax = 256;

  /// Takes the descriptor over and makes it non-blocking.
  explicit Channel(UniqueFd fd);
  /// Two ends of a new socketpair, both close-on-exec.
  static Result<std::pair<UniqueFd, UniqueFd>> make_pair();

  /// Queues one message and writes what the socket takes. kTooLarge: this message is too long, the
  /// channel goes on; kBusy: the peer has not read for kOutboxBytesMax; kUnavailable: the peer is
  /// gone.
  Status send(const Envelope& envelope);
  /// Writes more of the queue. kUnavailable: the peer is gone.
  Status flush();
  /// All messages that can be read without waiting, at most kMessagesPerReceiveMax; more may be
  /// there when that many came. Errors, given only after all earlier messages were handed out:
  /// kUnavailable when the peer closed, kInvalid when it sent something that is no message.
  Result<std::vector<Envelope>> receive();

  [[nodiscard]] bool wants_write() const { return sent_ < outbox_.size(); }
  /// True when receive() would hand out messages that are already in memory: do not wait for the
  /// socket first.
  [[nodiscard]] bool has_buffered() const;
  [[nodiscard]] int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }

 private:
  Status fill();
  UniqueFd fd_;
  std::string outbox_;
  std::size_t sent_ = 0;
  std::string inbox_;
  std::size_t taken_ = 0;
  std::optional<Error> failed_;
};

}  // namespace penstock::connect
