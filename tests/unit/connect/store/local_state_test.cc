#include "framework/connect/store/local_state.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>

#include "framework/log/file_system.h"
#include "tests/unit/broker/faulty_files.h"

namespace penstock::connect {
namespace {

class LocalStateTest : public ::testing::Test {
 protected:
  LocalStateTest() {
    std::string name = ::testing::TempDir() + "stateXXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~LocalStateTest() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<LocalState> open(std::uint64_t compact_bytes_min = 1U << 20) {
    auto state =
        LocalState::open(log::posix_file_system(), clock_, {folder_ + "/s", compact_bytes_min});
    EXPECT_TRUE(state) << state.error().text;
    return std::move(*state);
  }
  static std::map<std::string, std::string> all(LocalState& state,
                                                StateTopic topic = StateTopic::kOffsets) {
    std::map<std::string, std::string> out;
    EXPECT_TRUE(state.log(topic).read_all(
        [&](std::string_view k, std::string_view v) { out[std::string(k)] = v; }));
    return out;
  }
  static void put(LocalState& state, const std::string& key, std::optional<std::string> value) {
    const StateEntry entry{key, std::move(value)};
    const auto status = state.log(StateTopic::kOffsets).put({&entry, 1});
    ASSERT_TRUE(status) << status.error().text;
  }
  SystemClock clock_;
  std::string folder_;
};

TEST_F(LocalStateTest, TheLastValueCountsAfterACleanStop) {
  {
    auto state = open();
    put(*state, "a", "1");
    put(*state, "b", "2");
    put(*state, "a", "3");
    put(*state, "b", std::nullopt);
    ASSERT_TRUE(state->close());
  }
  EXPECT_EQ(all(*open()), (std::map<std::string, std::string>{{"a", "3"}}));
}

TEST_F(LocalStateTest, NothingIsLostWhenTheProcessDies) {
  {
    auto state = open();
    for (int i = 0; i < 20; ++i) put(*state, "k" + std::to_string(i), "v");
  }  // no close(): as after kill -9
  EXPECT_EQ(all(*open()).size(), 20U);
}

TEST_F(LocalStateTest, ASecondWorkerIsRefused) {
  auto state = open();
  const auto second = LocalState::open(log::posix_file_system(), clock_, {folder_ + "/s"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kBusy);
}

TEST_F(LocalStateTest, WhatIsDurableCountsThoughACheckpointFindsNoRoom) {
  broker::FaultyFiles files;
  files.on_open = [](const std::string& path) {
    if (path.find("recovery-point-offset-checkpoint") == std::string::npos) return Status();
    return Status(fail(Errc::kStorageFull, "open " + path + ": No space left on device"));
  };
  const StateEntry entry{"a", "1"};
  {
    auto state = LocalState::open(files, clock_, {folder_ + "/s"});
    ASSERT_TRUE(state) << state.error().text;
    EXPECT_TRUE((*state)->log(StateTopic::kOffsets).put({&entry, 1}));
    EXPECT_EQ(all(**state), (std::map<std::string, std::string>{{"a", "1"}}));
  }
  EXPECT_EQ(all(*open()), (std::map<std::string, std::string>{{"a", "1"}}));
}

TEST_F(LocalStateTest, ItsFolderIsTheOwnersAlone) {
  const auto state = LocalState::open(clock_, {folder_ + "/s"});
  ASSERT_TRUE(state) << state.error().text;
  EXPECT_EQ(std::filesystem::status(folder_ + "/s").permissions(),
            std::filesystem::perms::owner_all);
}

TEST_F(LocalStateTest, CompactionKeepsTheDirectorySmallAndTheStateEqual) {
  std::map<std::string, std::string> model;
  std::mt19937 random(7);  // the seed is part of the test
  const auto size = [&] {
    std::uintmax_t bytes = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder_)) {
      if (file.path().extension() == ".log") bytes += file.file_size();
    }
    return bytes;
  };
  for (int round = 0; round < 3; ++round) {
    auto state = open(5'000);
    EXPECT_EQ(all(*state), model);
    for (int i = 0; i < 100; ++i) {
      const auto key = "key" + std::to_string(random() % 20);
      if (random() % 5 == 0) {
        model.erase(key);
        put(*state, key, std::nullopt);
      } else {
        model[key] = std::string(random() % 300, 'x');
        put(*state, key, model[key]);
      }
    }
    EXPECT_LT(size(), 30'000U);
    if (round % 2 == 0) {
      ASSERT_TRUE(state->close());
    }
  }
  EXPECT_EQ(all(*open()), model);
}

TEST_F(LocalStateTest, TopicsAreApart) {
  auto state = open();
  put(*state, "a", "1");
  EXPECT_TRUE(all(*state, StateTopic::kConfigs).empty());
}

}  // namespace
}  // namespace penstock::connect
