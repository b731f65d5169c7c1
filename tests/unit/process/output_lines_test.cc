#include "framework/process/output_lines.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace penstock::process {
namespace {

class OutputLinesTest : public ::testing::Test {
 protected:
  OutputLinesTest() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_NONBLOCK), 0);
    read_.reset(ends[0]);
    write_.reset(ends[1]);
  }
  void print(std::string_view text) {
    ASSERT_EQ(::write(write_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  OutputLines::Sink sink() {
    return [this](std::string_view line) { lines_.emplace_back(line); };
  }
  UniqueFd read_;
  UniqueFd write_;
  std::vector<std::string> lines_;
};

TEST_F(OutputLinesTest, PiecesBecomeLines) {
  OutputLines out(std::move(read_));
  print("one\ntw");
  EXPECT_TRUE(out.read(1, sink()));
  print("o\nrest");
  write_.reset();
  EXPECT_FALSE(out.read(1, sink()));
  EXPECT_EQ(lines_, (std::vector<std::string>{"one", "two", "rest"}));
}

TEST_F(OutputLinesTest, LongLinesAreCut) {
  OutputLines out(std::move(read_), {50, 200, 4});
  print("abcdefgh\nxy\n");
  out.read(1, sink());
  EXPECT_EQ(lines_, (std::vector<std::string>{"abcd (line cut)", "xy"}));
}

TEST_F(OutputLinesTest, AFloodIsCountedNotPrinted) {
  OutputLines out(std::move(read_), {1, 2, 100});
  print("1\n2\n3\n4\n5\n");
  out.read(1000, sink());
  EXPECT_EQ(lines_.size(), 2U);
  print("6\n");
  out.read(2000, sink());
  EXPECT_EQ(lines_, (std::vector<std::string>{"1", "2", "(3 lines left out)", "6"}));
}

}  // namespace
}  // namespace penstock::process
