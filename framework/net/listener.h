#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "framework/base/error.h"
#include "framework/net/connection.h"
#include "framework/net/response.h"

namespace penstock::net {

/// Accepts on one address and hands the connections to the shards in turn.
class Listener {
 public:
  struct Options {
    std::string host = "127.0.0.1";  // a name or an address; "" or "0.0.0.0": all
    std::uint16_t port = 0;          // 0: any free one
    std::size_t connections_max = 10'000;
    std::size_t connections_per_address_max = 10'000;
    ConnectionLimits limits;
    /// Asked for each new connection, with its address; no closes it. The first shard's thread.
    std::function<bool(const std::string&)> may_connect = {};
    /// Told of a range that reaches beyond its file's end; the connection is closed, since its
    /// frame cannot be completed. That connection's shard.
    std::function<void(const FileRange&)> on_short_file = {};
  };
  /// Makes the sink of a new connection, on its shard. The connection outlives the sink.
  using MakeSink = std::function<std::unique_ptr<FrameSink>(std::shared_ptr<Connection>)>;

  /// Binds and listens; accepts nothing before start(). `shards` and `run_blocking` outlive the
  /// listener. Errors: kBusy, naming the address, when the port is in use; kInvalid for a host that
  /// has no address; kIo.
  static Result<std::unique_ptr<Listener>> open(
      Options options, std::span<Shard* const> shards,
      std::function<void(UniqueFunction<void()>)> run_blocking, MakeSink make_sink);
  virtual ~Listener() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  virtual void start() = 0;
  /// Accepts no more. Any thread; waits until that is so (not from a shard).
  virtual void stop_accepting() = 0;
  /// Reads no more requests; a connection closes when its last answer left. Any thread.
  virtual void drain() = 0;
  /// Closes all connections, those with answers under way after at most `grace_ms`. Waits for it
  /// (not from a shard).
  virtual void close_connections(std::int64_t grace_ms) = 0;
};

}  // namespace penstock::net
