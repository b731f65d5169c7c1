#include "connectors/relational/sink_planner.h"

#include <algorithm>
#include <stdexcept>

#include "connectors/relational/sink_value.h"

namespace penstock::relational {
namespace {

constexpr std::size_t kPlansMax = 1000;

/// DEFAULT of a column; empty when there is none, or none that is the same in every database.
std::string default_text(const Schema& schema) {
  const Value* value = schema.default_value();
  if (value == nullptr || !schema.name().empty()) return {};
  switch (value->type) {
    case Type::kBool:
      return value->b ? "TRUE" : "FALSE";
    case Type::kInt8:
    case Type::kInt16:
    case Type::kInt32:
    case Type::kInt64:
      return std::to_string(value->i);
    case Type::kFloat32:
    case Type::kFloat64:
      return real_text(value->d, value->type == Type::kFloat32);
    case Type::kString:
      return literal(value->text());
    default:
      return {};
  }
}

std::vector<std::string> map_names(const Value& map) {
  std::vector<std::string> out;
  for (std::uint32_t i = 0; i < map.size; i += 2) {
    if (map.items[i].type != Type::kString) throw BadShape("a field's name is not a string");
    out.emplace_back(map.items[i].text());
  }
  return out;
}

bool ascii_equal(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [&](char x, char y) { return lower(x) == lower(y); });
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + quoted(name);
  return out;
}

}  // namespace

Plan* SinkPlanner::plan(const Record& record) {
  if (last_ != nullptr && last_->fits(record)) return last_;
  const auto found =
      std::find_if(plans_.begin(), plans_.end(), [&](const auto& p) { return p->fits(record); });
  return last_ = found != plans_.end() ? found->get() : make(record);
}

void SinkPlanner::forget() {
  last_ = nullptr;
  plans_.clear();
  tables_.clear();
}

void SinkPlanner::trim() {
  if (plans_.size() > kPlansMax) forget();
}

Plan* SinkPlanner::make(const Record& record) {
  const TableId id = table_name(record.topic);
  try {
    return make(record, id);
  } catch (const BadShape& e) {
    const bool named = std::string_view(e.what()).starts_with("table ");
    throw BadShape((named ? "" : "table " + id.quoted() + ": ") + e.what());
  }
}

Plan* SinkPlanner::make(const Record& record, const TableId& id) {
  auto plan = std::make_unique<Plan>();
  plan->topic = std::string(record.topic);
  plan->key_schema = record.key_schema;
  plan->value_schema = record.value_schema;
  plan->key_type = record.key.type;
  plan->value_type = record.value.type;
  const std::vector<Wanted> columns = wanted(record, *plan);
  plan->op = op_of(record,
                   std::find(plan->absent.begin(), plan->absent.end(), true) != plan->absent.end());
  const bool schemaless =
      record.value.is_null() ? record.key_schema == nullptr : record.value_schema == nullptr;
  if (plan->op == Op::kDelete && settings_.create && !tables_.contains(id) &&
      !database_.describe(id))
    return nullptr;
  plan->table = &table(id, columns, schemaless, plan->op != Op::kDelete);
  for (const Wanted& want : columns) {
    PlanColumn column;
    column.column = *find(*plan->table, want.name);
    column.from = want.from;
    column.index = want.index;
    column.schema = want.schema;
    column.is_key = want.is_key;
    take_logical(column, want.schema);
    const std::string where = "table " + id.quoted() + ", column " + quoted(want.name) + ": ";
    try {
      database_.choose(column);
    } catch (const BadShape& e) {
      throw BadShape(where + e.what());
    }
    plan->columns.push_back(std::move(column));
    plan->keys += want.is_key ? 1 : 0;
  }
  if (plan->op != Op::kInsert) require_unique_key(*plan);
  database_.prepare(*plan);
  plans_.push_back(std::move(plan));
  return plans_.back().get();
}

Op SinkPlanner::op_of(const Record& record, bool any_absent) const {
  if (record.value.is_null()) return Op::kDelete;
  switch (settings_.mode) {
    case InsertMode::kInsert:
      return Op::kInsert;
    case InsertMode::kUpsert:
      return any_absent ? Op::kPatch : Op::kUpsert;
    case InsertMode::kUpdate:
      return Op::kUpdate;
  }
  return Op::kInsert;
}

/// A dot of the setting splits schema and table; a dot of the topic does not: topics are named by
/// others.
TableId SinkPlanner::table_name(std::string_view topic) const {
  const auto filled = [&](std::string_view text) {
    constexpr std::string_view kTopic = "${topic}";
    std::string out(text);
    for (std::size_t at = 0; (at = out.find(kTopic, at)) != std::string::npos; at += topic.size()) {
      out.replace(at, kTopic.size(), topic);
    }
    return out;
  };
  TableId id;
  const std::string_view format = settings_.table_format;
  const std::size_t dot = format.find('.');
  if (dot != std::string_view::npos) id.schema = filled(format.substr(0, dot));
  id.name = filled(dot == std::string_view::npos ? format : format.substr(dot + 1));
  if (ascii_equal(id.name, kOffsetsTable)) {
    throw std::runtime_error("topic " + std::string(topic) + ": the table " +
                             std::string(kOffsetsTable) +
                             " holds the sink's offsets; choose another table.name.format");
  }
  database_.check_name(id.name);
  return id;
}

std::vector<SinkPlanner::Wanted> SinkPlanner::wanted(const Record& record, Plan& plan) const {
  std::vector<Wanted> out;
  if (plan.key_type == Type::kMap) plan.key_names = map_names(record.key);
  if (record.value.is_null()) {
    if (!settings_.deletes) {
      throw BadShape(
          "the record has no value; set delete.enabled=true (with pk.mode=record_key) to delete "
          "its row");
    }
    want_key(record, out);
    return out;
  }
  want_key(record, out);
  want_value(record, plan, out);
  if (out.empty()) throw BadShape("the record has no field to store");
  return out;
}

void SinkPlanner::want_key(const Record& record, std::vector<Wanted>& out) const {
  if (settings_.key_mode == KeyMode::kKafka) {
    constexpr From kFrom[] = {From::kTopic, From::kPartition, From::kOffset};
    constexpr Type kTypes[] = {Type::kString, Type::kInt32, Type::kInt64};
    for (std::size_t i = 0; i < 3; ++i) {
      out.push_back(
          {settings_.key_fields[i], kFrom[i], 0, context_.schema({.type = kTypes[i]}), true});
    }
  }
  if (settings_.key_mode != KeyMode::kRecordKey) return;
  const Value& key = record.key;
  if (key.is_null()) {
    throw BadShape(
        "the record has no key, which pk.mode=record_key needs; write the topic with a key (a "
        "source table needs a "
        "primary key for that), or take the key from the value (pk.mode=record_value and "
        "pk.fields), or store rows "
        "without one (insert.mode=insert and pk.mode=none)");
  }
  const auto want_part = [&](std::string_view name, std::uint32_t index, const Schema* schema) {
    if (!settings_.key_fields.empty() && !listed(settings_.key_fields, name)) return;
    out.push_back({std::string(name), From::kKeyField, index, schema, true});
  };
  if (key.type == Type::kStruct && record.key_schema != nullptr) {
    const auto fields = record.key_schema->fields();
    for (std::uint32_t i = 0; i < fields.size(); ++i)
      want_part(fields[i].name, i, fields[i].schema);
  } else if (key.type == Type::kMap && record.key_schema == nullptr) {
    for (std::uint32_t i = 0; i < key.size; i += 2) want_part(key.items[i].text(), i + 1, nullptr);
  } else if (settings_.key_fields.size() == 1) {
    out.push_back({settings_.key_fields[0], From::kKey, 0, record.key_schema, true});
  } else {
    throw BadShape("the record's key is a single value: name its one column in pk.fields");
  }
  const std::size_t expected = settings_.key_fields.empty() ? 1 : settings_.key_fields.size();
  if (out.size() < expected) throw BadShape("the record's key has not all fields of pk.fields");
}

void SinkPlanner::want_value(const Record& record, Plan& plan, std::vector<Wanted>& out) const {
  const Value& value = record.value;
  const std::size_t before = out.size();
  std::vector<Wanted> rest;
  const auto want = [&](std::string_view name, std::uint32_t index, const Schema* schema) {
    const bool absent = value.items[index].type == Type::kAbsent;
    plan.absent.push_back(absent);
    const bool in_key =
        std::any_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(before),
                    [&](const Wanted& w) { return database_.same_name(w.name, name); });
    if (in_key) return;
    const bool is_key = settings_.key_mode == KeyMode::kRecordValue &&
                        (settings_.key_fields.empty() || listed(settings_.key_fields, name));
    if (is_key && absent) throw BadShape("the key field " + std::string(name) + " is absent");
    if (absent || (!is_key && !settings_.whitelist.empty() && !listed(settings_.whitelist, name)))
      return;
    (is_key ? out : rest).push_back({std::string(name), From::kValueField, index, schema, is_key});
  };
  if (value.type == Type::kStruct && record.value_schema != nullptr) {
    const auto fields = record.value_schema->fields();
    for (std::uint32_t i = 0; i < fields.size(); ++i) want(fields[i].name, i, fields[i].schema);
  } else if (value.type == Type::kMap && record.value_schema == nullptr) {
    plan.value_names = map_names(value);
    for (std::uint32_t i = 0; i < value.size; i += 2) want(value.items[i].text(), i + 1, nullptr);
  } else {
    throw BadShape("the record's value is neither a struct nor an object, so it has no columns");
  }
  if (settings_.key_mode == KeyMode::kRecordValue && !settings_.key_fields.empty() &&
      out.size() != settings_.key_fields.size()) {
    throw BadShape("the record's value has not all fields of pk.fields");
  }
  out.insert(out.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
}

SinkTable& SinkPlanner::table(const TableId& id, const std::vector<Wanted>& wanted, bool schemaless,
                              bool may_evolve) {
  auto& known = tables_[id];
  if (known == nullptr || !missing(*known, wanted).empty()) {
    std::optional<SinkTable> seen = database_.describe(id);
    const bool incomplete = !seen || !missing(*seen, wanted).empty();
    const bool may_change =
        may_evolve && !schemaless && (seen ? settings_.evolve : settings_.create);
    if (incomplete && may_change) {
      change_table(id, wanted);
      seen = database_.describe(id);
    }
    if (!seen) {
      tables_.erase(id);
      throw std::runtime_error("table " + id.quoted() + " does not exist" +
                               (!may_change && settings_.create
                                    ? "; it can be created only from a record with a schema"
                                    : "; create it, or set auto.create=true"));
    }
    // Plans keep the address.
    if (known == nullptr) known = std::make_unique<SinkTable>();
    *known = std::move(*seen);
  }
  const auto lacking = missing(*known, wanted);
  if (!lacking.empty()) {
    throw BadShape("table " + id.quoted() + " has no column " + quoted(lacking[0]->name) +
                   " that can be written" +
                   (schemaless ? "; a record without a schema cannot add one"
                               : "; add it, or set auto.evolve=true"));
  }
  return *known;
}

void SinkPlanner::change_table(const TableId& id, const std::vector<Wanted>& wanted) {
  database_.begin(Durability::kDurable);
  try {
    database_.lock_tables();
    const std::optional<SinkTable> seen =
        database_.describe(id);  // another task may have been first
    if (!seen) {
      database_.execute(creation(id, wanted));
      context_.log(LogLevel::kInfo, "created table " + id.quoted());
    } else {
      for (const Wanted* column : missing(*seen, wanted)) {
        database_.execute("ALTER TABLE " + seen->id.quoted() + " ADD COLUMN " +
                          definition(*column, true));
        context_.log(LogLevel::kInfo,
                     "added column " + quoted(column->name) + " to table " + id.quoted());
      }
    }
    database_.commit();
  } catch (...) {
    database_.rollback();
    throw;
  }
}

std::string SinkPlanner::definition(const Wanted& column, bool for_add) {
  database_.check_name(column.name);
  const Schema& schema = *column.schema;
  const std::string fallback = default_text(schema);
  const bool optional = schema.optional() && !column.is_key;
  if (for_add && !optional && fallback.empty()) {
    throw BadShape("column " + quoted(column.name) +
                   " cannot be added: its field is neither optional nor has a usable default");
  }
  std::string out = quoted(column.name);
  try {
    if (const std::string type = database_.column_type(schema, column.is_key); !type.empty())
      out += " " + type;
  } catch (const BadShape& e) {
    throw BadShape("field " + quoted(column.name) + ": " + e.what());
  }
  if (!fallback.empty()) out += " DEFAULT " + fallback;
  if (!optional) out += " NOT NULL";
  return out;
}

std::string SinkPlanner::creation(const TableId& id, const std::vector<Wanted>& wanted) {
  std::string sql = "CREATE TABLE " + id.quoted() + " (";
  std::vector<std::string> keys;
  for (const Wanted& column : wanted) {
    if (column.schema == nullptr) {
      throw BadShape("table " + id.quoted() + " cannot be created: " + quoted(column.name) +
                     " has no schema");
    }
    sql += definition(column, false) + ", ";
    if (column.is_key) keys.push_back(column.name);
  }
  if (keys.empty()) {
    sql.resize(sql.size() - 2);
  } else {
    sql += "PRIMARY KEY (" + joined(keys) + ")";
  }
  return sql + ")";
}

std::vector<const SinkPlanner::Wanted*> SinkPlanner::missing(
    const SinkTable& table, const std::vector<Wanted>& wanted) const {
  std::vector<const Wanted*> out;
  for (const Wanted& column : wanted) {
    if (find(table, column.name) == nullptr) out.push_back(&column);
  }
  return out;
}

const SinkColumn* SinkPlanner::find(const SinkTable& table, std::string_view name) const {
  const SinkColumn* close = nullptr;
  for (const SinkColumn& column : table.columns) {
    if (column.name == name) return &column;
    if (database_.same_name(column.name, name)) close = &column;
  }
  return close;
}

/// ON CONFLICT needs a constraint on exactly the key's columns; without one, UPDATE and DELETE
/// could meet other rows.
void SinkPlanner::require_unique_key(const Plan& plan) const {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < plan.keys; ++i) keys.push_back(plan.columns[i].column.name);
  if (keys.empty()) throw BadShape("the record has no key field");
  const bool needed = plan.op == Op::kUpsert || plan.op == Op::kPatch;
  const auto covers = [&](const std::vector<std::string>& unique) {
    return std::is_permutation(unique.begin(), unique.end(), keys.begin(), keys.end());
  };
  if (!needed || std::any_of(plan.table->unique.begin(), plan.table->unique.end(), covers)) return;
  throw std::runtime_error("table " + plan.table->id.quoted() +
                           " has no primary key or unique constraint on exactly (" + joined(keys) +
                           "), which insert.mode=upsert needs; add one, or choose other pk.fields");
}

bool SinkPlanner::listed(const std::vector<std::string>& list, std::string_view name) const {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace penstock::relational
