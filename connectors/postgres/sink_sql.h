#pragma once
// The statements of a plan.

#include <memory>
#include <string>
#include <vector>

#include "connectors/relational/sink_plan.h"

namespace penstock::postgres {

/// Names of prepared statements; `unused` collects them for deallocation when the plan is gone.
struct SinkStatements final : relational::PlanStatements {
  explicit SinkStatements(std::shared_ptr<std::vector<std::string>> list)
      : unused(std::move(list)) {}
  SinkStatements(const SinkStatements&) = delete;
  SinkStatements& operator=(const SinkStatements&) = delete;
  ~SinkStatements() override {
    for (std::string* name : {&write, &insert}) {
      if (!name->empty()) unused->push_back(std::move(*name));
    }
  }
  std::string copy;    // COPY, where it can be used; else:
  std::string write;   // one parameter, an array, for each column
  std::string insert;  // kPatch, for a row that is not there
  bool exact_keys = true;
  std::shared_ptr<std::vector<std::string>> unused;
};

std::string copy_sql(const relational::Plan& plan);
std::string insert_sql(const relational::Plan& plan);
std::string upsert_sql(const relational::Plan& plan);
std::string update_sql(const relational::Plan& plan);
std::string delete_sql(const relational::Plan& plan);

}  // namespace penstock::postgres
