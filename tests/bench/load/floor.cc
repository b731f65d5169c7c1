#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "framework/base/bytes.h"
#include "framework/base/crc32c.h"
#include "framework/base/unique_fd.h"
#include "tests/bench/load/loads.h"

namespace penstock::bench {
namespace {

constexpr std::size_t kSendPiece = 256 << 10;    // as large as the broker's own pieces
constexpr std::uint64_t kFileBytes = 256 << 20;  // sent over and over

std::pair<UniqueFd, UniqueFd> connected_pair() {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(listener.get(), raw, size) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), raw, &size) != 0 || ::connect(client.get(), raw, size) != 0)
    throw std::runtime_error("no loopback connection could be made");
  UniqueFd server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  return {std::move(server), std::move(client)};
}

UniqueFd scratch_file(const std::string& directory) {
  UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_RDWR, 0600));
  if (!file) throw std::runtime_error(directory + " takes no temporary file");
  return file;
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  // On a machine with one processor both sides share it.
  if (::sched_setaffinity(0, sizeof set, &set) != 0) return;
}

/// Runs `server` in a child on processor 0 and `client` here on processor 1; the child's CPU
/// seconds.
template <class Server, class Client>
double measure(Server server, Client client) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    pin_to(0);
    _exit(server() ? 0 : 1);
  }
  pin_to(1);
  client();
  int status = 0;
  rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child || status != 0)
    throw std::runtime_error("the measured side failed");
  const auto seconds = [](const timeval& at) {
    return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

bool receive_and_write(int from, int file, std::uint64_t bytes, std::size_t batch_bytes) {
  std::vector<std::byte> batch(batch_bytes);
  std::uint32_t sum = 0;
  for (std::uint64_t done = 0; done < bytes; done += batch_bytes) {
    for (std::size_t at = 0; at < batch_bytes;) {
      const ssize_t got = ::recv(from, batch.data() + at, batch_bytes - at, 0);
      if (got <= 0) return false;
      at += static_cast<std::size_t>(got);
    }
    sum ^= crc32c(ByteView(batch).subspan(21));
    const auto position = static_cast<off_t>(done);  // a log grows: new pages each time
    if (::pwrite(file, batch.data(), batch_bytes, position) != static_cast<ssize_t>(batch_bytes))
      return false;
  }
  // The answer, so that the checksum is needed.
  return ::send(from, &sum, sizeof sum, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof sum);
}

}  // namespace

nlohmann::json run_receive_floor(const std::string& directory, std::uint64_t bytes,
                                 std::size_t batch_bytes) {
  bytes -= bytes % batch_bytes;
  auto [server, client] = connected_pair();
  UniqueFd file = scratch_file(directory);
  std::vector<std::byte> data(batch_bytes, std::byte{'v'});
  const double cpu =
      measure([&] { return receive_and_write(server.get(), file.get(), bytes, batch_bytes); },
              [&] {
                for (std::uint64_t done = 0; done < bytes;) {
                  const std::size_t at = done % batch_bytes;
                  const ssize_t sent =
                      ::send(client.get(), data.data() + at, batch_bytes - at, MSG_NOSIGNAL);
                  if (sent <= 0) throw std::runtime_error("the receiving side went away");
                  done += static_cast<std::uint64_t>(sent);
                }
                std::uint32_t sum = 0;
                if (::recv(client.get(), &sum, sizeof sum, MSG_WAITALL) != sizeof sum)
                  throw std::runtime_error("the receiving side failed");
              });
  return {{"bytes", bytes}, {"cpu_s", cpu}};
}

nlohmann::json run_sendfile_floor(const std::string& directory, std::uint64_t bytes) {
  auto [server, client] = connected_pair();
  UniqueFd file = scratch_file(directory);
  const std::vector<std::byte> data(1 << 20, std::byte{'v'});
  for (std::uint64_t at = 0; at < kFileBytes; at += data.size()) {
    if (::pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(at)) < 0)
      throw std::runtime_error("the file could not be written");
  }
  const double cpu = measure(
      [&] {
        for (std::uint64_t done = 0; done < bytes;) {
          off_t at = static_cast<off_t>(done % kFileBytes);
          const ssize_t sent = ::sendfile(server.get(), file.get(), &at, kSendPiece);
          if (sent <= 0) return false;
          done += static_cast<std::uint64_t>(sent);
        }
        return true;
      },
      [&] {
        std::vector<std::byte> into(1 << 20);
        for (std::uint64_t done = 0; done < bytes;) {
          const ssize_t got = ::recv(client.get(), into.data(), into.size(), 0);
          if (got <= 0) throw std::runtime_error("the sending side went away");
          done += static_cast<std::uint64_t>(got);
        }
      });
  return {{"bytes", bytes}, {"cpu_s", cpu}};
}

}  // namespace penstock::bench
