#include "connectors/relational/sink_plan.h"

#include "connectors/relational/sink_value.h"

namespace penstock::relational {
namespace {

constexpr std::size_t kShownKeyMax = 100;
constexpr std::int32_t kScaleMax = 1000;

bool same_keys(const Value& map, const std::vector<std::string>& names) {
  if (map.size != names.size() * 2) return false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Value& name = map.items[i * 2];
    if (name.type != Type::kString || name.text() != names[i]) return false;
  }
  return true;
}

}  // namespace

Logical logical_of(const Schema* schema) {
  if (schema == nullptr || schema->name().empty()) return Logical::kNone;
  const std::string_view name = schema->name();
  if (name == logical::kDecimal && schema->type() == Type::kBytes) return Logical::kDecimal;
  if (name == logical::kDate && schema->type() == Type::kInt32) return Logical::kDate;
  if (name == logical::kTime && schema->type() == Type::kInt32) return Logical::kTime;
  if (name == logical::kTimestamp && schema->type() == Type::kInt64) return Logical::kTimestamp;
  if (name == logical::kSqliteAny && schema->type() == Type::kStruct) return Logical::kSqliteAny;
  return Logical::kNone;
}

void take_logical(PlanColumn& column, const Schema* schema) {
  column.logical = logical_of(schema);
  if (column.logical != Logical::kDecimal) return;
  const auto scale = integer_from_text(schema->parameter("scale"));
  if (!scale || *scale > kScaleMax || *scale < -kScaleMax) {
    throw BadShape("field " + quoted(column.column.name) +
                   ": a Decimal without a usable parameter 'scale'");
  }
  column.scale = static_cast<std::int32_t>(*scale);
}

bool Plan::fits(const Record& record) const {
  if (record.value_schema != value_schema || record.key_schema != key_schema ||
      record.value.type != value_type || record.key.type != key_type || record.topic != topic) {
    return false;
  }
  if (value_type == Type::kStruct) {
    if (record.value.size != absent.size()) return false;
    for (std::size_t i = 0; i < absent.size(); ++i) {
      if ((record.value.items[i].type == Type::kAbsent) != absent[i]) return false;
    }
  } else if (value_type == Type::kMap) {
    if (!same_keys(record.value, value_names)) return false;
    for (std::size_t i = 0; i < absent.size(); ++i) {
      if ((record.value.items[i * 2 + 1].type == Type::kAbsent) != absent[i]) return false;
    }
  }
  if (key_type == Type::kStruct)
    return key_schema != nullptr && record.key.size == key_schema->fields().size();
  return key_type != Type::kMap || same_keys(record.key, key_names);
}

std::string located(const Plan& plan, const PlanColumn* column, const Record& record,
                    std::string_view text) {
  std::string out = "table " + plan.table->id.quoted();
  if (column != nullptr) out += ", column " + quoted(column->column.name);
  if (plan.keys > 0) {
    std::string key;
    for (std::size_t i = 0; i < plan.keys; ++i) {
      const PlanColumn& part = plan.columns[i];
      key += (i == 0 ? "" : ", ") + part.column.name + "=" +
             shown_value(part, plan_value(part, record));
    }
    if (key.size() > kShownKeyMax) key = key.substr(0, kShownKeyMax) + "...";
    out += ", key {" + key + "}";
  }
  return out + ": " + std::string(text);
}

}  // namespace penstock::relational
