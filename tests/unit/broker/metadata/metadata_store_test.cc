#include "broker/metadata/metadata_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace penstock::broker {
namespace {

class MetadataStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name =
        (std::filesystem::temp_directory_path() / "penstock-metadata-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    path_ = name + "/metadata.db";
    reopen();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  void reopen() {
    store_.reset();
    auto opened = MetadataStore::open(path_);
    ASSERT_TRUE(opened) << opened.error().text;
    store_ = std::move(*opened);
  }
  Result<std::int64_t> put(std::string key, std::string value,
                           std::optional<std::int64_t> expected = {}) {
    const std::vector<MetadataStore::Write> writes{{std::move(key), std::move(value), expected}};
    return store_->commit(writes);
  }

  std::string directory_;
  std::string path_;
  std::unique_ptr<MetadataStore> store_;
};

TEST_F(MetadataStoreTest, KeepsValuesOverAReopening) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(put("b", "\"\xC3\xA9\""));
  reopen();
  const auto entry = store_->get("b");
  ASSERT_TRUE(entry && *entry);
  EXPECT_EQ((*entry)->value, "\"\xC3\xA9\"");
  EXPECT_EQ((*entry)->revision, 2);
  EXPECT_EQ(store_->last_revision().value(), 2);
  EXPECT_FALSE(*store_->get("c"));
}

TEST_F(MetadataStoreTest, RangeGivesKeysOfAPrefixInOrder) {
  for (const char* key : {"topic/b", "topic/a", "topia", "topid", "topic/", "topic0"})
    ASSERT_TRUE(put(key, "0"));
  const auto found = store_->range("topic/");
  ASSERT_TRUE(found);
  std::vector<std::string> keys;
  for (const auto& [key, entry] : *found) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"topic/", "topic/a", "topic/b"}));
}

TEST_F(MetadataStoreTest, CompareAndSetRefusesAnotherRevision) {
  const auto first = put("a", "1", 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(put("a", "2", 0).error().code, Errc::kConflict);
  const auto second = put("a", "2", *first);
  ASSERT_TRUE(second);
  EXPECT_GT(*second, *first);
  EXPECT_EQ(put("a", "3", *first).error().code, Errc::kConflict);
  EXPECT_EQ((*store_->get("a"))->value, "2");
}

TEST_F(MetadataStoreTest, WritesAreAllOrNothing) {
  ASSERT_TRUE(put("a", "1"));
  const std::vector<MetadataStore::Write> writes{
      {"b", "2", {}}, {"a", std::nullopt, {}}, {"c", "3", 7}};
  EXPECT_EQ(store_->commit(writes).error().code, Errc::kConflict);
  EXPECT_TRUE(*store_->get("a"));
  EXPECT_FALSE(*store_->get("b"));
}

TEST_F(MetadataStoreTest, RevisionsOfARemovedKeyAreNotUsedAgain) {
  const auto first = put("a", "1");
  const std::vector<MetadataStore::Write> removal{{"a", std::nullopt, *first}};
  ASSERT_TRUE(store_->commit(removal));
  reopen();
  const auto again = put("a", "1", 0);
  ASSERT_TRUE(again);
  EXPECT_GT(*again, *first + 1);
}

TEST_F(MetadataStoreTest, WhatWasAcknowledgedBeforeAKillIsThere) {
  store_.reset();
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = MetadataStore::open(path_);
    for (std::int64_t i = 0; store; ++i) {
      const std::vector<MetadataStore::Write> writes{{"a", std::to_string(i), {}},
                                                     {"b", std::to_string(i), {}}};
      if (!(*store)->commit(writes)) break;
      if (::write(pipe[1], &i, sizeof i) != sizeof i) break;
    }
    ::_exit(1);
  }
  std::int64_t last = -1;
  while (last < 50)
    ASSERT_EQ(::read(pipe[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(pipe[1]);
  while (::read(pipe[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
  }
  ::close(pipe[0]);
  reopen();
  const auto a = *store_->get("a");
  const auto b = *store_->get("b");
  ASSERT_TRUE(a && b);
  EXPECT_GE(std::stoll(a->value), last);
  EXPECT_EQ(a->value, b->value);
}

TEST_F(MetadataStoreTest, AnotherFileIsRefused) {
  store_.reset();
  const std::string other = directory_ + "/other.db";
  std::ofstream(other) << "this is no database, and it is longer than a header of one hundred "
                          "bytes, which SQLite wants to see first of all...";
  const auto opened = MetadataStore::open(other);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace penstock::broker
