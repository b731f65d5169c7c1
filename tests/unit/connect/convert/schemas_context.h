#pragma once

#include "framework/connect/host/schema_interner.h"
#include "penstock/plugin.h"

namespace penstock::connect {

/// A context that only interns.
class SchemasContext final : public Context {
 public:
  const Schema* schema(const SchemaSpec& spec) override { return schemas_.intern(spec); }
  void log(LogLevel, std::string_view) override {}
  void count(std::string_view, double) override {}
  [[nodiscard]] bool stopping() const override { return false; }
  [[nodiscard]] std::string_view connector_name() const override { return "c"; }
  [[nodiscard]] int task_id() const override { return 0; }
  void replan() override {}

  const Schema* of(Type type, bool optional = false, std::string_view name = {}) {
    SchemaSpec spec;
    spec.type = type;
    spec.optional = optional;
    spec.name = name;
    return schema(spec);
  }

 private:
  host::SchemaInterner schemas_;
};

}  // namespace penstock::connect
