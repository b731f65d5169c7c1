#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "connectors/sqlite/connection.h"
#include "connectors/sqlite/source.h"
#include "tests/unit/connectors/source_host.h"

namespace penstock::sqlite {

class SqliteSourceTest : public ::testing::Test {
 protected:
  SqliteSourceTest() {
    char name[] = "/tmp/penstock-sqlite-XXXXXX";
    folder_ = ::mkdtemp(name);
    writer_.emplace(path(), Access::kCreate, 0);
  }
  ~SqliteSourceTest() override {
    writer_.reset();
    std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] std::string path() const { return folder_ + "/source.db"; }
  void run(const std::string& sql) { writer_->execute(sql); }
  testing::Settings settings(const std::string& mode, const testing::Settings& more = {}) const {
    testing::Settings out = {{"connection.url", path()},
                             {"mode", mode},
                             {"poll.interval.ms", "0"},
                             {"sqlite.busy.timeout.ms", "0"}};
    for (const auto& [key, value] : more) out[key] = value;
    return out;
  }
  testing::Driver<Source> driver(const std::string& mode, const testing::Settings& more = {}) {
    return testing::Driver<Source>(kSourceKeys.items, settings(mode, more), context_);
  }
  /// All tables once, with poll.interval.ms long enough that one round is all there is.
  std::vector<std::string> bulk(const testing::Settings& more = {}) {
    testing::Settings all = {{"poll.interval.ms", "100000"}};
    for (const auto& [key, value] : more) all[key] = value;
    return driver("bulk", all).until_idle();
  }
  static std::string why(const std::function<void()>& call) {
    try {
      call();
    } catch (const std::exception& e) {
      return e.what();
    }
    return "nothing was thrown";
  }

  std::string folder_;
  std::optional<Connection> writer_;
  testing::TestContext context_;
};

}  // namespace penstock::sqlite
