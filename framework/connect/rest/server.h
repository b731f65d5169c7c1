#pragma once

#include <memory>
#include <string>

#include "framework/base/error.h"
#include "framework/connect/rest/router.h"

namespace penstock::connect::rest {

/// HTTP in front of a router. Threads of its own, at most kConnectionsMax connections served at a
/// time.
class Server {
 public:
  static constexpr std::size_t kConnectionsMax = 16;
  static constexpr std::size_t kBodyBytesMax = std::size_t{4} << 20;

  explicit Server(const Router& router);
  ~Server();
  /// Binds and listens; port 0 takes a free one. Returns the port. kBusy names address and port.
  Result<int> listen(const std::string& host, int port);
  /// Answers what has begun, then returns.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::connect::rest
