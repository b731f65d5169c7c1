#include "connectors/relational/table_reader.h"

#include <algorithm>
#include <stdexcept>

#include "connectors/relational/positions.h"

namespace penstock::relational {
namespace {

constexpr std::size_t kRowsBetweenClockReads = 256;
constexpr std::chrono::milliseconds kSettleWait{200};
constexpr std::chrono::milliseconds kYoungRowsWait{200};
constexpr std::size_t kKeyTextMax = 100;

std::string shown(const Value& value) {
  switch (value.type) {
    case Type::kBool:
      return value.b ? "true" : "false";
    case Type::kInt8:
    case Type::kInt16:
    case Type::kInt32:
    case Type::kInt64:
      return std::to_string(value.i);
    case Type::kFloat32:
    case Type::kFloat64:
      return std::to_string(value.d);
    case Type::kString:
      return "'" + std::string(value.text().substr(0, kKeyTextMax)) + "'";
    case Type::kBytes:
      return std::to_string(value.size) + " bytes";
    case Type::kNull:
      return "null";
    case Type::kStruct: {
      std::string out;
      for (const Value& item : value.elements()) out += (out.empty() ? "" : " ") + shown(item);
      return out;
    }
    default:
      return "?";
  }
}

}  // namespace

TableReader::TableReader(const TableId& table, const PollingConfig& config, SourceContext& context)
    : id_(table), config_(config), context_(context), topic_(config.topic_prefix + table.name) {
  offset_size_ = offset_fields(config.mode).size();
  if (config_.mode != Mode::kBulk) load_position();
}

void TableReader::load_position() {
  const auto names = offset_fields(config_.mode);
  const bool query = id_.name.empty();
  partition_ = context_.partition(query ? std::string(kQueryPartition) : partition_v1(id_), names);
  std::span<const Value> stored = context_.stored(partition_);
  if (stored.empty() && !query) stored = context_.stored_as(partition_v0(id_.name), names);
  if (!stored.empty()) done_ = position_of(config_.mode, stored);
}

void TableReader::plan(Database& database, Table table) {
  table_ = std::move(table);
  parts_ = {};
  parts_.from = id_.name.empty() ? "(" + config_.query + ") AS q" : id_.quoted();
  std::vector<Field> fields;
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    const Column& column = table_.columns[i];
    if (column_named(table_, column.name) != i) {
      throw std::invalid_argument(name_of(id_) + ": two columns are named " + column.name +
                                  "; give one another name");
    }
    fields.push_back({column.name, database.schema(column, context_)});
    parts_.list += (i == 0 ? "" : ", ") + database.selected(column);
  }
  value_schema_ = context_.schema(
      {.type = Type::kStruct,
       .name = id_.name.empty() ? std::string_view(topic_) : std::string_view(id_.name),
       .fields = fields});
  plan_positions(database);
  plan_keys();
}

void TableReader::plan_positions(Database& database) {
  const Positions positions = find_positions(table_, config_);
  int next = static_cast<int>(table_.columns.size());
  if (!positions.id.empty()) {
    parts_.id = quoted(positions.id);
    if (!positions.id_column) parts_.list += ", " + parts_.id;
    id_at_ = positions.id_column ? static_cast<int>(*positions.id_column) : next++;
  }
  if (!positions.times.empty()) {
    parts_.time = database.time(positions.times);
    parts_.list += ", " + parts_.time.selected;
    time_at_ = next;
  }
}

void TableReader::plan_keys() {
  key_columns_.clear();
  key_schema_ = nullptr;
  if (!config_.key_from_primary_key) return;
  std::vector<std::pair<int, std::size_t>> order;
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    if (table_.columns[i].key_position > 0) order.emplace_back(table_.columns[i].key_position, i);
  }
  if (order.empty()) return;
  std::sort(order.begin(), order.end());
  std::vector<Field> fields;
  for (const auto& [position, column] : order) {
    key_columns_.push_back(column);
    fields.push_back(value_schema_->fields()[column]);
  }
  key_schema_ =
      context_.schema({.type = Type::kStruct, .name = id_.name + ".Key", .fields = fields});
}

Range TableReader::range(Database& database, bool& wait) {
  Range out;
  if (uses_time(config_.mode)) {
    const std::int64_t now = database.now();
    out.time_end = now - config_.delay_ms * 1000;
    if (!first_now_) first_now_ = now;
    time_end_ = *out.time_end;
    if (!done_.time && !config_.timestamp_initial.empty()) {
      const std::int64_t initial = std::stoll(config_.timestamp_initial);
      done_.time = initial < 0 ? now : initial * 1000;
    }
  }
  out.after = done_;
  if (config_.mode == Mode::kIncrementing && table_.row_locks) {
    const SettledBound bound =
        database.settled(table_, table_.columns[static_cast<std::size_t>(id_at_)].name);
    wait = bound.kind == SettledBound::kWait;
    if (bound.kind == SettledBound::kUpTo) out.id_max = bound.value;
  }
  return out;
}

/// False when there is nothing to read in this round.
bool TableReader::open(Database& database) {
  const Clock::time_point started = Clock::now();
  due_ = started + std::chrono::milliseconds(config_.poll_ms);
  const bool query = id_.name.empty();
  Table table = query ? database.query(config_.query) : database.table(id_);
  missing_ = table.columns.empty();
  if (missing_) {
    context_.log(LogLevel::kWarn, name_of(id_) + " does not exist any more, or has no columns");
    return false;
  }
  if (value_schema_ == nullptr || table != table_) plan(database, std::move(table));
  if (config_.mode == Mode::kBulk) {
    cursor_ = database.open(query ? config_.query : statement(config_.mode, parts_, {}, database),
                            table_.columns);
  } else {
    bool wait = false;
    const Range next = range(database, wait);
    unsettled_ = wait;
    if (wait) {
      due_ = std::min(due_, started + kSettleWait);
      return false;
    }
    if (next.id_max && next.after.id && *next.id_max <= *next.after.id) return false;
    cursor_ = database.open(statement(config_.mode, parts_, next, database), table_.columns);
  }
  group_.reset();
  opened_ = started;
  started_ = false;
  return true;
}

/// False while the database searches for the first row.
bool TableReader::first_row(Clock::time_point until) {
  if (started_) return true;
  if (!cursor_->wait(until)) return false;
  on_row_ = cursor_->step();
  started_ = true;
  open_cost_ = Clock::now() - opened_;
  return true;
}

/// After a round: are there rows from before the start that its end has left out?
void TableReader::look_for_young_rows(Database& database) {
  if (!young_rows_) return;
  young_rows_ = false;
  if (!uses_time(config_.mode) || !first_now_ || missing_) return;
  // Rows of the running second may be there already; those that the configured delay holds back are
  // for a later run.
  const std::int64_t until = *first_now_ + kMicrosPerSecond - config_.delay_ms * 1000;
  if (time_end_ >= until) return;
  Range young;
  young.after.time = std::max(time_end_ - 1, done_.time.value_or(INT64_MIN));
  if (uses_id(config_.mode))
    young.after.id = *young.after.time == done_.time ? done_.id.value_or(INT64_MAX) : INT64_MAX;
  young.time_end = until;
  const std::unique_ptr<Cursor> cursor =
      database.open(statement(config_.mode, parts_, young, database), table_.columns);
  if (!cursor->wait(Clock::now() + kYoungRowsWait) || !cursor->step()) return;
  young_rows_ = true;
  due_ = std::min(due_, Clock::now() + kYoungRowsWait);
}

void TableReader::close() {
  cursor_.reset();
  on_row_ = false;
  group_.reset();
}

void TableReader::disconnect() {
  close();
  due_ = {};
}

void TableReader::rest() {
  if (running() && started_ && config_.mode != Mode::kBulk && !group_) disconnect();
}

/// Adds the row that the cursor stands on.
void TableReader::add_record(Block& out, std::string_view topic) {
  const std::size_t width = table_.columns.size();
  const std::size_t keys = key_columns_.size();
  Record& record = out.add();
  const std::span<Value> all = out.values(width + keys + offset_size_);
  const std::span<Value> row = all.first(width);
  const bool good = cursor_->read(out, row);
  record.topic = topic;
  record.value_schema = value_schema_;
  record.value = Value::row(row);
  if (keys != 0) {
    for (std::size_t i = 0; i < keys; ++i) all[width + i] = row[key_columns_[i]];
    record.key_schema = key_schema_;
    record.key = Value::row(all.subspan(width, keys));
  }
  if (offset_size_ != 0) place(record, all.last(offset_size_));
  if (!good) refuse(out);
  on_row_ = cursor_->step();
  group_ended(out);
}

/// Notes the position of the row and gives the record the offset to resume at after it.
void TableReader::place(Record& record, std::span<Value> fields) {
  if (config_.mode == Mode::kTimestamp) {
    group_ = cursor_->time(
        time_at_);  // group_ended() moves done_ there once no row of this time is left
  } else {
    if (uses_id(config_.mode)) done_.id = cursor_->integer(id_at_);
    if (uses_time(config_.mode)) done_.time = cursor_->time(time_at_);
  }
  write_offset(config_.mode, done_, fields);
  record.source = {done_.time || done_.id ? partition_ : SourceOffset::kNone, fields};
}

/// Mode timestamp: when the next row has another time, or there is none, the last record carries
/// its own time.
void TableReader::group_ended(Block& out) {
  if (!group_ || (on_row_ && cursor_->time(time_at_) == *group_)) return;
  done_.time = group_;
  group_.reset();
  Record& last = out.records().back();
  const std::span<Value> fields{const_cast<Value*>(last.source.fields.data()),
                                last.source.fields.size()};
  write_offset(config_.mode, done_, fields);
  last.source.partition = partition_;
}

std::string TableReader::describe_key(const Record& record) const {
  if (!key_columns_.empty()) return "key " + shown(record.key);
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    if (table_.columns[i].key_position > 0) return "key " + shown(record.value.elements()[i]);
  }
  if (done_.id) return table_.row_number + " " + std::to_string(*done_.id);
  return "no key";
}

/// The last record cannot be sent: goes past it and says why.
void TableReader::refuse(Block& out) {
  const Record& record = out.records().back();
  const BadValue& bad = cursor_->problem();
  const std::string text = name_of(id_) + ", " + describe_key(record) + ", column " +
                           table_.columns[bad.column].name + ": " + bad.text;
  try {
    on_row_ = cursor_->step();
    group_ended(out);
  } catch (const RetriableError&) {
    disconnect();  // the next poll meets the same trouble, and says so
  }
  throw RecordError(out.size() - 1, text);
}

bool TableReader::end_round(Database& database) {
  close();
  // A bulk read may take longer than the interval; without this it would begin again at once, for
  // ever.
  if (config_.mode == Mode::kBulk) due_ = Clock::now() + std::chrono::milliseconds(config_.poll_ms);
  look_for_young_rows(database);
  return true;
}

bool TableReader::fill(Database& database, Block& out, Clock::time_point until) {
  if (!cursor_ && !open(database)) return true;
  if (!first_row(until)) return false;
  const std::int64_t hold = database.hold_ms_max();
  if (!on_row_) return end_round(database);
  const std::string_view topic = out.copy(topic_);
  const std::size_t limit = out.size() + config_.rows_max;
  for (std::size_t rows = 1; on_row_; ++rows) {
    add_record(out, topic);
    if (out.full() || out.size() >= limit) break;
    if (rows % kRowsBetweenClockReads == 0 && Clock::now() >= until) break;
  }
  if (!on_row_) return end_round(database);
  // A statement that took long to start is kept longer, so that starting it again stays a small
  // part of the work.
  if (hold != 0 && Clock::now() - opened_ >
                       std::max<Clock::duration>(std::chrono::milliseconds(hold), 4 * open_cost_))
    rest();
  return false;
}

}  // namespace penstock::relational
