#include "tests/bench/load/wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace penstock::bench {
namespace {
constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::int32_t kAnswerBytesMax = 256 << 20;

[[noreturn]] void fail_with(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::int64_t clock_ns(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return at.tv_sec * 1'000'000'000LL + at.tv_nsec;
}

int connect_to(const std::string& bootstrap) {
  const std::size_t colon = bootstrap.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error(bootstrap + " is not ADDRESS:PORT");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(bootstrap.substr(colon + 1))));
  if (::inet_pton(AF_INET, bootstrap.substr(0, colon).c_str(), &address.sin_addr) != 1)
    throw std::runtime_error(bootstrap + " is not an IPv4 address and a port");
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail_with("socket");
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail_with("connect to " + bootstrap);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) fail_with("fcntl");
  return fd;
}
}  // namespace

std::int64_t now_ns() { return clock_ns(CLOCK_MONOTONIC); }
std::int64_t wall_ms() { return clock_ns(CLOCK_REALTIME) / 1'000'000; }
double process_cpu_seconds() {
  return static_cast<double>(clock_ns(CLOCK_PROCESS_CPUTIME_ID)) / 1e9;
}

Wire::Wire(const std::string& bootstrap) : fd_(connect_to(bootstrap)), in_(2 * kReadBytes) {}

void Wire::send(ByteView frame) {
  if (!writing()) {
    out_.clear();
    sent_ = 0;
  }
  out_.insert(out_.end(), frame.begin(), frame.end());
}

bool Wire::flush() {
  while (writing()) {
    const ssize_t got = ::send(fd(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got < 0) fail_with("send");
    sent_ += static_cast<std::size_t>(got);
  }
  return true;
}

void Wire::receive() {
  for (;;) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (in_.size() - end_ < kReadBytes) {
      std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
      end_ -= std::exchange(begin_, 0);
      if (in_.size() - end_ < kReadBytes) in_.resize(in_.size() * 2);
    }
    const ssize_t got = ::recv(fd(), in_.data() + end_, kReadBytes, 0);
    if (got == 0) throw std::runtime_error("the broker closed the connection");
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) fail_with("recv");
    end_ += static_cast<std::size_t>(got);
    if (static_cast<std::size_t>(got) < kReadBytes) return;
  }
}

ByteView Wire::take() {
  if (end_ - begin_ < 4) return {};
  const auto size = load_be<std::int32_t>(in_.data() + begin_);
  if (size < 4 || size > kAnswerBytesMax) throw std::runtime_error("an answer has no sound length");
  const auto length = static_cast<std::size_t>(size);
  if (end_ - begin_ - 4 < length) return {};
  const ByteView out(in_.data() + begin_ + 4, length);
  begin_ += 4 + length;
  return out;
}

ByteView Wire::call(ByteView frame) {
  send(frame);
  Poller poller({this});
  std::vector<std::size_t> ready;
  flush();
  for (;;) {
    poller.wait(-1, ready);
    flush();
    receive();
    if (const ByteView answer = take(); !answer.empty()) return answer;
  }
}

Poller::Poller(std::vector<Wire*> wires)
    : wires_(std::move(wires)),
      armed_(wires_.size(), false),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  for (std::size_t i = 0; i < wires_.size(); ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wires_[i]->fd(), &event) != 0)
      fail_with("epoll_ctl");
  }
}

void Poller::wait(std::int64_t timeout_ns, std::vector<std::size_t>& ready) {
  for (std::size_t i = 0; i < wires_.size(); ++i) {
    if (armed_[i] == wires_[i]->writing()) continue;
    armed_[i] = wires_[i]->writing();
    epoll_event event{};
    event.events = EPOLLIN | (armed_[i] ? EPOLLOUT : 0U);
    event.data.u64 = i;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, wires_[i]->fd(), &event) != 0)
      fail_with("epoll_ctl");
  }
  epoll_event events[256];
  timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
  const int got =
      ::epoll_pwait2(epoll_.get(), events, 256, timeout_ns < 0 ? nullptr : &timeout, nullptr);
  if (got < 0 && errno != EINTR) fail_with("epoll_pwait2");
  ready.clear();
  for (int i = 0; i < got; ++i) ready.push_back(static_cast<std::size_t>(events[i].data.u64));
}

}  // namespace penstock::bench
