#include "connectors/postgres/sink_sql.h"

#include "connectors/postgres/sink_encode.h"

namespace penstock::postgres {

using relational::Plan;
using relational::quoted;

namespace {

std::string names(const Plan& plan, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += (i == 0 ? "" : ", ") + quoted(plan.columns[i].column.name);
  return out;
}

/// s.c3, or s.c3::uuid
std::string item(const Plan& plan, std::size_t i) {
  std::string out = "s.c" + std::to_string(i);
  if (plan.columns[i].encoding == kCast) out += "::" + plan.columns[i].column.bare_type;
  return out;
}

std::string items(const Plan& plan, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ", ") + item(plan, i);
  return out;
}

/// unnest($1, $2) AS s(c0, c1)
std::string rows(std::size_t count) {
  std::string parameters, columns;
  for (std::size_t i = 0; i < count; ++i) {
    parameters += (i == 0 ? "$" : ", $") + std::to_string(i + 1);
    columns += (i == 0 ? "c" : ", c") + std::to_string(i);
  }
  return "unnest(" + parameters + ") AS s(" + columns + ")";
}

std::string same_key(const Plan& plan) {
  std::string out;
  for (std::size_t i = 0; i < plan.keys; ++i) {
    out +=
        (i == 0 ? "t." : " AND t.") + quoted(plan.columns[i].column.name) + " = " + item(plan, i);
  }
  return out;
}

}  // namespace

std::string copy_sql(const Plan& plan) {
  return "COPY " + plan.table->id.quoted() + " (" + names(plan, plan.columns.size()) +
         ") FROM STDIN (FORMAT binary)";
}

std::string insert_sql(const Plan& plan) {
  const std::size_t count = plan.columns.size();
  return "INSERT INTO " + plan.table->id.quoted() + " AS t (" + names(plan, count) +
         ") OVERRIDING SYSTEM VALUE SELECT " + items(plan, count) + " FROM " + rows(count);
}

std::string upsert_sql(const Plan& plan) {
  std::string sets;
  for (std::size_t i = plan.keys; i < plan.columns.size(); ++i) {
    const std::string name = quoted(plan.columns[i].column.name);
    sets += (sets.empty() ? "" : ", ") + name + " = EXCLUDED." + name;
  }
  return insert_sql(plan) + " ON CONFLICT (" + names(plan, plan.keys) + ") DO " +
         (sets.empty() ? "NOTHING" : "UPDATE SET " + sets);
}

std::string update_sql(const Plan& plan) {
  std::string sets;
  for (std::size_t i = plan.keys; i < plan.columns.size(); ++i) {
    sets +=
        (sets.empty() ? "" : ", ") + quoted(plan.columns[i].column.name) + " = " + item(plan, i);
  }
  return "UPDATE " + plan.table->id.quoted() + " AS t SET " + sets + " FROM " +
         rows(plan.columns.size()) + " WHERE " + same_key(plan);
}

std::string delete_sql(const Plan& plan) {
  return "DELETE FROM " + plan.table->id.quoted() + " AS t USING " + rows(plan.keys) + " WHERE " +
         same_key(plan);
}

}  // namespace penstock::postgres
