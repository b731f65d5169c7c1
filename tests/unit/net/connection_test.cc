#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <future>
#include <optional>
#include <string>
#include <thread>

#include "framework/net/listener.h"

namespace penstock::net {
namespace {

constexpr int kTimeoutMs = 10'000;

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send_raw(std::string_view bytes) const {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void send(std::string_view body) const {
    std::string frame(4, '\0');
    store_be(reinterpret_cast<std::byte*>(frame.data()), static_cast<std::int32_t>(body.size()));
    send_raw(frame.append(body));
  }
  /// Nothing more will be sent.
  void end() const { ::shutdown(fd_, SHUT_WR); }
  [[nodiscard]] std::size_t receive_length() const {
    std::string length(4, '\0');
    return fill(length) ? static_cast<std::size_t>(load_be<std::int32_t>(
                              reinterpret_cast<const std::byte*>(length.data())))
                        : 0;
  }
  [[nodiscard]] std::string receive_rest(std::size_t bytes) const {
    std::string body(bytes, '\0');
    return fill(body) ? body : "";
  }
  /// nullopt: closed.
  std::optional<std::string> receive() const {
    std::string length(4, '\0');
    if (!fill(length)) return std::nullopt;
    std::string body(static_cast<std::size_t>(
                         load_be<std::int32_t>(reinterpret_cast<const std::byte*>(length.data()))),
                     '\0');
    if (!fill(body)) return std::nullopt;
    return body;
  }

 private:
  bool fill(std::string& to) const {
    for (std::size_t at = 0; at < to.size();) {
      pollfd wait{fd_, POLLIN, 0};
      if (::poll(&wait, 1, kTimeoutMs) <= 0) {
        ADD_FAILURE() << "no answer in time";
        return false;
      }
      const ssize_t got = ::recv(fd_, to.data() + at, to.size() - at, 0);
      if (got <= 0) return false;
      at += static_cast<std::size_t>(got);
    }
    return true;
  }
  int fd_;
};

Response answer_of(std::string_view text) {
  Response response;
  for (const char c : text) response.head.push_back(static_cast<std::byte>(c));
  return response;
}

/// Two shards behind a listener; what a frame does is up to the test.
class Net : public ::testing::Test {
 protected:
  using OnFrame =
      std::function<void(const std::shared_ptr<Connection>&, std::string, std::uint64_t)>;

  class Sink final : public FrameSink {
   public:
    Sink(Net& net, std::shared_ptr<Connection> connection)
        : net_(net), connection_(std::move(connection)) {}
    void on_frame(Frame frame, std::uint64_t sequence) override {
      net_.on_frame_(connection_, std::string(as_text(frame.bytes())), sequence);
    }
    void on_closed() override { ++net_.closed_; }

   private:
    Net& net_;
    std::shared_ptr<Connection> connection_;
  };

  void serve(OnFrame on_frame, Listener::Options options = {}) {
    on_frame_ = std::move(on_frame);
    std::vector<Shard*> shards{&one_, &two_};
    auto listener = Listener::open(
        options, shards, [](UniqueFunction<void()> work) { work(); },
        [this](std::shared_ptr<Connection> connection) {
          return std::make_unique<Sink>(*this, std::move(connection));
        });
    ASSERT_TRUE(listener) << listener.error().text;
    listener_ = std::move(*listener);
    one_.start();
    two_.start();
    listener_->start();
  }
  void TearDown() override {
    listener_->stop_accepting();
    listener_->close_connections(0);
    one_.stop();
    two_.stop();
  }
  static void echo(const std::shared_ptr<Connection>& connection, const std::string& text,
                   std::uint64_t sequence) {
    connection->answer(sequence, answer_of(text));
  }
  [[nodiscard]] std::uint16_t port() const { return listener_->port(); }

  Shard one_{0};
  Shard two_{1};
  OnFrame on_frame_;
  std::atomic<int> closed_{0};
  std::unique_ptr<Listener> listener_;
};

TEST_F(Net, FramesOfAnySizeComeThrough) {
  serve(echo);
  const Client client(port());
  for (const std::size_t size : {1U, 3U, 4095U, 16'380U, 16'384U, 16'385U, 100'000U, 3'000'000U}) {
    const std::string text(size, static_cast<char>('a' + size % 26));
    client.send(text);
    ASSERT_TRUE(client.receive() == text) << size;
  }
}
TEST_F(Net, AFrameMayArriveByteByByte) {
  serve(echo);
  const Client client(port());
  for (const char c : std::string("\0\0\0\3abc\0\0\0\1d", 12)) client.send_raw(std::string(1, c));
  EXPECT_EQ(client.receive(), "abc");
  EXPECT_EQ(client.receive(), "d");
}
TEST_F(Net, AnswersLeaveInTheOrderOfTheRequestsWhicheverThreadGivesThem) {
  std::vector<std::pair<std::shared_ptr<Connection>, std::uint64_t>> kept;
  serve([&](const auto& connection, const std::string&, std::uint64_t sequence) {
    kept.emplace_back(connection, sequence);
    if (kept.size() < 4) return;
    Shard& other = &connection->shard() == &one_ ? two_ : one_;
    // Its own: the test may be over before the last of it is done.
    other.post([all = std::move(kept)] {
      for (std::size_t i = all.size(); i-- > 0;) {
        if (i == 2)
          all[i].first->answer_nothing(all[i].second);
        else
          all[i].first->answer(all[i].second, answer_of(std::to_string(i)));
      }
    });
  });
  const Client client(port());
  for (int i = 0; i < 4; ++i) client.send("x");
  EXPECT_EQ(client.receive(), "0");
  EXPECT_EQ(client.receive(), "1");
  EXPECT_EQ(client.receive(), "3");
}
TEST_F(Net, AnAnswerDoesNotWaitForTheRestOfTheNextFrame) {
  serve(echo);
  const Client client(port());
  client.send_raw(std::string("\0\0\0\1a\0\0\0\3b", 10));
  EXPECT_EQ(client.receive(), "a");
  client.send_raw("cd");
  EXPECT_EQ(client.receive(), "bcd");
}
TEST_F(Net, AClientThatHasEndedItsSideGetsTheAnswersThatWereReady) {
  serve(echo);
  const Client client(port());
  client.send("a");
  client.send("b");
  client.end();
  EXPECT_EQ(client.receive(), "a");
  EXPECT_EQ(client.receive(), "b");
  EXPECT_EQ(client.receive(), std::nullopt);
}
TEST_F(Net, MoreThanATurnOfFramesIsAnsweredInOrder) {
  serve(echo);
  const Client client(port());
  constexpr int kFrames = 3000;
  const std::string filling(1000, 'x');
  const std::jthread sender([&] {
    for (int i = 0; i < kFrames; ++i) client.send(std::to_string(i) + filling);
  });
  for (int i = 0; i < kFrames; ++i) ASSERT_EQ(client.receive(), std::to_string(i) + filling);
}
TEST_F(Net, FileRangesAndBytesLeaveAsOneFrame) {
  const std::shared_ptr<std::FILE> file(std::tmpfile(), [](std::FILE* f) { std::fclose(f); });
  std::string content(1'500'000, ' ');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 23);
  ASSERT_EQ(std::fwrite(content.data(), 1, content.size(), file.get()), content.size());
  std::fflush(file.get());
  serve([&](const auto& connection, const std::string&, std::uint64_t sequence) {
    Response response = answer_of("head");
    response.pieces.emplace_back(FileRange{file, ::fileno(file.get()), 10, 1'400'000});
    response.pieces.emplace_back(std::vector<std::byte>(3, std::byte{'m'}));
    response.pieces.emplace_back(FileRange{file, ::fileno(file.get()), 0, 5});
    response.pieces.emplace_back(std::vector<std::byte>());
    connection->answer(sequence, std::move(response));
  });
  const Client client(port());
  client.send("x");
  client.send("y");
  const std::string expected =
      "head" + content.substr(10, 1'400'000) + "mmm" + content.substr(0, 5);
  EXPECT_TRUE(client.receive() == expected);
  EXPECT_TRUE(client.receive() == expected);
}
TEST_F(Net, AFileThatEndsEarlyIsToldOfAndClosesTheConnection) {
  Listener::Options options;
  std::promise<std::uint64_t> told;
  options.on_short_file = [&](const FileRange& range) { told.set_value(range.length); };
  const std::shared_ptr<std::FILE> file(std::tmpfile(), [](std::FILE* f) { std::fclose(f); });
  serve(
      [&](const auto& connection, const std::string&, std::uint64_t sequence) {
        Response response = answer_of("head");
        response.pieces.emplace_back(FileRange{file, ::fileno(file.get()), 0, 100});
        connection->answer(sequence, std::move(response));
      },
      options);
  const Client client(port());
  client.send("x");
  EXPECT_FALSE(client.receive());
  EXPECT_EQ(told.get_future().get(), 100U);
}
TEST_F(Net, FramesOverTheLimitNegativeAndEmptyOnesCloseTheConnection) {
  Listener::Options options;
  options.limits.frame_bytes_max = 100;
  serve(echo, options);
  for (const std::string_view length :
       {std::string_view("\0\0\0\x65", 4), std::string_view("\x80\0\0\0", 4),
        std::string_view("\0\0\0\0", 4)}) {
    const Client client(port());
    client.send_raw(length);
    EXPECT_FALSE(client.receive());
  }
  const Client client(port());
  client.send(std::string(100, 'x'));
  EXPECT_TRUE(client.receive());
}
TEST_F(Net, MoreFramesThanTheBudgetHoldsWaitForTheirTurn) {
  Listener::Options options;
  options.limits.queued_bytes_max = 20;
  options.limits.in_flight_max = 2;
  serve(echo, options);
  const Client a(port());
  const Client b(port());
  for (int i = 0; i < 200; ++i) {
    a.send(std::string(15, 'a'));
    b.send(std::string(15, 'b'));
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(a.receive(), std::string(15, 'a'));
    ASSERT_EQ(b.receive(), std::string(15, 'b'));
  }
}
TEST_F(Net, ALengthAloneHoldsUpNobody) {
  Listener::Options options;
  options.limits.queued_bytes_max = 4 << 20;
  serve(echo, options);
  std::vector<std::unique_ptr<Client>> liars;
  for (int i = 0; i < 8; ++i) {
    liars.push_back(std::make_unique<Client>(port()));
    liars.back()->send_raw(std::string_view("\x06\x40\0\0x", 5));
  }
  for (const std::size_t size : {100U, 60'000U, 900'000U}) {
    const Client a(port());
    const Client b(port());
    for (const Client* client : {&a, &b}) {
      client->send(std::string(size, 'x'));
      EXPECT_EQ(client->receive().value_or("").size(), size);
    }
  }
}
TEST_F(Net, FramesOverTheBudgetComeThroughOneAfterTheOther) {
  Listener::Options options;
  options.limits.queued_bytes_max = 1 << 20;
  serve(
      [](const auto& connection, const std::string& text, std::uint64_t sequence) {
        connection->answer(sequence, answer_of(std::to_string(text.size())));
      },
      options);
  constexpr int kClients = 6;
  std::vector<std::future<std::optional<std::string>>> answers;
  for (int i = 0; i < kClients; ++i) {
    answers.push_back(std::async(std::launch::async, [this] {
      const Client client(port());
      client.send(std::string(3'000'000, 'x'));
      return client.receive();
    }));
  }
  for (auto& answer : answers) EXPECT_EQ(answer.get(), "3000000");
}
TEST_F(Net, NothingIsReadWhileTooManyAnswerBytesWait) {
  Listener::Options options;
  options.limits.unsent_bytes_max = 1 << 20;
  std::atomic<int> delivered = 0;
  constexpr std::size_t kPieceBytes = 40 << 20;  // more than the socket's buffers take
  serve(
      [&](const auto& connection, const std::string&, std::uint64_t sequence) {
        ++delivered;
        Response response;
        response.pieces.emplace_back(std::vector<std::byte>(kPieceBytes));
        connection->answer(sequence, std::move(response));
      },
      options);
  const Client client(port());
  for (int i = 0; i < 3; ++i) client.send("x");
  const auto first = client.receive_length();
  EXPECT_EQ(first, kPieceBytes);
  EXPECT_EQ(delivered, 1);
  EXPECT_EQ(client.receive_rest(kPieceBytes).size(), kPieceBytes);
  EXPECT_EQ(client.receive().value_or("").size(), kPieceBytes);
}
TEST_F(Net, ConnectionsBeyondTheLimitOfAnAddressAreClosed) {
  Listener::Options options;
  options.connections_per_address_max = 2;
  serve(echo, options);
  const Client a(port());
  const Client b(port());
  for (const Client* client : {&a, &b}) {
    client->send("x");
    EXPECT_EQ(client->receive(), "x");
  }
  const Client c(port());
  EXPECT_FALSE(c.receive());
}
TEST_F(Net, AnIdleConnectionIsClosed) {
  Listener::Options options;
  options.limits.idle_ms_max = 50;
  serve(echo, options);
  const Client client(port());
  EXPECT_FALSE(client.receive());
}
TEST_F(Net, AFrameThatDoesNotComeToItsEndClosesTheConnection) {
  Listener::Options options;
  options.limits.frame_ms_max = 50;
  serve(echo, options);
  const Client client(port());
  client.send_raw(std::string_view("\0\0\0\x09half", 8));
  EXPECT_FALSE(client.receive());
}
TEST_F(Net, AConnectionThatAsksNothingIsClosedSooner) {
  Listener::Options options;
  options.limits.first_frame_ms_max = 50;
  serve(echo, options);
  const Client client(port());
  EXPECT_FALSE(client.receive());
}
TEST_F(Net, ASenderThatIsSlowAndSteadyIsWaitedFor) {
  Listener::Options options;
  options.limits.frame_ms_max = 50;
  options.limits.frame_rate_min = 1;
  serve(echo, options);
  const Client steady(port());
  steady.send_raw(std::string("\0\0\0\x20", 4) + std::string(31, 'x'));  // 31 s more
  const Client silent(port());
  silent.send_raw(std::string_view("\0\0\0\x09", 4));
  EXPECT_FALSE(silent.receive());
  steady.send_raw("x");
  EXPECT_EQ(steady.receive(), std::string(32, 'x'));
}
TEST_F(Net, AReaderThatTakesNothingOfItsAnswerIsClosed) {
  Listener::Options options;
  options.limits.idle_ms_max = 50;
  serve(
      [](const auto& connection, const std::string&, std::uint64_t sequence) {
        Response response;
        response.pieces.emplace_back(std::vector<std::byte>(40 << 20));
        connection->answer(sequence, std::move(response));
      },
      options);
  const Client client(port());
  client.send("x");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kTimeoutMs);
  while (closed_ == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(closed_, 1);
}
TEST_F(Net, ConnectionsBeyondTheLimitOfAllAreClosed) {
  Listener::Options options;
  options.connections_max = 1;
  serve(echo, options);
  const Client a(port());
  a.send("x");
  EXPECT_EQ(a.receive(), "x");
  const Client b(port());
  EXPECT_FALSE(b.receive());
}
TEST_F(Net, ConnectionsThatMayNotComeAreClosed) {
  Listener::Options options;
  options.may_connect = [asked = 0](const std::string& address) mutable {
    EXPECT_EQ(address, "127.0.0.1");
    return ++asked != 1;
  };
  serve(echo, options);
  const Client refused(port());
  EXPECT_FALSE(refused.receive());
  const Client taken(port());
  taken.send("x");
  EXPECT_EQ(taken.receive(), "x");
}
TEST_F(Net, APausedConnectionIsAnsweredAndReadAgainLater) {
  constexpr std::int64_t kPauseMs = 200;
  serve([](const auto& connection, const std::string& text, std::uint64_t sequence) {
    if (sequence == 0) connection->pause_reading(kPauseMs);
    connection->answer(sequence, answer_of(text));
  });
  const Client client(port());
  const auto begin = std::chrono::steady_clock::now();
  client.send("a");
  client.send("b");
  EXPECT_EQ(client.receive(), "a");
  EXPECT_EQ(client.receive(), "b");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(kPauseMs));
}
TEST_F(Net, DrainingAnswersWhatWasReadAndCloses) {
  std::promise<std::pair<std::shared_ptr<Connection>, std::uint64_t>> asked;
  serve([&](const auto& connection, const std::string&, std::uint64_t sequence) {
    asked.set_value({connection, sequence});
  });
  const Client idle(port());
  const Client busy(port());
  busy.send("x");
  auto [connection, sequence] = asked.get_future().get();
  listener_->drain();
  EXPECT_FALSE(idle.receive());
  connection->answer(sequence, answer_of("late"));
  EXPECT_EQ(busy.receive(), "late");
  EXPECT_FALSE(busy.receive());
}
TEST_F(Net, ASecondListenerOnThePortIsRefusedByName) {
  serve(echo);
  Shard shard(0);
  std::vector<Shard*> shards{&shard};
  Listener::Options options;
  options.port = port();
  const auto second = Listener::open(
      options, shards, [](UniqueFunction<void()>) {},
      [](std::shared_ptr<Connection>) { return nullptr; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kBusy);
  EXPECT_NE(second.error().text.find(std::to_string(port())), std::string::npos);
}

}  // namespace
}  // namespace penstock::net
