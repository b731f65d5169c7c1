#include "framework/connect/rest/server.h"

#include <httplib.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

namespace penstock::connect::rest {
namespace {

constexpr const char* kJson = "application/json";

void answer(const Router& router, const httplib::Request& from, httplib::Response& to) {
  Request request;
  request.method = from.method == "HEAD" ? "GET" : from.method;
  request.content_type = from.get_header_value("Content-Type");
  request.body = from.body;
  const auto response = parse_target(from.target, request)
                            ? router.handle(std::move(request))
                            : error(400, "Malformed percent-encoding in the URL");
  to.status = response.status;
  if (!response.location.empty()) to.set_header("Location", response.location);
  if (!response.body.empty()) to.set_content(response.body, kJson);
}

}  // namespace

struct Server::Impl {
  httplib::Server server;
  std::thread thread;
  std::atomic<bool> ended = false;
};

Server::Server(const Router& router) : impl_(std::make_unique<Impl>()) {
  auto& server = impl_->server;
  const auto handler = [&router](const httplib::Request& from, httplib::Response& to) {
    answer(router, from, to);
  };
  const char* everything = R"([\s\S]*)";
  server.Get(everything, handler);
  server.Post(everything, handler);
  server.Put(everything, handler);
  server.Patch(everything, handler);
  server.Delete(everything, handler);
  server.Options(everything, handler);
  // Connect's PUT .../pause and the like have no body, and clients then send no length. The library
  // would wait for the connection's end; without a length there is no body (RFC 9112, 6.3).
  server.set_pre_routing_handler([&router](const httplib::Request& from, httplib::Response& to) {
    if (from.has_header("Content-Length") || from.has_header("Transfer-Encoding"))
      return httplib::Server::HandlerResponse::Unhandled;
    answer(router, from, to);
    return httplib::Server::HandlerResponse::Handled;
  });
  server.set_error_handler([](const httplib::Request&, httplib::Response& to) {
    if (!to.body.empty()) return;
    const auto response = error(to.status, "HTTP " + std::to_string(to.status));
    to.set_content(response.body, kJson);
  });
  server.new_task_queue = [] { return new httplib::ThreadPool(kConnectionsMax); };
  server.set_payload_max_length(kBodyBytesMax);
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000);
  server.set_keep_alive_timeout(2);
  // Its default also sets SO_REUSEPORT, with which two workers could share a port unnoticed.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
}

Server::~Server() { stop(); }

Result<int> Server::listen(const std::string& host, int port) {
  errno = 0;
  const bool bound = port == 0 ? (port = impl_->server.bind_to_any_port(host)) > 0
                               : impl_->server.bind_to_port(host, port);
  if (!bound) {
    const std::string why = errno != 0 ? std::strerror(errno) : "no such address";
    return fail(Errc::kBusy,
                "cannot listen on http://" + host + ":" + std::to_string(port) + ": " + why);
  }
  impl_->thread = std::thread([this] {
    impl_->server.listen_after_bind();
    impl_->ended = true;
  });
  return port;
}

void Server::stop() {
  if (!impl_->thread.joinable()) return;
  while (!impl_->server.is_running() && !impl_->ended) std::this_thread::yield();
  impl_->server.stop();
  impl_->thread.join();
}

}  // namespace penstock::connect::rest
