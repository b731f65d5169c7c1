#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "connectors/sqlite/connection.h"
#include "connectors/sqlite/sink.h"
#include "penstock/testing/harness.h"

namespace penstock::sqlite {

class SqliteSink : public ::testing::Test {
 protected:
  SqliteSink() {
    char pattern[] = "/tmp/penstock-sink-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    path_ = directory_ + "/out.db";
    settings_ = {
        {"connection.url", path_}, {"auto.create", "true"}, {"sqlite.busy.timeout.ms", "0"}};
  }
  ~SqliteSink() override { std::filesystem::remove_all(directory_); }

  testing::SinkHarness& sink() {
    if (sink_ == nullptr) {
      sink_ = std::make_unique<testing::SinkHarness>(kSink, settings_);
      sink_->start();
      sink_->open("t");
    }
    return *sink_;
  }
  void sql(const std::string& text) { Connection(path_, Access::kCreate, 1000).execute(text); }
  std::vector<std::string> rows(const std::string& query) {
    Connection connection(path_, Access::kWrite, 1000);
    Statement statement = connection.prepare(query);
    std::vector<std::string> out;
    while (statement.step()) {
      std::string line;
      for (int i = 0; i < statement.columns(); ++i) {
        line += (i == 0 ? "" : "|") +
                (statement.is_null(i) ? std::string("NULL") : std::string(statement.text(i)));
      }
      out.push_back(line);
    }
    return out;
  }
  void upsert() {
    settings_["insert.mode"] = "upsert";
    settings_["pk.mode"] = "record_key";
    settings_["delete.enabled"] = "true";
  }

  std::string directory_, path_;
  testing::Settings settings_;
  std::unique_ptr<testing::SinkHarness> sink_;
};

}  // namespace penstock::sqlite
