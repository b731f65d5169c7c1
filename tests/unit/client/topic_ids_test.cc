#include "framework/client/topic_ids.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "framework/client/connection.h"
#include "framework/protocol/messages/create_topics.h"
#include "framework/protocol/messages/delete_topics.h"
#include "tests/support/broker_process.h"

namespace penstock::client {
namespace {

constexpr int kTimeoutMs = 10'000;

class TopicIds : public ::testing::Test {
 protected:
  void create(std::string_view topic) {
    protocol::CreateTopicsRequest request;
    auto& one = request.topics.emplace_back();
    one.name = topic;
    one.partitions = 1;
    one.replication_factor = 1;
    request.timeout_ms = kTimeoutMs;
    const auto answer = connection_.ask<protocol::CreateTopicsResponse>(
        protocol::ApiKey::kCreateTopics, 5, request, kTimeoutMs);
    ASSERT_TRUE(answer) << answer.error().text;
    ASSERT_EQ(answer->topics.at(0).error, protocol::ErrorCode::kNone);
  }
  void remove(std::string_view topic) {
    protocol::DeleteTopicsRequest request;
    request.names.emplace_back(topic);
    request.timeout_ms = kTimeoutMs;
    const auto answer = connection_.ask<protocol::DeleteTopicsResponse>(
        protocol::ApiKey::kDeleteTopics, 4, request, kTimeoutMs);
    ASSERT_TRUE(answer) << answer.error().text;
    ASSERT_EQ(answer->topics.at(0).error, protocol::ErrorCode::kNone);
  }
  testing::TempDirectory directory_;
  testing::BrokerProcess broker_{directory_.path()};
  Connection connection_ =
      Connection::open({"127.0.0.1", std::to_string(broker_.port())}, kTimeoutMs).value();
};

TEST_F(TopicIds, ATopicThatIsMadeAgainHasAnotherId) {
  create("t");
  const auto first = topic_ids("127.0.0.1:1," + broker_.address(), {"t", "missing"}, kTimeoutMs);
  ASSERT_TRUE(first) << first.error().text;
  ASSERT_EQ(first->size(), 1U);
  EXPECT_EQ(topic_ids(broker_.address(), {"t"}, kTimeoutMs)->at("t"), first->at("t"));
  remove("t");
  EXPECT_TRUE(topic_ids(broker_.address(), {"t"}, kTimeoutMs)->empty());
  create("t");
  EXPECT_NE(topic_ids(broker_.address(), {"t"}, kTimeoutMs)->at("t"), first->at("t"));
}

TEST(Bootstrap, IsReadAsClientsReadIt) {
  const auto all = parse_bootstrap("a:1, PLAINTEXT://b:2 ,,c,[::1]:3,[::2]");
  std::string shown;
  for (const auto& one : all) shown += one.host + " " + one.port + "; ";
  EXPECT_EQ(shown, "a 1; b 2; c 9092; ::1 3; ::2 9092; ");
}

TEST(Bootstrap, NobodyThereIsUnavailable) {
  const auto none = topic_ids("127.0.0.1:1", {"t"}, kTimeoutMs);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::kUnavailable);
}

TEST(ClientConnection, ATooLongAnswerIsRefusedBeforeItIsRead) {
  UniqueFd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  ASSERT_EQ(::listen(server.get(), 1), 0);
  socklen_t size = sizeof at;
  ASSERT_EQ(::getsockname(server.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
  std::thread answering([&] {
    const UniqueFd peer(::accept(server.get(), nullptr, nullptr));
    char question[256];
    static_cast<void>(::recv(peer.get(), question, sizeof question, 0));
    const unsigned char length[] = {0x7F, 0xFF, 0xFF, 0xFF};
    static_cast<void>(::send(peer.get(), length, sizeof length, MSG_NOSIGNAL));
  });
  const auto ids = topic_ids("127.0.0.1:" + std::to_string(ntohs(at.sin_port)), {"t"}, kTimeoutMs);
  answering.join();
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().text, "reading topic ids: an answer of 2147483647 bytes");
}

}  // namespace
}  // namespace penstock::client
