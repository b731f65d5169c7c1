#include "framework/connect/channel/channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string_view>

#include "framework/base/bytes.h"

namespace penstock::connect {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

std::uint32_t frame_length(std::string_view inbox) {
  return load_be<std::uint32_t>(reinterpret_cast<const std::byte*>(inbox.data()));
}

}  // namespace

Channel::Channel(UniqueFd fd) : fd_(std::move(fd)) {
  const int flags = ::fcntl(fd_.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK) < 0) {
    failed_ = fail_errno(errno, "making the channel's socket non-blocking").value();
  }
}

Result<std::pair<UniqueFd, UniqueFd>> Channel::make_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail_errno(errno, "socketpair");
  return std::pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Status Channel::send(const Envelope& envelope) {
  if (failed_) return tl::make_unexpected(*failed_);
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, encode(envelope));
  if (outbox_.size() - sent_ + text.size() > kOutboxBytesMax) {
    return fail(Errc::kBusy, "the other side of the channel has not read for " +
                                 std::to_string(kOutboxBytesMax) + " bytes");
  }
  std::byte length[kLengthBytes];
  store_be(length, static_cast<std::uint32_t>(text.size()));
  outbox_.append(as_text(length)).append(text);
  return flush();
}

Status Channel::flush() {
  if (failed_) return tl::make_unexpected(*failed_);
  while (wants_write()) {
    const auto n = ::send(fd_.get(), outbox_.data() + sent_, outbox_.size() - sent_,
                          MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      return fail(Errc::kUnavailable, "the channel is closed");
    }
    sent_ += static_cast<std::size_t>(n);
  }
  if (!wants_write()) {
    outbox_.clear();
    sent_ = 0;
  } else if (sent_ > kFrameBytesMax) {
    outbox_.erase(0, sent_);
    sent_ = 0;
  }
  return {};
}

bool Channel::has_buffered() const {
  const auto rest = std::string_view(inbox_).substr(taken_);
  if (rest.size() < kLengthBytes) return false;
  const auto length = frame_length(rest);
  return length > kFrameBytesMax || rest.size() >= kLengthBytes + length;
}

/// Reads until the socket is empty or a whole longest frame is in memory.
Status Channel::fill() {
  if (taken_ > 0) {
    inbox_.erase(0, taken_);
    taken_ = 0;
  }
  while (inbox_.size() < kFrameBytesMax + kLengthBytes) {
    const auto before = inbox_.size();
    inbox_.resize(before + kReadBytes);
    const auto n = ::recv(fd_.get(), inbox_.data() + before, kReadBytes, MSG_DONTWAIT);
    const int error = errno;
    inbox_.resize(before + (n > 0 ? static_cast<std::size_t>(n) : 0));
    if (n > 0) continue;
    // A reset is a peer that died before it read everything.
    if (n == 0 || error == ECONNRESET) return fail(Errc::kUnavailable, "the channel is closed");
    if (error == EINTR) continue;
    if (error == EAGAIN || error == EWOULDBLOCK) return {};
    return fail_errno(error, "reading the channel");
  }
  return {};
}

Result<std::vector<Envelope>> Channel::receive() {
  std::vector<Envelope> messages;
  if (!failed_) {
    if (auto filled = fill(); !filled) failed_ = std::move(filled).error();
  }
  while (messages.size() < kMessagesPerReceiveMax && has_buffered()) {
    const auto rest = std::string_view(inbox_).substr(taken_);
    const auto length = frame_length(rest);
    if (length > kFrameBytesMax) {
      failed_ = Error{Errc::kInvalid, "frame of " + std::to_string(length) + " bytes; at most " +
                                          std::to_string(kFrameBytesMax)};
      inbox_.clear();
      taken_ = 0;
      break;
    }
    auto decoded = decode(rest.substr(kLengthBytes, length));
    if (!decoded) {
      failed_ = std::move(decoded).error();
      inbox_.clear();
      taken_ = 0;
      break;
    }
    taken_ += kLengthBytes + length;
    messages.push_back(std::move(*decoded));
  }
  if (messages.empty() && failed_) return tl::make_unexpected(*failed_);
  return messages;
}

}  // namespace penstock::connect
