#include "connectors/relational/sink_task.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace penstock::relational {
namespace {

constexpr std::int64_t kStopCheckMs = 50;

}  // namespace

void RelationalSink::start(const Config& config, SinkContext& context) {
  context_ = &context;
  connector_ = std::string(context.connector_name());
  settings_ = read_sink_settings(config);
  database_ = make_database(config, settings_, context);
  interruptible_ = database_.get();
  planner_ = std::make_unique<SinkPlanner>(settings_, *database_, context);
  connect_with_attempts();
  if (settings_.exactly_once) create_offsets_table();
}

void RelationalSink::connect_with_attempts() {
  for (int attempt = 1;; ++attempt) {
    try {
      database_->connect();
      return;
    } catch (const RetriableError& e) {
      if (attempt >= settings_.attempts || context_->stopping()) throw;
      context_->log(LogLevel::kWarn, std::string(e.what()) + "; trying again");
    }
    for (std::int64_t waited = 0; waited < settings_.backoff_ms && !context_->stopping();
         waited += kStopCheckMs) {
      std::this_thread::sleep_for(
          std::chrono::milliseconds(std::min(kStopCheckMs, settings_.backoff_ms - waited)));
    }
  }
}

void RelationalSink::ensure_connected() {
  if (database_->connected()) return;
  planner_->forget();
  database_->connect();
  check_after_reconnect();
}

/// What was not answered may have been stored, and what was answered may have been lost with the
/// server's memory.
void RelationalSink::check_after_reconnect() {
  if (!settings_.exactly_once) return;
  for (auto& [id, partition] : partitions_) {
    const StoredOffset stored = database_->read_offset(key_of(id));
    const std::string where = "partition " + id.first + "-" + std::to_string(id.second);
    if (stored.epoch != partition.epoch) {
      throw std::runtime_error(where + " was taken over by another task of connector " +
                               connector_ + "; this one stores nothing more");
    }
    if (stored.next_offset < partition.next_offset) {
      throw std::runtime_error(
          where + ": the database lost what was not flushed and is back at offset " +
          std::to_string(stored.next_offset) + "; the task must start again from there");
    }
    // Stored without an answer, and maybe only in the server's memory.
    if (stored.next_offset > partition.next_offset) partition.undurable = true;
    partition.next_offset = stored.next_offset;
  }
}

void RelationalSink::create_offsets_table() {
  const TableId id{"", std::string(kOffsetsTable)};
  if (const auto table = database_->describe(id)) return check_offsets_table(*table);
  database_->begin(Durability::kDurable);
  try {
    database_->lock_tables();
    if (!database_->describe(id)) {
      database_->execute("CREATE TABLE " + id.quoted() +
                         " (connector TEXT NOT NULL, cluster TEXT NOT NULL, topic TEXT NOT NULL, "
                         "\"partition\" INTEGER NOT NULL, "
                         "next_offset BIGINT NOT NULL, epoch BIGINT NOT NULL, "
                         "topic_id TEXT NOT NULL DEFAULT '', "
                         "PRIMARY KEY (connector, cluster, topic, \"partition\"))");
    }
    database_->commit();
  } catch (const RetriableError&) {
    database_->rollback();
    throw;
  } catch (const std::exception& e) {
    database_->rollback();
    throw std::runtime_error(
        std::string("cannot create the table for offsets (allow it, or set exactly.once=false for "
                    "at-least-once delivery): ") +
        e.what());
  }
}

/// A table of before there were topic ids gets their column.
void RelationalSink::check_offsets_table(const SinkTable& table) {
  const auto has = [&](std::string_view name) {
    return std::any_of(table.columns.begin(), table.columns.end(),
                       [&](const SinkColumn& column) { return column.name == name; });
  };
  std::string missing;
  for (const char* name : {"connector", "cluster", "topic", "partition", "next_offset", "epoch"}) {
    if (!has(name)) missing.append(missing.empty() ? "" : ", ").append(name);
  }
  if (missing.empty()) {
    if (has("topic_id")) return;
    database_->begin(Durability::kDurable);
    try {
      database_->lock_tables();
      const auto now = database_->describe(table.id);
      const bool added = now && std::ranges::any_of(now->columns, [](const SinkColumn& column) {
                           return column.name == "topic_id";
                         });
      if (!added) {
        database_->execute("ALTER TABLE " + table.id.quoted() +
                           " ADD COLUMN topic_id TEXT NOT NULL DEFAULT ''");
      }
      database_->commit();
    } catch (...) {
      database_->rollback();
      throw;
    }
    return;
  }
  throw std::runtime_error("the table " + table.id.quoted() +
                           " is not one that this version can use (it lacks: " + missing +
                           "); drop it, and tasks resume at the offsets of their consumer group");
}

void RelationalSink::open(std::span<const TopicPartition> partitions) {
  ensure_connected();
  std::vector<TopicPartition> ordered(partitions.begin(), partitions.end());
  // Tasks that lock rows in one order cannot deadlock.
  std::sort(ordered.begin(), ordered.end(), [](const TopicPartition& a, const TopicPartition& b) {
    return std::pair(a.topic, a.partition) < std::pair(b.topic, b.partition);
  });
  last_partition_ = nullptr;
  if (!partitions_.empty() && context_->cluster_id() != cluster_) {
    throw std::runtime_error("the records come from cluster \"" +
                             std::string(context_->cluster_id()) + "\" now, before from \"" +
                             cluster_ + "\"; the task must start again");
  }
  cluster_ = std::string(context_->cluster_id());
  if (!settings_.exactly_once) {
    for (const TopicPartition& at : ordered)
      partitions_[{std::string(at.topic), at.partition}] = {};
    return;
  }
  // Durable: an epoch that a power cut takes back could be given out twice.
  database_->begin(Durability::kDurable);
  try {
    for (const TopicPartition& at : ordered) take_over(at);
    database_->commit();
  } catch (...) {
    database_->rollback();
    throw;
  }
  for (const TopicPartition& at : ordered) {
    const Partition& partition = partitions_[{std::string(at.topic), at.partition}];
    if (partition.anew) {
      context_->seek({at.topic, at.partition, TopicPartition::kBeginning, false});
      continue;
    }
    if (partition.next_offset < 0) {
      read_from_start(at);
      continue;
    }
    context_->seek({at.topic, at.partition, partition.next_offset});
    if (partition.next_offset == at.next_offset) continue;
    context_->log(LogLevel::kInfo, std::string(at.topic) + "-" + std::to_string(at.partition) +
                                       ": resuming at offset " +
                                       std::to_string(partition.next_offset) + ", as " +
                                       std::string(kOffsetsTable) + " says, instead of at " +
                                       std::to_string(at.next_offset));
  }
}

/// The database knows nothing of this partition: what the group has committed went into another
/// database, or came there without offsets.
void RelationalSink::read_from_start(const TopicPartition& at) {
  if (!at.committed || at.next_offset <= 0) return;
  const std::string what = std::string(at.topic) + "-" + std::to_string(at.partition) +
                           ": the consumer group has stored offset " +
                           std::to_string(at.next_offset) + ", but " + std::string(kOffsetsTable) +
                           " in the target database has nothing of it";
  if (settings_.mode == InsertMode::kInsert) {
    throw std::runtime_error(what +
                             " (another database, or one that was written with "
                             "exactly.once=false). To load everything into this one, "
                             "stop the connector and delete its consumer group; to go on without "
                             "offsets, set exactly.once=false");
  }
  context_->log(LogLevel::kWarn, what + "; reading the topic from its start");
  context_->seek({at.topic, at.partition, TopicPartition::kBeginning, false});
}

void RelationalSink::take_over(const TopicPartition& at) {
  const PartitionId id{at.topic, at.partition};
  const StoredOffset stored = database_->take_epoch(key_of(id));
  Partition& partition = partitions_[id];
  partition = {};
  partition.next_offset = stored.next_offset;
  partition.epoch = stored.epoch;
  const std::string topic_id(context_->topic_id(at.topic));
  if (topic_id.empty() || topic_id == stored.topic_id) return;
  if (!stored.topic_id.empty() && stored.next_offset >= 0) begin_anew(at, stored, topic_id);
  database_->store_topic(key_of(id), {partition.next_offset, partition.epoch, topic_id});
}

/// The topic was deleted and made again: offsets of the former one say nothing of this one.
void RelationalSink::begin_anew(const TopicPartition& at, const StoredOffset& stored,
                                const std::string& topic_id) {
  const std::string what = std::string(at.topic) + "-" + std::to_string(at.partition) +
                           ": the topic was deleted and made again (its id was " + stored.topic_id +
                           " and is " + topic_id + "), so that offset " +
                           std::to_string(stored.next_offset) + " of " +
                           std::string(kOffsetsTable) + " says nothing of it";
  if (settings_.mode == InsertMode::kInsert) {
    throw std::runtime_error(what + ". To load the new topic from its start, DELETE FROM " +
                             std::string(kOffsetsTable) + " WHERE topic = '" +
                             std::string(at.topic) +
                             "'; its records are inserted behind those of "
                             "the former one");
  }
  context_->log(LogLevel::kWarn, what + "; reading the topic from its start");
  Partition& partition = partitions_[PartitionId(at.topic, at.partition)];
  partition.next_offset = -1;
  partition.anew = true;
}

void RelationalSink::put(std::span<const Record> records) {
  ensure_connected();
  planner_->trim();
  for (std::size_t done = 0; done < records.size(); done += settings_.batch) {
    store(records.subspan(done, std::min(settings_.batch, records.size() - done)), done);
  }
}

void RelationalSink::store(std::span<const Record> records, std::size_t base) {
  gather(records, base);
  if (run_count_ == 0) return;
  try {
    write_transaction(false);
  } catch (const BadRows&) {
    write_transaction(true);
  }
  take_pending(settings_.exactly_once);
}

void RelationalSink::take_pending(bool undurable) {
  for (auto& [id, partition] : partitions_) {
    if (partition.pending < 0) continue;
    partition.next_offset = partition.pending;
    partition.pending = -1;
    partition.undurable = undurable;
  }
}

/// Sorts records into runs: changes of one plan, in order. Runs of one table keep their order;
/// tables do not wait for each other.
void RelationalSink::gather(std::span<const Record> records, std::size_t base) {
  for (auto& [id, partition] : partitions_) partition.pending = -1;
  open_runs_.clear();
  run_count_ = 0;
  Run* run = nullptr;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    Partition& partition = partition_of(record).second;
    if (record.offset < std::max(partition.next_offset, partition.pending)) continue;
    Plan* plan = nullptr;
    try {
      plan = planner_->plan(record);
    } catch (const BadShape& e) {
      throw RecordError(base + i, e.what());
    } catch (const std::invalid_argument& e) {  // a name that cannot be quoted
      throw RecordError(base + i, e.what());
    }
    if (plan == nullptr) continue;
    if (run == nullptr || run->plan != plan) {
      const auto known = open_runs_.find(plan->table);
      const bool same = known != open_runs_.end() && runs_[known->second].plan == plan;
      run = same ? &runs_[known->second] : &new_run(*plan);
    }
    run->changes.push_back({&record, base + i});
    partition.pending = record.offset + 1;
  }
}

RelationalSink::Run& RelationalSink::new_run(Plan& plan) {
  if (run_count_ == runs_.size()) runs_.emplace_back();
  Run& run = runs_[run_count_];
  run.plan = &plan;
  run.changes.clear();
  open_runs_[plan.table] = run_count_++;
  return run;
}

RelationalSink::Entry& RelationalSink::partition_of(const Record& record) {
  if (last_partition_ != nullptr && last_partition_->first.second == record.partition &&
      last_partition_->first.first == record.topic) {
    return *last_partition_;
  }
  const auto found = partitions_.find({std::string(record.topic), record.partition});
  if (found == partitions_.end()) {
    throw std::logic_error("a record of " + std::string(record.topic) + "-" +
                           std::to_string(record.partition) + ", which was not opened");
  }
  last_partition_ = &*found;
  return *last_partition_;
}

void RelationalSink::write_transaction(bool careful) {
  try {
    database_->begin(settings_.exactly_once ? Durability::kFast : Durability::kDurable);
    for (std::size_t i = 0; i < run_count_; ++i) write_run(runs_[i], careful);
    if (settings_.exactly_once) store_offsets();
    database_->commit();
  } catch (const RetriableError&) {
    database_->rollback();
    planner_->forget();  // a table may have changed
    run_count_ = 0;
    throw;
  } catch (...) {
    database_->rollback();
    throw;
  }
}

void RelationalSink::write_run(Run& run, bool careful) {
  try {
    if (careful) {
      write_halves(*run.plan, run.changes);
    } else {
      database_->write(*run.plan, run.changes);
    }
  } catch (const BadRow& e) {
    const Change& bad = run.changes[e.at];
    throw RecordError(bad.index, e.what());
  }
}

/// Finds the row that the database refuses, by halves under savepoints. Rows that only collide with
/// each other in one statement pass.
void RelationalSink::write_halves(Plan& plan, std::span<const Change> changes) {
  database_->savepoint();
  try {
    database_->write(plan, changes);
    database_->release_savepoint();
    return;
  } catch (const BadRows& e) {
    database_->rollback_to_savepoint();
    if (changes.size() == 1)
      throw RecordError(changes[0].index, located(plan, nullptr, *changes[0].record, e.what()));
  } catch (const BadRow& e) {
    throw RecordError(changes[e.at].index, e.what());
  }
  const std::size_t half = changes.size() / 2;
  write_halves(plan, changes.first(half));
  write_halves(plan, changes.subspan(half));
}

void RelationalSink::store_offsets() {
  for (const auto& [id, partition] : partitions_) {
    if (partition.pending < 0) continue;
    if (database_->store_offset(key_of(id), {partition.pending, partition.epoch, {}})) continue;
    throw std::runtime_error("partition " + id.first + "-" + std::to_string(id.second) +
                             " was taken over by another task of connector " + connector_ +
                             "; this one stores nothing more");
  }
}

/// Stores what was stored fast once more, durably, and how far the partitions have come through
/// records that went elsewhere.
void RelationalSink::flush() {
  ensure_connected();
  if (!settings_.exactly_once) return;
  bool anything = false;
  for (auto& [id, partition] : partitions_) {
    const std::int64_t passed = context_->passed(id.first, id.second);
    const bool wanted = partition.undurable || passed > partition.next_offset;
    partition.pending = wanted ? std::max(passed, partition.next_offset) : -1;
    anything = anything || wanted;
  }
  if (!anything) return;
  try {
    database_->begin(Durability::kDurable);
    store_offsets();
    database_->commit();
  } catch (...) {
    database_->rollback();
    throw;
  }
  take_pending(false);
}

void RelationalSink::close(std::span<const TopicPartition> partitions) {
  last_partition_ = nullptr;
  for (const TopicPartition& at : partitions)
    partitions_.erase({std::string(at.topic), at.partition});
}

void RelationalSink::stop() noexcept {
  if (SinkDatabase* database = interruptible_) database->interrupt();
}

}  // namespace penstock::relational
