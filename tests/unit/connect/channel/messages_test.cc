#include "framework/connect/channel/messages.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace penstock::connect {
namespace {

Envelope round_trip(Message body) {
  Envelope e;
  e.id = 7;
  e.answers = 3;
  e.connector = "orders";
  e.generation = 12;
  e.body = std::move(body);
  return decode(encode(e).value()).value();
}

TEST(Messages, HelloKeepsEveryField) {
  message::Hello hello;
  hello.plugin_path = "/p/a.so";
  hello.plugin_sha256 = "abc";
  hello.class_name = "A";
  hello.worker_id = "h:1";
  hello.client = {{"bootstrap.servers", "x:1"}};
  hello.data_limit_bytes = std::numeric_limits<std::int64_t>::max();
  const auto back = round_trip(hello);
  EXPECT_EQ(back.id, 7U);
  EXPECT_EQ(back.answers, 3U);
  EXPECT_EQ(back.connector, "orders");
  EXPECT_EQ(back.generation, 12);
  const auto& got = std::get<message::Hello>(back.body);
  EXPECT_EQ(got.client, hello.client);
  EXPECT_EQ(got.class_name, "A");
  EXPECT_EQ(got.data_limit_bytes, hello.data_limit_bytes);
}

TEST(Messages, DefinitionKeepsNestedKeys) {
  message::Definition definition{"p", "1.0", {}};
  auto& connector = definition.connectors.emplace_back();
  connector.name = "S";
  connector.kind = "source";
  connector.aliases = {"java.S"};
  auto& key = connector.keys.emplace_back();
  key.name = "mode";
  key.kind = "string";
  key.fallback = "";
  key.max = 2.5;
  connector.keys.push_back({});
  const auto got = std::get<message::Definition>(round_trip(definition).body);
  ASSERT_EQ(got.connectors.size(), 1U);
  ASSERT_EQ(got.connectors[0].keys.size(), 2U);
  EXPECT_EQ(got.connectors[0].keys[0].fallback, "");
  EXPECT_EQ(got.connectors[0].keys[1].fallback, std::nullopt);
  EXPECT_EQ(got.connectors[0].keys[0].max, 2.5);
  EXPECT_EQ(got.connectors[0].aliases, connector.aliases);
}

TEST(Messages, OffsetsKeepTombstonesAndOrder) {
  message::StoreOffsets store{2, 9, {{"{\"b\":1,\"a\":2}", "{\"x\":1}"}, {"{}", std::nullopt}}};
  const auto got = std::get<message::StoreOffsets>(round_trip(store).body);
  EXPECT_EQ(got.sequence, 9);
  ASSERT_EQ(got.entries.size(), 2U);
  EXPECT_EQ(got.entries[0].partition, "{\"b\":1,\"a\":2}");
  EXPECT_EQ(got.entries[1].offset, std::nullopt);
}

TEST(Messages, MetricsLeaveOutWhatIsNoNumber) {
  const auto got = std::get<message::Metrics>(
      round_trip(
          message::Metrics{1, {{"records", 5}, {"bad", std::numeric_limits<double>::quiet_NaN()}}})
          .body);
  EXPECT_EQ(got.values, (std::map<std::string, double>{{"records", 5}}));
}

TEST(Messages, OffsetsThatAreNotUtf8AreRefusedButTracesArePatched) {
  Envelope e;
  e.body = message::StoreOffsets{0, 1, {{"\xff", "{}"}}};
  EXPECT_FALSE(encode(e));
  e.body = message::Failed{"caf\xe9", false};
  EXPECT_EQ(std::get<message::Failed>(decode(encode(e).value()).value().body).text,
            "caf\xEF\xBF\xBD");
}

TEST(Messages, WrongFieldsAreNamed) {
  EXPECT_EQ(decode(R"({"type":"pause_task","task":"x"})").error().text,
            "message pause_task: field task is not what it should be");
  EXPECT_EQ(decode(R"({"type":"pause_task","task":5000000000})").error().text,
            "message pause_task: field task is not what it should be");
  EXPECT_EQ(decode(R"({"type":"nope"})").error().text, "unknown message type 'nope'");
  EXPECT_EQ(decode(R"({"type":7})").error().text, "unknown message type ''");
  EXPECT_FALSE(decode(""));
  EXPECT_FALSE(decode("null"));
}

TEST(Messages, UnknownFieldsAreIgnored) {
  EXPECT_TRUE(decode(R"({"type":"done","later":[1,{"a":2}]})"));
}

TEST(Messages, MutatedFramesNeverCrash) {
  Envelope e;
  e.body = message::StartTask{3, {{"a", "b"}, {"c", "d"}}, true};
  const auto good = encode(e).value();
  std::mt19937 random(42);  // the seed is part of the test
  for (int i = 0; i < 20'000; ++i) {
    auto bad = good;
    for (unsigned n = 0; n < 1 + random() % 4; ++n)
      bad[random() % bad.size()] = static_cast<char>(random());
    if (random() % 3 == 0) bad.resize(random() % bad.size());
    const auto decoded = decode(bad);
    if (!decoded) {
      EXPECT_EQ(decoded.error().code, Errc::kInvalid);
    }
  }
}

}  // namespace
}  // namespace penstock::connect
