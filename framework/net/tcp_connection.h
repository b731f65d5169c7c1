#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "framework/net/connection.h"

namespace penstock::net {

// Bound to io_context's own executor: the type-erased default costs more.
using Socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// What the connections of one shard share.
struct ConnectionContext {
  Shard& shard;
  const ConnectionLimits& limits;
  std::shared_ptr<FrameBudget> budget;
  std::function<void(UniqueFunction<void()>)>& run_blocking;
  const std::function<void(const FileRange&)>& on_short_file;
};

// Only for .cc files of this folder. Everything but answer(), answer_nothing() and close() on the
// shard's thread.
class TcpConnection final : public Connection, public std::enable_shared_from_this<TcpConnection> {
 public:
  TcpConnection(ConnectionContext& context, Socket socket, std::string address, std::string peer);

  Shard& shard() override { return context_.shard; }
  const std::string& peer() const override { return peer_; }
  const std::string& peer_address() const override { return address_; }
  void answer(std::uint64_t sequence, Response response) override;
  void answer_nothing(std::uint64_t sequence) override;
  void pause_reading(std::int64_t ms) override;
  void close() override;

  /// `on_gone` runs once, when the socket is closed.
  void start(std::unique_ptr<FrameSink> sink, std::function<void(TcpConnection*)> on_gone);
  /// Tries again what the budget or the in-flight bound held up.
  void resume_reading();
  /// Its place among the frames that wait for the budget, 0: none.
  [[nodiscard]] std::uint64_t ticket() const { return frame_.ticket(); }
  /// Closes when idle, or stuck, for too long.
  void check_idle(std::int64_t now_ms);
  /// Reads no more requests, and closes once the last answer left.
  void drain();
  [[nodiscard]] bool has_work() const { return !slots_.empty(); }
  void close_here();

 private:
  struct Slot {
    bool ready = false;
    bool silent = false;
    Response response;
  };
  enum class SendResult : std::uint8_t { kDone, kBlocked, kCold, kFailed };

  void read_more();
  void read_on();
  void wait_readable();
  ssize_t receive();
  void take_in(std::size_t bytes);
  bool take_frames();
  bool begin_frame();
  bool grow_frame();
  void deliver();
  void set_answer(std::uint64_t sequence, Slot slot);
  void schedule_send();
  void send();
  SendResult send_front();
  SendResult send_bytes(Slot& slot);
  SendResult send_file(const FileRange& range);
  void wait_writable();
  void warm_up(const FileRange& range, std::uint64_t length);
  [[nodiscard]] bool resident(const FileRange& range, std::uint64_t length) const;
  void advance(std::uint64_t bytes);
  void pop_front();

  static constexpr std::size_t kStagingBytes = 16 << 10;
  static constexpr std::size_t kReadTurnBytes =
      512 << 10;  // read before the answers leave and others on the shard get their turn
  static constexpr std::uint64_t kSendfilePieceBytes = 256 << 10;
  static constexpr std::uint64_t kTurnBytes =
      1 << 20;  // sent before others on the shard get their turn

  ConnectionContext& context_;
  Socket socket_;
  const std::string address_;
  const std::string peer_;
  std::unique_ptr<FrameSink> sink_;
  std::function<void(TcpConnection*)> on_gone_;
  std::atomic<bool> closed_ = false;  // changed on the shard; read by whoever answers
  bool draining_ = false;
  std::int64_t paused_until_ms_ = 0;

  // Reading: bytes of the frame under way go straight into it, what lies behind it into the staging
  // buffer.
  std::unique_ptr<std::byte[]> staging_;
  std::size_t staged_from_ = 0;
  std::size_t staged_to_ = 0;
  FrameUnderWay frame_;
  std::uint64_t next_sequence_ = 0;
  bool reading_ = false;  // during a turn, and while the socket is waited for
  bool in_turn_ = false;
  std::int64_t last_frame_ms_ = 0;
  std::int64_t frame_began_ms_ = -1;
  std::int64_t held_since_ms_ = -1;  // the frame waits for the budget, its sender for us

  // Sending: slots_ holds the requests not fully answered, the oldest first.
  std::deque<Slot> slots_;
  std::uint64_t first_slot_ = 0;
  std::size_t piece_ = 0;  // 0: head, then pieces
  std::uint64_t piece_sent_ = 0;
  std::uint64_t unsent_bytes_ = 0;
  bool send_scheduled_ = false;
  bool send_due_ = false;         // an answer became ready during a turn of reading
  bool waiting_ = false;          // for the socket or a cold read
  std::uint64_t warm_until_ = 0;  // file position of the front piece up to which it was just read
  std::int64_t last_sent_ms_ = 0;
};

/// Milliseconds of the steady clock.
std::int64_t steady_now_ms();

}  // namespace penstock::net
