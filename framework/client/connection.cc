#include "framework/client/connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>

namespace penstock::client {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLengthBytes = 4;

int left_ms(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

Status ready(int fd, short events, Clock::time_point until) {
  pollfd wait{fd, events, 0};
  for (;;) {
    const int got = ::poll(&wait, 1, left_ms(until));
    if (got > 0) return {};
    if (got == 0) return fail(Errc::kUnavailable, "no answer in time");
    if (errno != EINTR) return fail_errno(errno, "poll");
  }
}

Status send_all(int fd, ByteView bytes, Clock::time_point until) {
  while (!bytes.empty()) {
    PENSTOCK_RETURN_IF_ERROR(ready(fd, POLLOUT, until));
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) return fail(Errc::kUnavailable, "the broker closed the connection");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return {};
}

Status receive_all(int fd, ByteSpan to, Clock::time_point until) {
  while (!to.empty()) {
    PENSTOCK_RETURN_IF_ERROR(ready(fd, POLLIN, until));
    const ssize_t got = ::recv(fd, to.data(), to.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return fail(Errc::kUnavailable, "the broker closed the connection");
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<UniqueFd> connect_one(const addrinfo& at, Clock::time_point until) {
  UniqueFd fd(::socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, at.ai_protocol));
  if (!fd) return fail_errno(errno, "socket");
  if (::connect(fd.get(), at.ai_addr, at.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return fail_errno(errno, "connect");
    PENSTOCK_RETURN_IF_ERROR(ready(fd.get(), POLLOUT, until));
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail_errno(error, "connect");
  }
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

std::string name_of(const Address& address) { return address.host + ":" + address.port; }

}  // namespace

std::vector<Address> parse_bootstrap(const std::string& servers) {
  std::vector<Address> out;
  for (std::size_t at = 0; at <= servers.size();) {
    const auto comma = std::min(servers.find(',', at), servers.size());
    std::string one = servers.substr(at, comma - at);
    at = comma + 1;
    std::erase_if(one, [](char c) { return c == ' ' || c == '\t'; });
    if (const auto scheme = one.find("://"); scheme != std::string::npos) one.erase(0, scheme + 3);
    if (one.empty()) continue;
    Address address{one, "9092"};
    if (one.front() == '[') {
      const auto end = std::min(one.find(']'), one.size());
      address.host = one.substr(1, end - 1);
      if (end + 2 < one.size() && one[end + 1] == ':') address.port = one.substr(end + 2);
    } else if (const auto colon = one.rfind(':');
               colon != std::string::npos && one.find(':') == colon) {
      address.host = one.substr(0, colon);
      if (colon + 1 < one.size()) address.port = one.substr(colon + 1);
    }
    if (!address.host.empty()) out.push_back(std::move(address));
  }
  return out;
}

Result<Connection> Connection::open(const Address& address, int timeout_ms) {
  const auto until = Clock::now() + std::chrono::milliseconds(timeout_ms);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
      error != 0) {
    return fail(Errc::kUnavailable, name_of(address) + ": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
  std::string why = "no address";
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    auto fd = connect_one(*one, until);
    if (fd) return Connection(*std::move(fd));
    why = fd.error().text;
  }
  return fail(Errc::kUnavailable, name_of(address) + ": " + why);
}

/// `header` is how the answer to this request must begin.
Result<std::vector<std::byte>> Connection::exchange(ByteView body, ByteView header,
                                                    int timeout_ms) {
  const auto until = Clock::now() + std::chrono::milliseconds(timeout_ms);
  std::vector<std::byte> frame(kLengthBytes + body.size());
  store_be(frame.data(), static_cast<std::int32_t>(body.size()));
  std::ranges::copy(body, frame.begin() + kLengthBytes);
  PENSTOCK_RETURN_IF_ERROR(send_all(fd_.get(), frame, until));
  std::vector<std::byte> answer(kLengthBytes);
  PENSTOCK_RETURN_IF_ERROR(receive_all(fd_.get(), answer, until));
  const auto length = load_be<std::int32_t>(answer.data());
  if (length < static_cast<std::int32_t>(header.size()) || length > kAnswerBytesMax)
    return fail(Errc::kInvalid, "an answer of " + std::to_string(length) + " bytes");
  answer.resize(static_cast<std::size_t>(length));
  PENSTOCK_RETURN_IF_ERROR(receive_all(fd_.get(), answer, until));
  if (!std::equal(header.begin(), header.end(), answer.begin()))
    return fail(Errc::kInvalid, "an answer to another question");
  return answer;
}

}  // namespace penstock::client
