#include "connectors/relational/source.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <thread>

#include "connectors/relational/busy.h"
#include "connectors/relational/positions.h"

namespace penstock::relational {
namespace {

constexpr std::chrono::milliseconds kPollMax{500};
constexpr std::chrono::milliseconds kWaitingPause{20};

/// Errors of settings begin with their key and a colon.
std::string_view key_in(std::string_view text) {
  const std::size_t colon = text.find(": ");
  const std::string_view key = text.substr(0, colon);
  const bool plain = colon != std::string_view::npos && key.find(' ') == std::string_view::npos;
  return plain ? key : std::string_view("connection.url");
}

}  // namespace

std::vector<TableId> taken_tables(Database& database, const PollingConfig& config) {
  std::vector<TableId> out;
  std::map<std::string, TableId> names;
  for (TableId& table : database.tables()) {
    if (!config.filter.takes(table)) continue;
    const auto [other, fresh] = names.emplace(table.name, table);
    if (!fresh) {
      throw std::invalid_argument("table.whitelist: " + other->second.qualified() + " and " +
                                  table.qualified() + " would share the topic " +
                                  config.topic_prefix + table.name + "; leave one out");
    }
    out.push_back(std::move(table));
  }
  return out;
}

void PollingSource::start(const Config& config, SourceContext& context) {
  settings_ = &config;
  context_ = &context;
  readers_.clear();
  config_.emplace(config);
  {
    const std::lock_guard lock(database_mutex_);
    database_ = connect(config);
  }
  make_readers();
  next_look_ = Clock::now() + std::chrono::milliseconds(config_->table_poll_ms);
}

void PollingSource::make_readers() {
  if (!config_->query.empty()) {
    readers_.push_back(std::make_unique<TableReader>(TableId{}, *config_, *context_));
    return;
  }
  planned_ = config_->task_tables.empty() ? taken_tables(*database_, *config_)
                                          : decode_tables(config_->task_tables);
  const std::size_t first =
      config_->task_tables.empty() ? 0 : static_cast<std::size_t>(context_->task_id());
  const std::size_t step = config_->task_tables.empty() ? 1 : config_->task_count;
  for (std::size_t i = first; i < planned_.size(); i += step) {
    readers_.push_back(std::make_unique<TableReader>(planned_[i], *config_, *context_));
  }
  if (planned_.empty())
    context_->log(LogLevel::kWarn,
                  "no table of the database is taken by the table lists; waiting for one");
}

/// One task looks for all.
void PollingSource::look_for_tables(Clock::time_point now) {
  if (!config_->query.empty() || context_->task_id() != 0 || now < next_look_) return;
  next_look_ = now + std::chrono::milliseconds(config_->table_poll_ms);
  std::vector<TableId> tables = taken_tables(*database_, *config_);
  if (tables == planned_) return;
  context_->log(LogLevel::kInfo, "the tables changed: " + std::to_string(planned_.size()) +
                                     " before, " + std::to_string(tables.size()) + " now");
  planned_ = std::move(tables);
  context_->replan();
}

Polled PollingSource::poll(Block& out) {
  try {
    return read(out);
  } catch (const RetriableError&) {
    disconnect();
    // What was read is handed over first; the trouble shows again at the next call. After stop() it
    // is the trouble asked for.
    if (out.size() == 0 && !stopped_) throw;
    return Polled::kMore;
  }
}

Polled PollingSource::read(Block& out) {
  if (stopped_) return Polled::kMore;
  const Clock::time_point started = Clock::now();
  if (database_ == nullptr) {
    std::unique_ptr<Database> fresh = connect(*settings_);
    const std::lock_guard lock(database_mutex_);
    database_ = std::move(fresh);
  }
  if (readers_.empty() || !readers_[turn_]->running())
    look_for_tables(started);  // one statement at a time
  for (std::size_t asked = 0; asked < readers_.size(); ++asked) {
    TableReader& reader = *readers_[turn_];
    if (reader.running() || reader.due(started)) {
      if (!reader.fill(*database_, out, started + kPollMax)) return Polled::kMore;
      if (reader.missing()) next_look_ = {};
    }
    turn_ = (turn_ + 1) % readers_.size();
    if (out.full() || context_->stopping() || Clock::now() - started > kPollMax)
      return Polled::kMore;
  }
  const bool waits = std::any_of(readers_.begin(), readers_.end(),
                                 [](const auto& reader) { return reader->waits(); });
  if (waits && out.size() == 0) std::this_thread::sleep_for(kWaitingPause);
  return !waits && out.size() == 0 ? Polled::kIdle : Polled::kMore;
}

void PollingSource::disconnect() {
  for (const auto& reader : readers_) reader->disconnect();
  std::unique_ptr<Database> old;
  const std::lock_guard lock(database_mutex_);
  old = std::move(database_);
}

void PollingSource::tick() {
  for (const auto& reader : readers_) reader->rest();
}

void PollingSource::stop() noexcept {
  stopped_ = true;
  const std::lock_guard lock(database_mutex_);
  if (database_ != nullptr) database_->interrupt();
}

void PollingConnector::validate(const Config& config, Problems& problems) {
  try {
    const PollingConfig settings(config);
    const std::unique_ptr<Database> database = connect(config);
    if (!settings.query.empty()) {
      static_cast<void>(find_positions(database->query(settings.query), settings));
      return;
    }
    for (const std::string& name : settings.filter.missing(database->tables())) {
      problems.add("table.whitelist",
                   "there is no table " + name + " in the database (see also table.types)");
    }
    for (const TableId& table : taken_tables(*database, settings)) {
      static_cast<void>(find_positions(database->table(table), settings));
    }
  } catch (const BusyError&) {
    // Nothing is known to be wrong; the tasks check the same again.
  } catch (const std::exception& e) {
    const std::string_view text = e.what();
    const std::string_view key = key_in(text);
    problems.add(key, text.starts_with(key) ? text.substr(key.size() + 2) : text);
  }
}

void PollingConnector::tasks(const Config& config, int max, TaskConfigs& out) {
  const PollingConfig settings(config);
  if (!settings.query.empty()) {
    out.add();
    return;
  }
  const std::vector<TableId> tables = taken_tables(*connect(config), settings);
  const std::size_t count =
      std::clamp<std::size_t>(tables.size(), 1, static_cast<std::size_t>(std::max(max, 1)));
  const std::string list = encode_tables(tables);
  for (std::size_t i = 0; i < count; ++i) {
    out.add();
    out.set("task.tables", list);
    out.set("task.count", std::to_string(count));
  }
}

}  // namespace penstock::relational
