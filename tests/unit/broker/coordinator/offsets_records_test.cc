#include "broker/coordinator/offsets_records.h"

#include <gtest/gtest.h>

namespace penstock::broker {
namespace {

std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (const int b : list) out.push_back(static_cast<char>(b));
  return out;
}

TEST(OffsetsRecords, AnOffsetKeyIsKafkasVersion1) {
  const std::string key = encode_key(OffsetRecordKey{"gr", {"top", 7}});
  EXPECT_EQ(key, bytes({0, 1, 0, 2, 'g', 'r', 0, 3, 't', 'o', 'p', 0, 0, 0, 7}));
  const auto back = decode_key(key);
  ASSERT_TRUE(back);
  EXPECT_EQ(std::get<OffsetRecordKey>(*back).partition, (TopicPartition{"top", 7}));
}

TEST(OffsetsRecords, AnOffsetValueIsKafkasVersion3) {
  const CommittedOffset offset{258, 5, "md", 3};
  const std::string value = encode_value(offset);
  EXPECT_EQ(value, bytes({0, 3, 0, 0,   0,   0, 0, 0, 1, 2, 0, 0, 0,
                          5, 0, 2, 'm', 'd', 0, 0, 0, 0, 0, 0, 0, 3}));
  EXPECT_EQ(*decode_offset(value), offset);
}

TEST(OffsetsRecords, OlderAndNewerOffsetValuesAreRead) {
  const auto v1 = decode_offset(
      bytes({0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5}));
  ASSERT_TRUE(v1);
  EXPECT_EQ(*v1, (CommittedOffset{9, -1, "", 4, 5}));
  EXPECT_EQ(*decode_offset(encode_value(*v1)), *v1);
  const auto v4 = decode_offset(
      bytes({0, 4, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 2, 'm', 0, 0, 0, 0, 0, 0, 0, 4, 0}));
  ASSERT_TRUE(v4);
  EXPECT_EQ(*v4, (CommittedOffset{9, 1, "m", 4}));
}

TEST(OffsetsRecords, AGroupComesBackWithItsMembers) {
  Group group;
  group.id = "g";
  group.generation = 4;
  group.protocol_type = "connect";
  group.protocol = "sessioned";
  group.leader = "a";
  for (const char* id : {"a", "b"}) {
    Member m;
    m.id = id;
    m.client_id = "c";
    m.client_host = "/127.0.0.1";
    m.session_timeout_ms = 10'000;
    m.rebalance_timeout_ms = 60'000;
    m.protocols = {{"sessioned", std::string("meta") + id}};
    group.members.emplace(id, m);
  }
  group.members.at("b").instance_id = "static-b";
  const std::map<std::string, std::string> assignments{{"a", "x"}};
  const std::string value = encode_value(group, &assignments, 77);
  EXPECT_EQ(value.substr(0, 2), bytes({0, 3}));
  const auto back = decode_group("g", value);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->state, GroupState::kStable);
  EXPECT_EQ(back->generation, 4);
  EXPECT_EQ(back->state_since_ms, 77);
  EXPECT_EQ(back->members.at("a").assignment, "x");
  EXPECT_EQ(back->members.at("b").assignment, "");
  EXPECT_EQ(*back->members.at("b").metadata("sessioned"), "metab");
  EXPECT_EQ(back->static_members.at("static-b"), "b");
}

TEST(OffsetsRecords, CutOffBytesAreCorruptAtEveryLength) {
  const std::string key = encode_key(OffsetRecordKey{"gr", {"top", 7}});
  for (std::size_t n = 0; n < key.size(); ++n) EXPECT_FALSE(decode_key(key.substr(0, n)));
  const std::string value = encode_value(CommittedOffset{1, 2, "m", 3});
  for (std::size_t n = 0; n < value.size(); ++n) EXPECT_FALSE(decode_offset(value.substr(0, n)));
}

TEST(OffsetsRecords, KeysOfNewerGroupProtocolsAreToldApart) {
  const auto consumer = decode_key(bytes({0, 3, 0, 1, 'g'}));
  ASSERT_TRUE(consumer);
  EXPECT_EQ(std::get<ConsumerRecordKey>(*consumer).group, "g");
  const auto share = decode_key(bytes({0, 11, 0, 1, 'g'}));
  ASSERT_TRUE(share);
  EXPECT_EQ(std::get<OtherRecordKey>(*share).version, 11);
}

}  // namespace
}  // namespace penstock::broker
