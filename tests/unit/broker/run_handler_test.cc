#include <stdexcept>

#include "broker/last_words.h"
#include "broker/session.h"
#include "tests/support/broker_process.h"
#include "tests/unit/broker/broker_in_process.h"

namespace penstock::broker {
namespace {

using penstock::testing::TempDirectory;

/// Remembers what was done to it.
class FakeConnection final : public net::Connection {
 public:
  explicit FakeConnection(net::Shard& shard) : shard_(shard) {}
  net::Shard& shard() override { return shard_; }
  const std::string& peer() const override { return peer_; }
  const std::string& peer_address() const override { return peer_; }
  void answer(std::uint64_t, net::Response) override { ++answers; }
  void answer_nothing(std::uint64_t) override {}
  void pause_reading(std::int64_t) override {}
  void close() override { closed = true; }

  int answers = 0;
  bool closed = false;

 private:
  net::Shard& shard_;
  const std::string peer_ = "peer";
};

void throws(RequestContext, ByteSpan, ReplyTo) { throw std::out_of_range("map::at"); }

TEST(RunHandler, WhatEscapesFromAHandlerClosesItsConnectionOnly) {
  const TempDirectory directory;
  BrokerInProcess broker(directory.path());
  broker.open();
  const bool closed = broker.on_shard([&] {
    BrokerShard& shard = broker->shard(0);
    const auto connection = std::make_shared<FakeConnection>(shard.io());
    RequestContext context{shard, nullptr, protocol::ApiKey::kMetadata, 1, "", "peer", {}};
    run_handler(throws, std::move(context), {},
                ReplyTo(connection, 0, protocol::ApiKey::kMetadata, 1, 7));
    return connection->closed && connection->answers == 0;
  });
  EXPECT_TRUE(closed);
  EXPECT_TRUE(broker.create("t")) << "the broker goes on";
}
TEST(RunHandlerDeathTest, WhatEscapesFromAPartitionsOwnerEndsTheProcessWithAWord) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        install_last_words();
        const TempDirectory directory;
        BrokerInProcess broker(directory.path());
        broker.open();
        static_cast<void>(broker.create("t"));
        const PartitionRef partition = broker.partition("t");
        PartitionHandle::on_owner(partition,
                                  [](Partition*) { throw std::out_of_range("half a step"); });
        broker.on_shard([] { return 0; });
      },
      "an exception ends the process: thread shard-0: half a step");
}

}  // namespace
}  // namespace penstock::broker
