#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "connectors/relational/config.h"
#include "connectors/relational/identifiers.h"
#include "connectors/relational/numeric.h"
#include "connectors/relational/polling.h"
#include "connectors/relational/temporal.h"
#include "tests/unit/connectors/source_host.h"

namespace penstock::relational {
namespace {

using penstock::testing::shown;
using penstock::testing::TestBlock;
using ::testing::ElementsAre;

std::string decimal(std::string_view text, int scale) {
  TestBlock block;
  const auto value = decimal_from_text(text, scale, block);
  return value ? shown(*value) : "none";
}

TEST(Identifiers, QuotesAreDoubledAndNulIsRefused) {
  EXPECT_EQ(quoted("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(literal("it's"), "'it''s'");
  EXPECT_THROW(quoted(""), std::invalid_argument);
  EXPECT_THROW(quoted(std::string_view("a\0b", 3)), std::invalid_argument);
}

TEST(Identifiers, QualifiedNamesAreSplitAtDotsOutsideQuotes) {
  EXPECT_EQ(parse_table_name("s.t"), (TableId{"s", "t"}));
  EXPECT_EQ(parse_table_name("\"a.b\".\"c\"\"d\""), (TableId{"a.b", "c\"d"}));
  for (const char* bad : {"", ".", "a.", ".a", "a.b.c", "\"a", "\"a\"b"}) {
    EXPECT_THROW(parse_table_name(bad), std::invalid_argument) << bad;
  }
}

TEST(Identifiers, ListsOfTasksKeepAnyName) {
  const std::vector<TableId> tables = {{"", "a,b.c %"}, {"s.x", "\"t\n"}};
  EXPECT_EQ(decode_tables(encode_tables(tables)), tables);
  EXPECT_TRUE(decode_tables(encode_tables({})).empty());
  EXPECT_NE(encode_tables({}), "");
}

TEST(Offsets, TimestampAndNanosOfItsSecondAreStored) {
  Value fields[3];
  write_offset(Mode::kTimestampIncrementing, {.id = 7, .time = 1'357'016'400'123'456}, fields);
  EXPECT_EQ(fields[0].i, 7);
  EXPECT_EQ(fields[1].i, 1'357'016'400'123);
  EXPECT_EQ(fields[2].i, 123'456'000);
  EXPECT_EQ(position_of(Mode::kTimestampIncrementing, fields),
            (Position{.id = 7, .time = 1'357'016'400'123'456}));
}

TEST(Offsets, TimesBefore1970AreStored) {
  Value fields[2];
  write_offset(Mode::kTimestamp, {.id = std::nullopt, .time = -1}, fields);
  EXPECT_EQ(fields[0].i, -1);
  EXPECT_EQ(fields[1].i, 999'999'000);
  EXPECT_EQ(position_of(Mode::kTimestamp, fields).time, -1);
}

TEST(Offsets, AMissingFieldIsNoPosition) {
  const Value fields[] = {Value::absent(), Value::integer(1000), Value::absent()};
  EXPECT_EQ(position_of(Mode::kTimestampIncrementing, fields),
            (Position{.id = std::nullopt, .time = 1'000'000}));
}

TEST(Offsets, AFieldThatIsNoNumberIsRefused) {
  const Value fields[] = {Value::string("500")};
  EXPECT_THROW(position_of(Mode::kIncrementing, fields), std::runtime_error);
}

TEST(Temporal, IsoTextIsReadInAllItsForms) {
  EXPECT_EQ(parse_time("1970-01-02")->point(), kMicrosPerDay);
  EXPECT_EQ(parse_time("1970-01-01 00:00:01.5")->point(), 1'500'000);
  EXPECT_EQ(parse_time("1970-01-01T01:00:00.000001+01:00")->point(), 1);
  EXPECT_EQ(parse_time("2000-02-29T00:00Z")->point(), 951'782'400 * kMicrosPerSecond);
  EXPECT_EQ(parse_time("23:59:59")->micros, kMicrosPerDay - kMicrosPerSecond);
  EXPECT_TRUE(parse_time("1970-01-01 00:00:00.0000001")->finer_than_micros);
  for (const char* bad : {"", "1970", "1970-13-01", "1900-02-29", "1970-01-01x", "1970-01-01 24:00",
                          "12", "now", "1970-1-1"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(Temporal, TextOfATimeIsReadBackAsTheSameTime) {
  for (const std::int64_t micros :
       {0LL, -1LL, 951'782'400'000'001LL, -62'135'596'800'000'000LL, 253'402'300'799'999'999LL}) {
    EXPECT_EQ(parse_time(iso_text(micros, 'T'))->point(), micros) << iso_text(micros, ' ');
  }
}

TEST(Numeric, DecimalsAreShortestTwosComplement) {
  EXPECT_EQ(decimal("0", 2), "<00>");
  EXPECT_EQ(decimal("1.27", 2), "<7f>");
  EXPECT_EQ(decimal("1.28", 2), "<0080>");
  EXPECT_EQ(decimal("-1.28", 2), "<80>");
  EXPECT_EQ(decimal("-1.29", 2), "<ff7f>");
  EXPECT_EQ(decimal("1e3", 0), "<03e8>");
  EXPECT_EQ(decimal("1500", -2), "<0f>");
  EXPECT_EQ(decimal("170141183460469231731687303715884105728", 0),
            "<0080000000000000000000000000000000>");
  EXPECT_EQ(decimal("1.005", 2), "none");
  EXPECT_EQ(decimal("1.2.3", 2), "none");
  EXPECT_EQ(decimal("inf", 2), "none");
}

TEST(Numeric, SmallAndLargeNumbersAreWrittenAlike) {
  TestBlock block;
  for (const std::int64_t number : {0LL, 1LL, -1LL, 127LL, 128LL, -128LL, -129LL, 65'535LL,
                                    -32'768LL, 9'223'372'036'854'775'807LL}) {
    EXPECT_EQ(shown(decimal_value(number, block)), decimal(std::to_string(number), 0));
  }
}

TEST(Numeric, MappingFollowsPrecisionAndScale) {
  EXPECT_EQ(numeric_type(5, 0, NumericMapping::kNone), Type::kBytes);
  EXPECT_EQ(numeric_type(2, 0, NumericMapping::kBestFit), Type::kInt8);
  EXPECT_EQ(numeric_type(4, 0, NumericMapping::kPrecisionOnly), Type::kInt16);
  EXPECT_EQ(numeric_type(9, 0, NumericMapping::kBestFit), Type::kInt32);
  EXPECT_EQ(numeric_type(18, 0, NumericMapping::kBestFit), Type::kInt64);
  EXPECT_EQ(numeric_type(19, 0, NumericMapping::kBestFit), Type::kBytes);
  EXPECT_EQ(numeric_type(10, 2, NumericMapping::kBestFit), Type::kFloat64);
  EXPECT_EQ(numeric_type(10, 2, NumericMapping::kPrecisionOnly), Type::kBytes);
}

}  // namespace
}  // namespace penstock::relational
