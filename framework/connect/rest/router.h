#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "framework/connect/herder/herder.h"

namespace penstock::connect::rest {

struct Request {
  std::string method;
  std::vector<std::string> path;  // segments, percent-decoded
  std::multimap<std::string, std::string> query;
  std::string content_type;
  std::string body;
  std::vector<std::string> captured;  // what stood where the pattern has {}

  /// false for anything but "true", as in JAX-RS.
  [[nodiscard]] bool flag(const std::string& name) const;
};
struct Response {
  int status = 200;
  std::string body;      // JSON; "" none
  std::string location;  // "" none
};

Response error(int status, const std::string& message);

/// Finds the handler of a request. Any thread once all routes are added.
class Router {
 public:
  using Handler = std::function<Response(const Request&)>;
  /// `pattern`: "/connectors/{}/status". `takes_json`: the body must be said to be JSON.
  void add(std::string method, std::string_view pattern, Handler handler, bool takes_json = false);
  /// 404, 405 and 415 are answered here, as is what a handler throws.
  [[nodiscard]] Response handle(Request request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> pattern;
    Handler handler;
    bool takes_json = false;
  };
  std::vector<Route> routes_;
};

/// Fills method-independent parts from "/a/b?c=d". False when the percent-encoding is broken.
bool parse_target(std::string_view target, Request& request);

struct ServerInfo {
  std::string version;
  std::string commit;
};
/// `herder` outlives the router. `health_timeout`: how long /health waits for it.
void add_root(Router& router, const ServerInfo& info, Herder& herder,
              std::chrono::milliseconds health_timeout = std::chrono::seconds(10));
void add_connectors(Router& router, Herder& herder);
void add_tasks(Router& router, Herder& herder);
void add_offsets(Router& router, Herder& herder);
void add_connector_plugins(Router& router, Herder& herder);
void add_progress(Router& router, Herder& herder);

}  // namespace penstock::connect::rest
