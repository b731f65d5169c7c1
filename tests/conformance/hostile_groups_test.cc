#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "framework/protocol/messages/consumer_group_heartbeat.h"
#include "framework/protocol/messages/find_coordinator.h"
#include "framework/protocol/messages/init_producer_id.h"
#include "framework/protocol/messages/join_group.h"
#include "framework/protocol/messages/offset_commit.h"
#include "framework/protocol/messages/offset_fetch.h"
#include "hostile_input.h"

namespace penstock::testing {
namespace {

using namespace protocol;

class HostileGroups : public HostileInput {
 protected:
  static constexpr std::string_view kMark = "the-name-that-grows";

  void SetUp() override {
    ASSERT_EQ(create("t"), ErrorCode::kNone);
    for (const std::int8_t type : {std::int8_t{0}, std::int8_t{1}}) {
      FindCoordinatorRequest find;
      find.key_type = type;
      find.keys = {"g"};
      wait_until([&] {
        return ask<FindCoordinatorResponse>(ApiKey::kFindCoordinator, 4, find)
                   .coordinators.at(0)
                   .error == ErrorCode::kNone;
      });
    }
    wait_until([&] { return commit("g", 1) == ErrorCode::kNone; });
  }
  static void wait_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20) * kTimeScale;
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }
  static OffsetCommitRequest commit_of(std::string_view group, std::int64_t offset) {
    OffsetCommitRequest request;
    request.group_id = group;
    request.topics = {{"t", {}, {{0, Offset(offset), -1, ""}}}};
    return request;
  }
  ErrorCode commit(std::string_view group, std::int64_t offset) {
    return ask<OffsetCommitResponse>(ApiKey::kOffsetCommit, 8, commit_of(group, offset))
        .topics.at(0)
        .partitions.at(0)
        .error;
  }
  /// The request with `bytes` of text in the place of kMark.
  template <class Request>
  bool is_refused_with(ApiKey api, std::int16_t version, const Request& request,
                       std::size_t bytes) {
    Bytes body;
    encode(request, body, version, true);
    Bytes mark;
    put(mark, kMark.size() + 1);
    const ByteView text = as_bytes(kMark);
    mark.insert(mark.end(), text.begin(), text.end());
    const auto at = std::search(body.begin(), body.end(), mark.begin(), mark.end());
    EXPECT_NE(at, body.end());
    Bytes grown(body.begin(), at);
    put(grown, bytes + 1);
    grown.insert(grown.end(), bytes, std::byte{'g'});
    grown.insert(grown.end(), at + static_cast<std::ptrdiff_t>(mark.size()), body.end());
    return is_refused(api, version, grown);
  }
  ErrorCode beat(std::string_view member, std::int32_t epoch, std::string_view instance) {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = "consumers";
    request.member_id = member;
    request.member_epoch = epoch;
    request.instance_id = instance;
    request.rebalance_timeout_ms = 60'000;
    request.topics = {"t"};
    request.owned.emplace();
    return ask<ConsumerGroupHeartbeatResponse>(ApiKey::kConsumerGroupHeartbeat, 1, request).error;
  }
};

TEST_F(HostileGroups, NamesThatNoRecordCanHoldAreRefusedAndThePartitionIsReadAgain) {
  JoinGroupRequest join;
  join.group_id = "g2";
  join.session_timeout_ms = 10'000;
  join.rebalance_timeout_ms = 10'000;
  join.protocol_type = "consumer";
  join.protocols = {{"range", {}}};
  JoinGroupRequest protocol_name = join;
  protocol_name.protocols = {{kMark, {}}};
  JoinGroupRequest instance = join;
  instance.instance_id = kMark;
  InitProducerIdRequest producer;
  producer.transactional_id = kMark;
  producer.transaction_timeout_ms = 60'000;
  ConsumerGroupHeartbeatRequest beat;
  beat.group_id = "g3";
  beat.member_id = kMark;
  beat.rebalance_timeout_ms = 60'000;
  beat.topics = {"t"};
  beat.owned.emplace();
  ConsumerGroupHeartbeatRequest regex = beat;
  regex.member_id = "m";
  regex.regex = kMark;
  for (const std::size_t bytes : {std::size_t{32'768}, std::size_t{40'000}, std::size_t{65'540}}) {
    EXPECT_TRUE(is_refused_with(ApiKey::kOffsetCommit, 8, commit_of(kMark, 5), bytes));
    EXPECT_TRUE(is_refused_with(ApiKey::kJoinGroup, 9, protocol_name, bytes));
    EXPECT_TRUE(is_refused_with(ApiKey::kJoinGroup, 9, instance, bytes));
    EXPECT_TRUE(is_refused_with(ApiKey::kInitProducerId, 4, producer, bytes));
    EXPECT_TRUE(is_refused_with(ApiKey::kConsumerGroupHeartbeat, 1, beat, bytes));
    EXPECT_TRUE(is_refused_with(ApiKey::kConsumerGroupHeartbeat, 1, regex, bytes));
  }
  // The longest that Kafka takes is taken, and comes back.
  wait_until([&] { return commit(std::string(32'767, 'g'), 1) == ErrorCode::kNone; });
  EXPECT_FALSE(is_refused_with(ApiKey::kInitProducerId, 4, producer, 32'767));
  restart();
  for (const std::string& group : {std::string("g"), std::string(32'767, 'g')})
    wait_until([&] { return commit(group, 2) == ErrorCode::kNone; });
  producer.transactional_id = "tx";
  wait_until([&] {
    return ask<InitProducerIdResponse>(ApiKey::kInitProducerId, 4, producer).error ==
           ErrorCode::kNone;
  });
}
TEST_F(HostileGroups, AClientIdOfTheLongestKindStillMakesAMemberId) {
  JoinGroupRequest join;
  join.group_id = "g4";
  join.session_timeout_ms = 10'000;
  join.rebalance_timeout_ms = 10'000;
  join.protocol_type = "consumer";
  join.protocols = {{"range", {}}};
  const std::string client_id(32'767, 'c');
  RawClient client(broker_.port());
  Bytes frame;
  write_request_header(frame, {ApiKey::kJoinGroup, 5, 1, client_id, 0});
  encode(join, frame, 5, false);
  client.send_frame(frame);
  const auto first = client.receive_as<JoinGroupResponse>(ApiKey::kJoinGroup, 5, 1);
  EXPECT_EQ(first.error, ErrorCode::kMemberIdRequired);
  EXPECT_EQ(first.member_id.size(), 32'767U);
  join.member_id = first.member_id;
  EXPECT_EQ(ask<JoinGroupResponse>(ApiKey::kJoinGroup, 5, join).error, ErrorCode::kNone);
}
TEST_F(HostileGroups, AMemberThatChangesItsInstanceIdLeavesNothingBehind) {
  wait_until([&] { return beat("m2", 0, "A") == ErrorCode::kNone; });
  EXPECT_EQ(beat("m2", 0, "B"), ErrorCode::kNone);
  EXPECT_EQ(beat("m2", -1, "B"), ErrorCode::kNone);
  EXPECT_EQ(beat("m3", 1, "A"), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(beat("m3", 0, "A"), ErrorCode::kNone);
  // A member that takes over the place of an instance that left for a while.
  EXPECT_EQ(beat("m4", 0, "C"), ErrorCode::kNone);
  EXPECT_EQ(beat("m3", -2, "A"), ErrorCode::kNone);
  EXPECT_EQ(beat("m4", 0, "A"), ErrorCode::kNone);
  EXPECT_EQ(beat("m4", -1, "A"), ErrorCode::kNone);
  EXPECT_EQ(beat("m5", 1, "C"), ErrorCode::kUnknownMemberId);
  restart();
  wait_until([&] { return beat("m5", 0, "C") == ErrorCode::kNone; });
  EXPECT_EQ(beat("m6", 0, "A"), ErrorCode::kNone);
}

}  // namespace
}  // namespace penstock::testing
