#include "framework/net/listener.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <map>
#include <set>
#include <utility>

#include "framework/net/shard_impl.h"
#include "framework/net/tcp_connection.h"

namespace penstock::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::int64_t kSweepMs = 1000;
constexpr std::int64_t kAcceptPauseMs = 100;  // after the process ran out of file descriptors

/// The connections of one shard; its thread only.
struct Home {
  Home(Shard& shard, const Listener::Options& options, std::uint64_t budget_bytes,
       std::function<void(UniqueFunction<void()>)>& run_blocking)
      : context{shard, options.limits, std::make_shared<FrameBudget>(budget_bytes), run_blocking,
                options.on_short_file} {
    context.budget->set_on_room([this] { context.shard.post([this] { resume(); }); });
  }
  void resume() {
    std::map<std::uint64_t, std::shared_ptr<TcpConnection>>
        waiting;  // in turn; a connection may close meanwhile
    for (const auto& connection : connections) {
      if (const std::uint64_t ticket = connection->ticket()) waiting.emplace(ticket, connection);
    }
    for (const auto& [ticket, connection] : waiting) connection->resume_reading();
  }
  void sweep() {
    const auto now = connections;
    for (const auto& connection : now) connection->check_idle(steady_now_ms());
    timer = context.shard.after(kSweepMs, [this] { sweep(); });
  }

  ConnectionContext context;
  std::set<std::shared_ptr<TcpConnection>> connections;
  Shard::TimerId timer = 0;
};

Result<tcp::endpoint> resolve(asio::io_context& io, const std::string& host, std::uint16_t port) {
  if (host.empty() || host == "0.0.0.0") return tcp::endpoint(tcp::v4(), port);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) return tcp::endpoint(address, port);
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, std::to_string(port), error);
  if (error || found.empty())
    return fail(Errc::kInvalid, "listeners: cannot find the address of host '" + host + "'");
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

class TcpListener final : public Listener {
 public:
  TcpListener(Options options, std::span<Shard* const> shards,
              std::function<void(UniqueFunction<void()>)> run_blocking, MakeSink make_sink)
      : options_(std::move(options)),
        run_blocking_(std::move(run_blocking)),
        make_sink_(std::move(make_sink)),
        acceptor_(shards[0]->impl().io) {
    const std::uint64_t share =
        std::max<std::uint64_t>(1, options_.limits.queued_bytes_max / shards.size());
    for (Shard* shard : shards)
      homes_.push_back(std::make_unique<Home>(*shard, options_, share, run_blocking_));
  }

  ~TcpListener() override {
    for (auto& home : homes_)
      home->context.budget->set_on_room(nullptr);  // a frame may outlive the listener
  }

  Status bind() {
    PENSTOCK_ASSIGN_OR_RETURN(
        const tcp::endpoint endpoint,
        resolve(homes_[0]->context.shard.impl().io, options_.host, options_.port));
    boost::system::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(1024, error);
    if (!error) {
      port_ = acceptor_.local_endpoint(error).port();
      return {};
    }
    const std::string where = options_.host + ":" + std::to_string(options_.port);
    if (error == asio::error::address_in_use) {
      return fail(
          Errc::kBusy,
          "listeners: " + where + " is in use by another process; stop it, or choose another port");
    }
    return fail(Errc::kIo, "listeners: cannot listen on " + where + ": " + error.message());
  }

  std::uint16_t port() const override { return port_; }

  void start() override {
    for (auto& home : homes_) home->context.shard.post([h = home.get()] { h->sweep(); });
    home_shard().post([this] { accept(); });
  }

  void stop_accepting() override {
    run_and_wait(home_shard(), [this] {
      boost::system::error_code ignored;
      acceptor_.close(ignored);
    });
  }

  void drain() override {
    for (auto& home : homes_) {
      home->context.shard.post([h = home.get()] {
        const auto now = h->connections;
        for (const auto& connection : now) connection->drain();
      });
    }
  }

  void close_connections(std::int64_t grace_ms) override {
    const std::int64_t deadline = steady_now_ms() + grace_ms;
    bool busy = true;
    while (busy) {
      busy = false;
      const bool force = steady_now_ms() >= deadline;
      for (auto& home : homes_) {
        run_and_wait(home->context.shard, [h = home.get(), force] {
          const auto now = h->connections;
          for (const auto& connection : now) {
            if (force || !connection->has_work()) connection->close_here();
          }
        });
        run_and_wait(home->context.shard,
                     [h = home.get(), &busy] { busy = busy || !h->connections.empty(); });
      }
      if (busy) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    for (auto& home : homes_)
      run_and_wait(home->context.shard, [h = home.get()] { h->context.shard.cancel(h->timer); });
  }

 private:
  Shard& home_shard() { return homes_[0]->context.shard; }

  template <class F>
  static void run_and_wait(Shard& shard, F work) {
    std::promise<void> done;
    shard.post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  void accept() {
    if (!acceptor_.is_open()) return;
    Home& home = *homes_[next_++ % homes_.size()];
    acceptor_.async_accept(home.context.shard.impl().io,
                           [this, &home](const boost::system::error_code& error, Socket socket) {
                             if (error == asio::error::operation_aborted || !acceptor_.is_open())
                               return;
                             if (error) {
                               home_shard().after(kAcceptPauseMs, [this] { accept(); });
                               return;
                             }
                             admit(home, std::move(socket));
                             accept();
                           });
  }

  void admit(Home& home, Socket socket) {
    boost::system::error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return;
    const std::string address = peer.address().to_string();
    if (accepted_ >= options_.connections_max ||
        per_address_[address] >= options_.connections_per_address_max ||
        (options_.may_connect && !options_.may_connect(address))) {
      if (per_address_[address] == 0) per_address_.erase(address);
      return;  // the socket closes
    }
    ++accepted_;
    ++per_address_[address];
    home.context.shard.post(
        [this, &home, socket = std::move(socket), address, port = peer.port()]() mutable {
          auto connection = std::make_shared<TcpConnection>(
              home.context, std::move(socket), address, address + ":" + std::to_string(port));
          home.connections.insert(connection);
          connection->start(make_sink_(connection), [this, &home](TcpConnection* gone) {
            home_shard().post([this, from = gone->peer_address()] { forget(from); });
            home.connections.erase(gone->shared_from_this());
          });
        });
  }

  void forget(const std::string& address) {
    --accepted_;
    const auto found = per_address_.find(address);
    if (--found->second == 0) per_address_.erase(found);
  }

  const Options options_;
  std::function<void(UniqueFunction<void()>)> run_blocking_;
  MakeSink make_sink_;
  asio::basic_socket_acceptor<tcp, asio::io_context::executor_type> acceptor_;
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<Home>> homes_;
  // The first shard's thread only.
  std::size_t next_ = 0;
  std::size_t accepted_ = 0;
  std::map<std::string, std::size_t> per_address_;
};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(
    Options options, std::span<Shard* const> shards,
    std::function<void(UniqueFunction<void()>)> run_blocking, MakeSink make_sink) {
  auto listener = std::make_unique<TcpListener>(std::move(options), shards, std::move(run_blocking),
                                                std::move(make_sink));
  PENSTOCK_RETURN_IF_ERROR(listener->bind());
  return listener;
}

}  // namespace penstock::net
