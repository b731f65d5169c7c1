#pragma once
// A polling source over any Database: the task that reads tables in turn, and the connector that
// splits them over tasks.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "connectors/relational/config.h"
#include "connectors/relational/database.h"
#include "connectors/relational/table_reader.h"

namespace penstock::relational {

class PollingSource : public SourceTask {
 public:
  void start(const Config& config, SourceContext& context) override;
  Polled poll(Block& out) override;
  void tick() override;
  void stop() noexcept override;

 protected:
  /// Throws RetriableError when the database is not there now.
  virtual std::unique_ptr<Database> connect(const Config& config) = 0;

 private:
  void make_readers();
  void look_for_tables(Clock::time_point now);
  Polled read(Block& out);
  void disconnect();

  const Config* settings_ = nullptr;
  SourceContext* context_ = nullptr;
  std::optional<PollingConfig> config_;
  std::unique_ptr<Database> database_;
  std::atomic<bool> stopped_ = false;  // set by stop(), from another thread
  std::mutex database_mutex_;  // guards database_ against stop(), which comes from another thread
                               // and may interrupt it
  std::vector<std::unique_ptr<TableReader>> readers_;
  std::size_t turn_ = 0;          // the reader that goes on
  std::vector<TableId> planned_;  // all tables of the connector when the tasks were made
  Clock::time_point next_look_{};
};

class PollingConnector : public Connector {
 public:
  void validate(const Config& config, Problems& problems) override;
  void tasks(const Config& config, int max, TaskConfigs& out) override;

 protected:
  virtual std::unique_ptr<Database> connect(const Config& config) = 0;
};

/// The tables of `database` that `config` takes, sorted. Throws std::invalid_argument when two of
/// them would share a topic.
std::vector<TableId> taken_tables(Database& database, const PollingConfig& config);

}  // namespace penstock::relational
