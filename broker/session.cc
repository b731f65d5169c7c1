#include "broker/session.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include "broker/api_table.h"
#include "broker/client_quotas.h"
#include "framework/protocol/request_header.h"

namespace penstock::broker {

using protocol::ApiKey;

namespace {

constexpr int kComplaintsPerSecond = 10;

/// Why a client is refused, a few times a second and no more: nobody who connects may fill the log,
/// nor stall the shards where nobody reads it. Any thread.
template <class... Args>
void complain(spdlog::level::level_enum level, spdlog::format_string_t<Args...> format,
              Args&&... args) {
  static std::atomic<std::int64_t> second{0};
  static std::atomic<int> said{0};
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::steady_clock::now().time_since_epoch())
                               .count();
  if (second.exchange(now) != now) said = 0;
  if (said.fetch_add(1) < kComplaintsPerSecond)
    spdlog::log(level, format, std::forward<Args>(args)...);
}

}  // namespace

ReplyTo::ReplyTo(std::shared_ptr<net::Connection> connection, std::uint64_t sequence, ApiKey api,
                 std::int16_t version, std::int32_t correlation_id)
    : connection_(std::move(connection)),
      sequence_(sequence),
      correlation_id_(correlation_id),
      api_(api),
      version_(version) {}

ReplyTo::~ReplyTo() {
  if (connection_) connection_->close();
}

net::Response ReplyTo::begin() const {
  net::Response out;
  out.head.reserve(256);
  protocol::write_response_header(out.head, api_, version_, correlation_id_);
  return out;
}

void ReplyTo::send(net::Response response) {
  PENSTOCK_ASSERT(connection_);
  std::exchange(connection_, nullptr)->answer(sequence_, std::move(response));
}

std::int32_t ReplyTo::throttle() {
  if (!time_) return 0;
  const std::int32_t wait_ms = std::exchange(time_, nullptr)->charge();
  if (wait_ms == 0 || !connection_) return wait_ms;
  net::Shard& home = connection_->shard();
  if (home.here())
    connection_->pause_reading(wait_ms);
  else
    home.post([connection = connection_, wait_ms] { connection->pause_reading(wait_ms); });
  return wait_ms;
}

void ReplyTo::pause_client(std::int32_t ms) {
  PENSTOCK_ASSERT(connection_);
  connection_->pause_reading(ms);
}

void ReplyTo::send_nothing() {
  PENSTOCK_ASSERT(connection_);
  throttle();
  std::exchange(connection_, nullptr)->answer_nothing(sequence_);
}

void ReplyTo::close_connection() {
  if (connection_) std::exchange(connection_, nullptr)->close();
}

void ReplyTo::refuse_malformed() {
  if (connection_)
    complain(spdlog::level::info, "{}: closing the connection: malformed {} version {}",
             connection_->peer(), to_string(api_), version_);
  close_connection();
}

void ReplyTo::refuse_too_long() {
  complain(spdlog::level::info,
           "{}: closing the connection: the answer to {} version {} has a text over {} bytes",
           connection_->peer(), to_string(api_), version_, protocol::kTextBytesMax);
  close_connection();
}

void run_handler(Handler handler, RequestContext context, ByteSpan body, ReplyTo reply) {
  const ApiKey api = context.api;
  const std::int16_t version = context.version;
  const std::string peer = context.peer_address;
  try {
    // The reply that it takes closes the connection when it dies unused.
    handler(std::move(context), body, std::move(reply));
  } catch (const std::exception& error) {
    complain(spdlog::level::err, "{}: closing the connection: {} version {} failed: {}", peer,
             to_string(api), version, error.what());
  }
}

Session::Session(BrokerShard& shard, std::shared_ptr<net::Connection> connection)
    : shard_(shard), connection_(std::move(connection)) {}

void Session::on_frame(net::Frame frame, std::uint64_t sequence) {
  const auto header = protocol::read_request_header(frame.bytes());
  if (!header) return connection_->close();
  const Api* api = find_handler(header->api);
  std::int16_t version = header->version;
  if (api == nullptr) {
    complain(spdlog::level::info, "{}: closing the connection: API key {} is not supported",
             connection_->peer(), static_cast<int>(header->api));
    return connection_->close();
  }
  if (version < api->low || version > api->high) {
    // ApiVersions answers an unknown version in version 0, so that the client can try again
    // (KIP-35).
    if (header->api != ApiKey::kApiVersions) {
      complain(spdlog::level::info, "{}: closing the connection: {} version {} is not supported",
               connection_->peer(), to_string(header->api), version);
      return connection_->close();
    }
    version = kUnknownVersion;
  }
  ReplyTo reply(connection_, sequence, header->api,
                version == kUnknownVersion ? std::int16_t{0} : version, header->correlation_id);
  const ByteSpan body =
      version == kUnknownVersion ? ByteSpan() : frame.bytes().subspan(header->size_bytes);
  RequestContext context{shard_,
                         shared_from_this(),
                         header->api,
                         version,
                         header->client_id.value_or(""),
                         connection_->peer_address(),
                         std::move(frame)};
  // Markers are between brokers, which have no quota, though administrators send them too.
  const bool timed =
      header->api != ApiKey::kWriteTxnMarkers && shard_.broker().quotas().limits_time();
  auto time = timed ? RequestTime::of(shard_.broker(), std::string(context.client_id)) : nullptr;
  if (time) reply.measure(time);
  const RequestTime::Part part(std::move(time));
  run_handler(api->handler, std::move(context), body, std::move(reply));
}

void Session::on_closed() {
  open_ = false;
  const auto polls = std::exchange(long_polls_, {});
  for (const auto& poll : polls) poll->cancel();
  shard_.sessions().erase(this);
  connection_.reset();
}

void Session::add_long_poll(const std::shared_ptr<LongPoll>& poll) {
  long_polls_.insert(poll);
  if (shard_.stopping()) poll->finish_now();
}

void Session::finish_long_polls() {
  const auto polls = long_polls_;
  for (const auto& poll : polls) poll->finish_now();
}

namespace {
class SessionSink final : public net::FrameSink {
 public:
  explicit SessionSink(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  void on_frame(net::Frame frame, std::uint64_t sequence) override {
    session_->on_frame(std::move(frame), sequence);
  }
  void on_closed() override { session_->on_closed(); }

 private:
  std::shared_ptr<Session> session_;
};
}  // namespace

std::unique_ptr<net::FrameSink> make_session(Broker& broker,
                                             std::shared_ptr<net::Connection> connection) {
  BrokerShard& shard = broker.shard(static_cast<std::size_t>(connection->shard().index()));
  auto session = std::make_shared<Session>(shard, std::move(connection));
  shard.sessions().insert(session.get());
  return std::make_unique<SessionSink>(std::move(session));
}

}  // namespace penstock::broker
