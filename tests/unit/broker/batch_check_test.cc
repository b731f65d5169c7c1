#include "broker/batch_check.h"

#include <gtest/gtest.h>

#include "broker/topics.h"

namespace penstock::broker {
namespace {

using protocol::ErrorCode;

constexpr std::int64_t kNow = 1'700'000'000'000;

std::vector<std::byte> batch(std::optional<std::string_view> key, std::int64_t timestamp_ms = kNow,
                             record::Codec codec = record::Codec::kNone) {
  record::BatchBuilder::Options options;
  options.codec = codec;
  record::BatchBuilder builder(options);
  builder.add(timestamp_ms, "first", "value");
  builder.add(timestamp_ms, key, "value");
  return builder.finish();
}
BatchCheck check(std::vector<std::byte> bytes, const TopicSettings& settings = {},
                 std::int16_t version = 9) {
  OpenedBytes opened(bytes.size());
  return check_batch(bytes, settings, version, kNow, opened);
}

TEST(BatchCheck, ASoundBatchPasses) { EXPECT_EQ(check(batch("k")).error, ErrorCode::kNone); }
TEST(BatchCheck, EveryFlippedBitBehindTheEpochIsFound) {
  const auto good = batch("k");
  for (std::size_t at = 16; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto bad = good;
      bad[at] ^= static_cast<std::byte>(1 << bit);
      EXPECT_NE(check(bad).error, ErrorCode::kNone) << at << "." << bit;
    }
  }
}
TEST(BatchCheck, EveryCutIsFound) {
  const auto good = batch("k");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(check({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}).error,
              ErrorCode::kNone)
        << size;
  }
}
TEST(BatchCheck, ItsErrorsAreKafkas) {
  const auto with = [](std::size_t at, auto value) {
    auto bytes = batch("k");
    store_be(bytes.data() + at, value);
    return check(bytes).error;
  };
  EXPECT_EQ(check({}).error, ErrorCode::kInvalidRecord);
  EXPECT_EQ(with(0, std::int64_t{5}), ErrorCode::kInvalidRecord) << "base offset";
  EXPECT_EQ(with(8, std::int32_t{1 << 20}), ErrorCode::kInvalidRecord) << "length";
  EXPECT_EQ(with(8, std::int32_t{20}), ErrorCode::kCorruptMessage) << "length";
  EXPECT_EQ(with(16, std::int8_t{1}), ErrorCode::kInvalidRecord) << "magic";
  EXPECT_EQ(with(16, std::int8_t{3}), ErrorCode::kCorruptMessage) << "magic";
  TopicSettings settings;
  settings.timestamp_type = record::TimestampType::kLogAppend;
  auto stamped = batch("k");
  record::set_log_append_time(stamped, kNow);
  EXPECT_EQ(check(stamped, settings).error, ErrorCode::kInvalidTimestamp);
}
TEST(BatchCheck, TheRecordsAtFaultAreNamed) {
  TopicSettings settings;
  settings.timestamp_after_max_ms = 1000;
  for (const record::Codec codec : {record::Codec::kNone, record::Codec::kGzip}) {
    record::BatchBuilder::Options options;
    options.codec = codec;
    record::BatchBuilder builder(options);
    builder.add(kNow, "first", "value");
    for (int i = 0; i < 150; ++i) builder.add(kNow + 2000, std::nullopt, "value");
    settings.check_compressed = true;
    const BatchCheck late = check(builder.finish(), settings);
    EXPECT_EQ(late.error, ErrorCode::kInvalidTimestamp);
    ASSERT_EQ(late.faults.size(), BatchCheck::kFaultsMax);
    EXPECT_EQ(late.faults[0].index, 1);
    EXPECT_EQ(late.faults[0].text,
              "Timestamp " + std::to_string(kNow + 2000) + " is out of range.");
  }
  settings.log.cleanup_policy = log::CleanupPolicy::kCompact;
  const BatchCheck unkeyed = check(batch(std::nullopt), settings);
  EXPECT_EQ(unkeyed.error, ErrorCode::kInvalidRecord);
  ASSERT_EQ(unkeyed.faults.size(), 1U);
  EXPECT_EQ(unkeyed.faults[0].index, 1);
}
TEST(BatchCheck, ACompactedTopicNeedsKeysAlsoInCompressedBatches) {
  TopicSettings settings;
  settings.log.cleanup_policy = log::CleanupPolicy::kCompact;
  for (const record::Codec codec :
       {record::Codec::kNone, record::Codec::kGzip, record::Codec::kLz4}) {
    EXPECT_EQ(check(batch("k", kNow, codec), settings).error, ErrorCode::kNone);
    EXPECT_EQ(check(batch(std::nullopt, kNow, codec), settings).error, ErrorCode::kInvalidRecord);
    EXPECT_EQ(check(batch(std::nullopt, kNow, codec)).error, ErrorCode::kNone);
  }
}
TEST(BatchCheck, TimestampsTooFarFromTheClockAreRefused) {
  TopicSettings settings;
  settings.timestamp_after_max_ms = 1000;
  settings.timestamp_before_max_ms = 1000;
  EXPECT_EQ(check(batch("k", kNow + 1000), settings).error, ErrorCode::kNone);
  EXPECT_EQ(check(batch("k", kNow + 1001), settings).error, ErrorCode::kInvalidTimestamp);
  EXPECT_EQ(check(batch("k", kNow - 1001), settings).error, ErrorCode::kInvalidTimestamp);
}
TEST(BatchCheck, LogAppendTimeStampsTheBatchAndKeepsItsCrcRight) {
  TopicSettings settings;
  settings.timestamp_type = record::TimestampType::kLogAppend;
  auto bytes = batch("k", 5);
  OpenedBytes opened(bytes.size());
  const BatchCheck result = check_batch(bytes, settings, 9, kNow, opened);
  EXPECT_EQ(result.error, ErrorCode::kNone);
  EXPECT_EQ(result.log_append_time_ms, kNow);
  const auto stamped = record::BatchView::parse(bytes);
  ASSERT_TRUE(stamped);
  EXPECT_TRUE(stamped->crc_matches());
  EXPECT_EQ(stamped->header().max_timestamp_ms, kNow);
}
TEST(BatchCheck, ABatchOverTheTopicsLimitIsTooLarge) {
  TopicSettings settings;
  const auto bytes = batch("k");
  settings.max_message_bytes = static_cast<std::int32_t>(bytes.size());
  EXPECT_EQ(check(bytes, settings).error, ErrorCode::kNone);
  --settings.max_message_bytes;
  EXPECT_EQ(check(bytes, settings).error, ErrorCode::kMessageTooLarge);
}

/// The batch with its records replaced by what `change` makes of them, and a right CRC.
template <class F>
std::vector<std::byte> with_records(std::vector<std::byte> bytes, F change) {
  std::vector<std::byte> records(bytes.begin() + record::kBatchHeaderBytes, bytes.end());
  change(records);
  bytes.resize(record::kBatchHeaderBytes);
  bytes.insert(bytes.end(), records.begin(), records.end());
  store_be(bytes.data() + 8, static_cast<std::int32_t>(bytes.size() - record::kBatchOverheadBytes));
  record::set_max_timestamp(bytes, kNow);
  return bytes;
}
TEST(BatchCheck, RecordsThatNoConsumerCouldReadAreRefusedWhateverTheirCrcSays) {
  for (const record::Codec codec :
       {record::Codec::kNone, record::Codec::kGzip, record::Codec::kSnappy, record::Codec::kLz4,
        record::Codec::kZstd}) {
    const auto garbage = with_records(batch("k", kNow, codec),
                                      [](auto& records) { records.assign(40, std::byte{0x5A}); });
    EXPECT_EQ(check(garbage).error, ErrorCode::kInvalidRecord);
    const auto behind = with_records(batch("k", kNow, codec),
                                     [](auto& records) { records.push_back(std::byte{0}); });
    EXPECT_EQ(check(behind).error, ErrorCode::kInvalidRecord);
    const auto cut =
        with_records(batch("k", kNow, codec), [](auto& records) { records.pop_back(); });
    EXPECT_EQ(check(cut).error, ErrorCode::kInvalidRecord);
    auto more = batch("k", kNow, codec);
    store_be(more.data() + 23, std::int32_t{999});
    store_be(more.data() + 57, std::int32_t{1000});
    record::set_max_timestamp(more, kNow);
    EXPECT_EQ(check(more).error, ErrorCode::kInvalidRecord);
  }
}
TEST(BatchCheck, CompressedRecordsAreOpenedOnlyWhenAskedFor) {
  TopicSettings settings;
  settings.check_compressed = false;
  const auto garbage = [](record::Codec codec) {
    return with_records(batch("k", kNow, codec),
                        [](auto& records) { records.assign(40, std::byte{0x5A}); });
  };
  EXPECT_EQ(check(garbage(record::Codec::kLz4), settings).error, ErrorCode::kNone);
  EXPECT_EQ(check(garbage(record::Codec::kNone), settings).error, ErrorCode::kInvalidRecord);
}
TEST(BatchCheck, AWrongMaxTimestampIsPutRight) {
  auto bytes = batch("k", kNow - 5);
  record::set_max_timestamp(bytes, kNow);
  OpenedBytes opened(bytes.size());
  const BatchCheck result = check_batch(bytes, {}, 9, kNow, opened);
  EXPECT_EQ(result.error, ErrorCode::kNone);
  EXPECT_EQ(result.header.max_timestamp_ms, kNow - 5);
  const auto stored = record::BatchView::parse(bytes);
  ASSERT_TRUE(stored);
  EXPECT_TRUE(stored->crc_matches());
  EXPECT_EQ(stored->header().max_timestamp_ms, kNow - 5);
}
TEST(BatchCheck, ATimestampBehindTheHeadersBackIsFound) {
  TopicSettings settings;
  settings.timestamp_after_max_ms = 1000;
  auto bytes = batch("k", kNow + 1001);
  record::set_max_timestamp(bytes, kNow);
  EXPECT_EQ(check(bytes, settings).error, ErrorCode::kInvalidTimestamp);
}

TEST(TopicName, KafkasRuleHolds) {
  for (const std::string_view good : {"a", "A.b_c-9", "__x", "..."})
    EXPECT_TRUE(check_topic_name(good)) << good;
  for (const std::string_view bad : {"", ".", "..", "a b", "a/b", "\xC3\xA4"})
    EXPECT_FALSE(check_topic_name(bad)) << bad;
  EXPECT_TRUE(check_topic_name(std::string(249, 'x')));
  EXPECT_FALSE(check_topic_name(std::string(250, 'x')));
}

TEST(BatchCheck, ATopicsOwnCodecIsAppliedOnceAllElsePassed) {
  TopicSettings settings;
  settings.compression = record::Codec::kZstd;
  const BatchCheck recoded = check(batch("k"), settings);
  EXPECT_EQ(recoded.error, ErrorCode::kNone);
  EXPECT_EQ(recoded.header.codec(), record::Codec::kZstd);
  EXPECT_EQ(recoded.header.size_bytes(), recoded.recoded.size());
  EXPECT_TRUE(check(batch("k", kNow, record::Codec::kZstd), settings).recoded.empty())
      << "it is as it should be";
}
TEST(BatchCheck, ABatchThatGrowsBeyondTheLimitIsTooLarge) {
  record::BatchBuilder::Options options;
  options.codec = record::Codec::kZstd;
  record::BatchBuilder builder(options);
  builder.add(kNow, "key", std::string(10'000, 'v'));
  TopicSettings settings;
  settings.compression = record::Codec::kNone;
  settings.max_message_bytes = 1000;
  EXPECT_EQ(check(builder.finish(), settings).error, ErrorCode::kMessageTooLarge);
}

TEST(BatchCheck, TheBatchesOfARequestShareWhatTheyMayComeTo) {
  record::BatchBuilder::Options options;
  options.codec = record::Codec::kZstd;
  record::BatchBuilder builder(options);
  builder.add(kNow, "key", std::string(std::size_t{100} << 20, '\0'));
  std::vector<std::byte> bytes = builder.finish();
  TopicSettings settings;
  OpenedBytes opened(bytes.size());
  EXPECT_EQ(check_batch(bytes, settings, 9, kNow, opened).error, ErrorCode::kNone);
  EXPECT_EQ(check_batch(bytes, settings, 9, kNow, opened).error, ErrorCode::kMessageTooLarge);
  EXPECT_EQ(opened.most(), 0U) << "what failed may have come to the most";

  // Recoding opens a batch a second time.
  settings.compression = record::Codec::kLz4;
  OpenedBytes again(bytes.size());
  EXPECT_EQ(check_batch(bytes, settings, 9, kNow, again).error, ErrorCode::kMessageTooLarge);
  settings.check_compressed = false;
  OpenedBytes unchecked(bytes.size());
  EXPECT_EQ(check_batch(bytes, settings, 9, kNow, unchecked).error, ErrorCode::kNone);
  EXPECT_LT(unchecked.most(), std::size_t{32} << 20);
}

}  // namespace
}  // namespace penstock::broker
