#pragma once

#include <memory>
#include <set>
#include <string>

#include "broker/handler.h"
#include "framework/net/connection.h"

namespace penstock::broker {

/// A request that is answered later because it waits for something. Shard of its connection only.
class LongPoll {
 public:
  virtual ~LongPoll() = default;
  /// Answers with what there is; the broker stops.
  virtual void finish_now() = 0;
  /// The client is gone: nobody needs the answer.
  virtual void cancel() = 0;
};

/// One client connection, as the broker sees it. Shard's thread only.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(BrokerShard& shard, std::shared_ptr<net::Connection> connection);

  void on_frame(net::Frame frame, std::uint64_t sequence);
  void on_closed();

  /// Both by whoever waits; `poll` stays alive while it is in. When the broker is stopping, adding
  /// finishes it at once.
  void add_long_poll(const std::shared_ptr<LongPoll>& poll);
  void remove_long_poll(const std::shared_ptr<LongPoll>& poll) { long_polls_.erase(poll); }
  void finish_long_polls();
  /// False once the client is gone.
  [[nodiscard]] bool open() const { return open_; }

  /// What ApiVersions said (KIP-511); empty before.
  std::string client_software;

 private:
  BrokerShard& shard_;
  std::shared_ptr<net::Connection> connection_;
  std::set<std::shared_ptr<LongPoll>> long_polls_;
  bool open_ = true;
};

/// Runs the handler of a request. What escapes from it is logged with the API's name, and the
/// connection is closed. That is right for what a handler does by itself, on its connection's
/// shard: it holds nothing but the request, and that goes. It would be wrong for what it does to a
/// partition or a coordinator, so that is noexcept (PartitionHandle::on_owner): half a step there
/// is a state that nobody has thought of, and must not be answered from nor stored. Then the
/// process says why and dies (last_words.h); a start reads what is on the disk.
void run_handler(Handler handler, RequestContext context, ByteSpan body, ReplyTo reply);

/// The sink that the listener hands frames to.
std::unique_ptr<net::FrameSink> make_session(Broker& broker,
                                             std::shared_ptr<net::Connection> connection);

}  // namespace penstock::broker
