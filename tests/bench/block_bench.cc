// The data path of a row: filling a Block and reading it back, 19 columns like the flights table.
// ns/row is the inverse of items_per_second.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "framework/connect/host/block.h"
#include "framework/connect/host/schema_interner.h"

namespace penstock {
namespace {

constexpr std::size_t kColumns = 19;
constexpr std::size_t kRows = 1000;
constexpr std::string_view kTexts[] = {"UA", "N14228", "EWR", "IAH", "2013-01-01 05:00:00"};

/// 12 integers, 2 reals, 5 strings.
void fill(host::HostBlock& block) {
  for (std::size_t row = 0; row < kRows; ++row) {
    Record& record = block.add();
    const auto values = block.values(kColumns);
    std::size_t at = 0;
    for (; at < 12; ++at) values[at] = Value::integer(static_cast<std::int64_t>(row + at));
    for (; at < 14; ++at) values[at] = Value::float64(static_cast<double>(row) * 0.5);
    for (const std::string_view text : kTexts) values[at++] = Value::string(block.copy(text));
    record.topic = "flights";
    record.value = Value::row(values);
  }
}

std::uint64_t read(const host::HostBlock& block) {
  std::uint64_t sum = 0;
  for (const Record& record : block.records()) {
    for (const Value& value : record.value.elements()) {
      switch (value.type) {
        case Type::kInt64:
          sum += static_cast<std::uint64_t>(value.i);
          break;
        case Type::kFloat64:
          sum += static_cast<std::uint64_t>(value.d);
          break;
        case Type::kString:
          sum += value.size + static_cast<unsigned char>(value.bytes[0]);
          break;
        default:
          break;
      }
    }
  }
  return sum;
}

void BM_FillAndReadRows(benchmark::State& state) {
  host::HostBlock block;
  for (auto _ : state) {
    block.reset();
    fill(block);
    benchmark::DoNotOptimize(read(block));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRows));
  state.counters["ns_per_row"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(kRows),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_FillAndReadRows);

void BM_InternKnownSchema(benchmark::State& state) {
  host::SchemaInterner interner;
  const Schema* number = interner.intern({.type = Type::kInt64});
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kColumns; ++i) names.push_back("column" + std::to_string(i));
  std::vector<Field> fields;
  for (const std::string& name : names) fields.push_back({name, number});
  for (auto _ : state)
    benchmark::DoNotOptimize(
        interner.intern({.type = Type::kStruct, .name = "flights", .fields = fields}));
}
BENCHMARK(BM_InternKnownSchema);

}  // namespace
}  // namespace penstock

BENCHMARK_MAIN();
