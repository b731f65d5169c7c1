#include "framework/connect/channel/channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "framework/base/bytes.h"

namespace penstock::connect {
namespace {

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest()
      : pair_(Channel::make_pair().value()),
        worker_(std::move(pair_.first)),
        runner_(std::move(pair_.second)) {}

  void raw(std::string_view bytes) {
    ASSERT_EQ(::send(runner_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  static Envelope problem(std::size_t size) {
    Envelope e;
    e.body = message::Failed{std::string(size, 'x'), false};
    return e;
  }
  std::pair<UniqueFd, UniqueFd> pair_;
  Channel worker_;
  Channel runner_;
};

TEST_F(ChannelTest, MessagesArriveInOrder) {
  for (int i = 0; i < 5; ++i) {
    Envelope e;
    e.id = static_cast<std::uint64_t>(i) + 1;
    e.body = message::PauseTask{i};
    ASSERT_TRUE(worker_.send(e));
  }
  const auto got = runner_.receive();
  ASSERT_TRUE(got);
  ASSERT_EQ(got->size(), 5U);
  EXPECT_EQ(std::get<message::PauseTask>((*got)[4].body).task, 4);
  EXPECT_EQ((*got)[4].id, 5U);
}

TEST_F(ChannelTest, NothingToReadGivesNoMessages) {
  const auto got = worker_.receive();
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->empty());
}

TEST_F(ChannelTest, AFrameThatComesInPiecesIsPutTogether) {
  raw(std::string_view("\0\0\0\x10{\"ty", 8));
  EXPECT_TRUE(worker_.receive()->empty());
  raw("pe\":\"done\"}");
  ASSERT_EQ(worker_.receive()->size(), 0U);
  raw(" ");
  ASSERT_EQ(worker_.receive()->size(), 1U);
}

TEST_F(ChannelTest, AnOversizeLengthEndsTheChannel) {
  raw(std::string_view("\x7f\xff\xff\xff", 4));
  const auto got = worker_.receive();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::kInvalid);
  EXPECT_EQ(got.error().text, "frame of 2147483647 bytes; at most 1048576");
  EXPECT_FALSE(worker_.send(problem(1)));
}

TEST_F(ChannelTest, MessagesBeforeAMalformedFrameStillCome) {
  ASSERT_TRUE(runner_.send(problem(1)));
  raw(std::string_view("\0\0\0\x02[]", 6));
  EXPECT_EQ(worker_.receive()->size(), 1U);
  const auto got = worker_.receive();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().text, "a frame that is no JSON object");
}

TEST_F(ChannelTest, MessagesBeforeTheEndStillCome) {
  ASSERT_TRUE(runner_.send(problem(1)));
  runner_.close();
  EXPECT_EQ(worker_.receive()->size(), 1U);
  const auto got = worker_.receive();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::kUnavailable);
}

TEST_F(ChannelTest, APeerThatEndsWithoutReadingIsGoneNotGarbled) {
  ASSERT_TRUE(worker_.send(problem(1)));
  runner_.close();
  const auto got = worker_.receive();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::kUnavailable);
}

TEST_F(ChannelTest, APeerThatDoesNotReadFillsTheOutboxUpToItsBound) {
  Status status;
  int sent = 0;
  while ((status = worker_.send(problem(kFrameBytesMax / 2)))) ++sent;
  EXPECT_EQ(status.error().code, Errc::kBusy);
  EXPECT_GE(sent, 15);
  EXPECT_LE(sent, 18);
  int received = 0;
  while (received < sent) {
    const auto got = runner_.receive();
    ASSERT_TRUE(got);
    received += static_cast<int>(got->size());
    ASSERT_TRUE(worker_.flush());
  }
  EXPECT_FALSE(worker_.wants_write());
}

TEST_F(ChannelTest, AMessageThatIsTooLongIsRefusedAndTheChannelGoesOn) {
  const auto status = worker_.send(problem(kFrameBytesMax));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::kTooLarge);
  EXPECT_TRUE(worker_.send(problem(1)));
}

}  // namespace
}  // namespace penstock::connect
