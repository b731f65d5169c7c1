#pragma once
// Finds or makes the plan of a record: its table (created or extended when allowed) and where each
// column comes from.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/relational/sink_plan.h"
#include "connectors/relational/sink_settings.h"

namespace penstock::relational {

class SinkPlanner {
 public:
  SinkPlanner(const SinkSettings& settings, SinkDatabase& database, Context& context)
      : settings_(settings), database_(database), context_(context) {}

  /// Outside a transaction: it may change tables in one of its own. The plan lives until forget().
  /// nullptr: nothing is to be done, a delete from a table that auto.create has not made yet.
  /// Throws BadShape when this record cannot be stored, std::runtime_error when nothing of its
  /// topic can.
  Plan* plan(const Record& record);
  /// Drops plans and what is known of tables.
  void forget();
  /// The number of plans is bounded: forgets them when there are too many. No plan may be in use.
  void trim();

 private:
  struct Wanted {
    std::string name;
    From from = From::kValueField;
    std::uint32_t index = 0;
    const Schema* schema = nullptr;
    bool is_key = false;
  };
  Plan* make(const Record& record);
  Plan* make(const Record& record, const TableId& id);
  [[nodiscard]] Op op_of(const Record& record, bool any_absent) const;
  [[nodiscard]] TableId table_name(std::string_view topic) const;
  std::vector<Wanted> wanted(const Record& record, Plan& plan) const;
  void want_key(const Record& record, std::vector<Wanted>& out) const;
  void want_value(const Record& record, Plan& plan, std::vector<Wanted>& out) const;
  SinkTable& table(const TableId& id, const std::vector<Wanted>& wanted, bool schemaless,
                   bool may_evolve);
  void change_table(const TableId& id, const std::vector<Wanted>& wanted);
  std::string definition(const Wanted& column, bool for_add);
  std::string creation(const TableId& id, const std::vector<Wanted>& wanted);
  std::vector<const Wanted*> missing(const SinkTable& table,
                                     const std::vector<Wanted>& wanted) const;
  [[nodiscard]] const SinkColumn* find(const SinkTable& table, std::string_view name) const;
  void require_unique_key(const Plan& plan) const;
  [[nodiscard]] bool listed(const std::vector<std::string>& list, std::string_view name) const;

  const SinkSettings& settings_;
  SinkDatabase& database_;
  Context& context_;
  Plan* last_ = nullptr;
  std::vector<std::unique_ptr<Plan>> plans_;
  std::map<TableId, std::unique_ptr<SinkTable>> tables_;
};

}  // namespace penstock::relational
