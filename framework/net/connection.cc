#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

#include "framework/base/assert.h"
#include "framework/net/shard_impl.h"
#include "framework/net/tcp_connection.h"

namespace penstock::net {

namespace asio = boost::asio;

std::int64_t steady_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

TcpConnection::TcpConnection(ConnectionContext& context, Socket socket, std::string address,
                             std::string peer)
    : context_(context),
      socket_(std::move(socket)),
      address_(std::move(address)),
      peer_(std::move(peer)),
      staging_(new std::byte[kStagingBytes]) {}

void TcpConnection::start(std::unique_ptr<FrameSink> sink,
                          std::function<void(TcpConnection*)> on_gone) {
  sink_ = std::move(sink);
  on_gone_ = std::move(on_gone);
  last_frame_ms_ = last_sent_ms_ = steady_now_ms();
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  read_more();
}

// ---- reading

/// Reads until the socket is empty or the turn is over. Answers that are ready meanwhile leave
/// together at its end: a client that pipelines is woken once for all of them.
void TcpConnection::read_more() {
  if (closed_ || reading_) return;
  reading_ = in_turn_ = true;
  std::size_t left = kReadTurnBytes;
  ssize_t got = 0;
  while (left > 0 && (got = receive()) > 0) {
    left -= std::min(left, static_cast<std::size_t>(got));
    take_in(static_cast<std::size_t>(got));
    if (!take_frames()) {  // goes on when something is sent, or there is room again
      reading_ = in_turn_ = false;
      if (send_due_) schedule_send();
      return;
    }
  }
  in_turn_ = false;
  if (send_due_ && !waiting_) send();
  if (closed_) return;
  if (left == 0) {
    context_.shard.post([self = shared_from_this()] { self->read_on(); });
  } else if (got < 0) {
    wait_readable();
  } else {
    close_here();
  }
}

void TcpConnection::read_on() {
  reading_ = false;
  read_more();
}

/// Bytes received, 0 when the peer has ended or the connection failed, -1 when there are none now.
ssize_t TcpConnection::receive() {
  std::array<iovec, 2> into{};
  std::size_t count = 0;
  if (frame_) {
    const ByteSpan room = frame_.room();
    into[count++] = {room.data(), room.size()};
  }
  if (!frame_ || frame_.last_step())
    into[count++] = {staging_.get() + staged_to_, kStagingBytes - staged_to_};
  msghdr message{};
  message.msg_iov = into.data();
  message.msg_iovlen = count;
  for (;;) {
    const ssize_t got = ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT);
    if (got >= 0) return got;
    if (errno == EAGAIN) return -1;
    if (errno != EINTR) return 0;
  }
}

void TcpConnection::wait_readable() {
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (error && !self->closed_) self->close_here();
                       self->read_on();
                     });
}

void TcpConnection::take_in(std::size_t bytes) {
  if (frame_) {
    const std::size_t into_frame = std::min(bytes, frame_.room().size());
    frame_.filled(into_frame);
    bytes -= into_frame;
  }
  staged_to_ += bytes;
}

void TcpConnection::resume_reading() {
  if (!closed_ && !reading_ && take_frames()) read_more();
}

/// False when nothing more may be read now: closed, or held up.
bool TcpConnection::take_frames() {
  while (!closed_ && !draining_) {
    if (frame_) {
      if (!grow_frame()) return false;
      if (!frame_.whole()) return true;
      deliver();
      continue;
    }
    if (staged_from_ == staged_to_) staged_from_ = staged_to_ = 0;
    if (paused_until_ms_ != 0 || slots_.size() >= context_.limits.in_flight_max ||
        unsent_bytes_ > context_.limits.unsent_bytes_max)
      return false;
    if (staged_to_ - staged_from_ < sizeof(std::int32_t)) {
      std::move(staging_.get() + staged_from_, staging_.get() + staged_to_, staging_.get());
      staged_to_ -= staged_from_;
      staged_from_ = 0;
      return true;
    }
    if (!begin_frame()) return false;
  }
  return false;
}

/// False when the frame has to wait for room. What is staged of it moves in.
bool TcpConnection::grow_frame() {
  switch (frame_.grow(slots_.empty())) {
    case FrameUnderWay::Growth::kDone:
      break;
    case FrameUnderWay::Growth::kNoMemory:
      close_here();
      return false;
    case FrameUnderWay::Growth::kWait:
      if (held_since_ms_ < 0) held_since_ms_ = steady_now_ms();
      return false;
  }
  if (held_since_ms_ >= 0) frame_began_ms_ += steady_now_ms() - std::exchange(held_since_ms_, -1);
  const ByteSpan room = frame_.room();
  const std::size_t moved = std::min(room.size(), staged_to_ - staged_from_);
  std::copy_n(staging_.get() + staged_from_, moved, room.data());
  frame_.filled(moved);
  staged_from_ += moved;
  if (staged_from_ == staged_to_) staged_from_ = staged_to_ = 0;
  return true;
}

bool TcpConnection::begin_frame() {
  const auto size = load_be<std::int32_t>(staging_.get() + staged_from_);
  if (size <= 0 || static_cast<std::uint32_t>(size) > context_.limits.frame_bytes_max) {
    close_here();
    return false;
  }
  frame_.begin(static_cast<std::size_t>(size), context_.budget);
  staged_from_ += sizeof(std::int32_t);
  frame_began_ms_ = steady_now_ms();
  return true;
}

void TcpConnection::deliver() {
  last_frame_ms_ = steady_now_ms();
  frame_began_ms_ = -1;
  Frame whole = frame_.finish();
  slots_.emplace_back();
  sink_->on_frame(std::move(whole), next_sequence_++);
}

// ---- answers

void TcpConnection::answer(std::uint64_t sequence, Response response) {
  if (closed_) return;  // the listener, and what it lent, may be gone
  PENSTOCK_ASSERT(response.head.size() >= Response::kLengthBytes);
  store_be(response.head.data(), static_cast<std::int32_t>(response.size_bytes()));
  Slot slot{true, false, std::move(response)};
  if (context_.shard.here()) {
    set_answer(sequence, std::move(slot));
  } else {
    context_.shard.post([self = shared_from_this(), sequence, slot = std::move(slot)]() mutable {
      self->set_answer(sequence, std::move(slot));
    });
  }
}

void TcpConnection::answer_nothing(std::uint64_t sequence) {
  if (closed_) return;
  if (context_.shard.here()) {
    set_answer(sequence, Slot{true, true, {}});
  } else {
    context_.shard.post([self = shared_from_this(), sequence] {
      self->set_answer(sequence, Slot{true, true, {}});
    });
  }
}

/// A frame that has begun is finished; what the client sends after it waits in the socket.
void TcpConnection::pause_reading(std::int64_t ms) {
  const std::int64_t until = steady_now_ms() + ms;
  if (closed_ || until <= paused_until_ms_) return;
  paused_until_ms_ = until;
  context_.shard.after(ms, [weak = weak_from_this(), until] {
    const auto self = weak.lock();
    if (!self || self->paused_until_ms_ != until) return;
    self->paused_until_ms_ = 0;
    self->last_frame_ms_ = steady_now_ms();  // the silence was ours
    self->resume_reading();
  });
}

void TcpConnection::set_answer(std::uint64_t sequence, Slot slot) {
  if (closed_) return;
  PENSTOCK_ASSERT(sequence >= first_slot_ && sequence - first_slot_ < slots_.size());
  Slot& place = slots_[sequence - first_slot_];
  PENSTOCK_ASSERT(!place.ready);
  if (!slot.silent) unsent_bytes_ += slot.response.owned_bytes();
  place = std::move(slot);
  if (sequence != first_slot_) return;
  if (in_turn_)
    send_due_ = true;
  else
    schedule_send();
}

/// Answers of one round of the loop leave together.
void TcpConnection::schedule_send() {
  if (send_scheduled_ || waiting_ || closed_) return;
  send_scheduled_ = true;
  context_.shard.post([self = shared_from_this()] {
    self->send_scheduled_ = false;
    if (!self->closed_ && !self->waiting_) self->send();
  });
}

void TcpConnection::send() {
  send_due_ = false;
  std::uint64_t turn = 0;
  while (!slots_.empty() && slots_.front().ready) {
    if (slots_.front().silent) {
      pop_front();
      continue;
    }
    const std::uint64_t before = piece_sent_;
    switch (send_front()) {
      case SendResult::kDone:
        break;
      case SendResult::kBlocked:
        return wait_writable();
      case SendResult::kCold:
        return;
      case SendResult::kFailed:
        return close_here();
    }
    turn += piece_sent_ > before ? piece_sent_ - before : kSendfilePieceBytes / 4;
    if (turn >= kTurnBytes) return schedule_send();
  }
  if (draining_ && slots_.empty()) return close_here();
  resume_reading();
}

void TcpConnection::pop_front() {
  if (!slots_.front().silent) unsent_bytes_ -= slots_.front().response.owned_bytes();
  slots_.pop_front();
  ++first_slot_;
  piece_ = 0;
  piece_sent_ = 0;
  warm_until_ = 0;
}

TcpConnection::SendResult TcpConnection::send_front() {
  Slot& slot = slots_.front();
  if (piece_ > 0) {
    if (const auto* range = std::get_if<FileRange>(&slot.response.pieces[piece_ - 1]))
      return send_file(*range);
  }
  return send_bytes(slot);
}

/// Sends what lies in memory from the present place on: up to the next file range, and on into the
/// answers behind it.
TcpConnection::SendResult TcpConnection::send_bytes(Slot& slot) {
  constexpr std::size_t kParts = 64;
  std::array<iovec, kParts> parts;
  std::size_t count = 0;
  bool file_follows = false;
  const auto add = [&](const std::vector<std::byte>& bytes, std::uint64_t skip) {
    parts[count++] = {const_cast<std::byte*>(bytes.data()) + skip, bytes.size() - skip};
  };
  std::size_t piece = piece_;
  std::uint64_t skip = piece_sent_;
  for (std::size_t s = 0; s < slots_.size() && count < kParts && !file_follows;
       ++s, piece = 0, skip = 0) {
    const Slot& at = s == 0 ? slot : slots_[s];
    if (!at.ready || at.silent) break;
    for (; piece <= at.response.pieces.size() && count < kParts; ++piece, skip = 0) {
      if (piece == 0) {
        add(at.response.head, skip);
      } else if (const auto* bytes =
                     std::get_if<std::vector<std::byte>>(&at.response.pieces[piece - 1])) {
        add(*bytes, skip);
      } else {
        file_follows = true;
        break;
      }
    }
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(socket_.native_handle(), &message,
                                 MSG_NOSIGNAL | MSG_DONTWAIT | (file_follows ? MSG_MORE : 0));
  if (sent < 0)
    return errno == EAGAIN || errno == EINTR ? SendResult::kBlocked : SendResult::kFailed;
  advance(static_cast<std::uint64_t>(sent));
  return SendResult::kDone;
}

TcpConnection::SendResult TcpConnection::send_file(const FileRange& range) {
  const std::uint64_t left = range.length - piece_sent_;
  if (left == 0) {
    advance(0);
    return SendResult::kDone;
  }
  const std::uint64_t length = std::min(left, kSendfilePieceBytes);
  if (range.position + piece_sent_ >= warm_until_ && !resident(range, length)) {
    warm_up(range, length);
    return SendResult::kCold;
  }
  auto from = static_cast<off_t>(range.position + piece_sent_);
  const ssize_t sent = ::sendfile(socket_.native_handle(), range.fd, &from, length);
  if (sent < 0)
    return errno == EAGAIN || errno == EINTR ? SendResult::kBlocked : SendResult::kFailed;
  if (sent == 0) {
    if (context_.on_short_file) context_.on_short_file(range);
    return SendResult::kFailed;
  }
  advance(static_cast<std::uint64_t>(sent));
  return SendResult::kDone;
}

/// Probes the first and the last byte: the kernel reads ahead what lies between.
bool TcpConnection::resident(const FileRange& range, std::uint64_t length) const {
  for (const std::uint64_t at :
       {range.position + piece_sent_, range.position + piece_sent_ + length - 1}) {
    std::byte byte;
    iovec into{&byte, 1};
    if (::preadv2(range.fd, &into, 1, static_cast<off_t>(at), RWF_NOWAIT) < 0 && errno == EAGAIN)
      return false;
  }
  return true;
}

/// Reads the range on a thread that may block, so that sendfile finds it in the page cache.
void TcpConnection::warm_up(const FileRange& range, std::uint64_t length) {
  waiting_ = true;
  const std::uint64_t from = range.position + piece_sent_;
  context_.run_blocking(
      [self = shared_from_this(), keep = range.keep, fd = range.fd, from, length]() mutable {
        const auto scratch = std::make_unique_for_overwrite<std::byte[]>(length);
        std::uint64_t done = 0;
        while (done < length) {
          const ssize_t got =
              ::pread(fd, scratch.get() + done, length - done, static_cast<off_t>(from + done));
          if (got <= 0) break;
          done += static_cast<std::uint64_t>(got);
        }
        Shard& shard = self->context_.shard;
        shard.post([self = std::move(self), end = from + length] {
          self->waiting_ = false;
          self->warm_until_ = end;  // even if the read failed: sendfile then reports it
          if (!self->closed_) self->send();
        });
      });
}

void TcpConnection::wait_writable() {
  waiting_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->waiting_ = false;
                       if (self->closed_) return;
                       if (error)
                         self->close_here();
                       else
                         self->send();
                     });
}

/// `bytes` of the present place, and of what follows it in memory, were sent.
void TcpConnection::advance(std::uint64_t bytes) {
  last_sent_ms_ = steady_now_ms();
  for (;;) {
    const Slot& slot = slots_.front();
    std::uint64_t size = slot.response.head.size();
    if (piece_ > 0) {
      const Response::Piece& piece = slot.response.pieces[piece_ - 1];
      if (const auto* owned = std::get_if<std::vector<std::byte>>(&piece))
        size = owned->size();
      else
        size = std::get<FileRange>(piece).length;
    }
    const std::uint64_t step = std::min(bytes, size - piece_sent_);
    piece_sent_ += step;
    bytes -= step;
    if (piece_sent_ < size) return;
    ++piece_;
    piece_sent_ = 0;
    warm_until_ = 0;
    if (piece_ > slot.response.pieces.size()) {
      pop_front();
      if (bytes == 0) return;
    }
  }
}

// ---- end

void TcpConnection::check_idle(std::int64_t now_ms) {
  if (frame_ && held_since_ms_ < 0) {
    const auto allowed =
        context_.limits.frame_ms_max +
        static_cast<std::int64_t>(frame_.received()) * 1000 / context_.limits.frame_rate_min;
    if (now_ms - frame_began_ms_ > allowed) return close_here();
  }
  const std::int64_t idle = next_sequence_ == 0 ? std::min(context_.limits.first_frame_ms_max,
                                                           context_.limits.idle_ms_max)
                                                : context_.limits.idle_ms_max;
  if (!frame_ && slots_.empty() && now_ms - std::max(last_frame_ms_, last_sent_ms_) > idle)
    return close_here();
  if (waiting_ && now_ms - last_sent_ms_ > idle) return close_here();
}

void TcpConnection::drain() {
  draining_ = true;
  if (slots_.empty()) close_here();
}

void TcpConnection::close() {
  if (closed_) return;
  if (context_.shard.here())
    close_here();
  else
    context_.shard.post([self = shared_from_this()] { self->close_here(); });
}

void TcpConnection::close_here() {
  if (closed_) return;
  closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  frame_.reset();
  // The sink may be on the call stack: it and the slots die in a turn of their own.
  context_.shard.post([self = shared_from_this()] {
    self->slots_.clear();
    self->sink_->on_closed();
    self->sink_.reset();
    self->on_gone_(self.get());
  });
}

}  // namespace penstock::net
