// A source: prices of a few symbols that walk up and down, the same ones for the same seed. Shows a
// schema with fields, a key, one source partition a symbol, and resuming: the walk is worked out
// again from the stored step.
#include <array>
#include <string>
#include <vector>

#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace {

using namespace penstock;

constexpr ConfigKey kKeys[] = {
    {ConfigKey::kString, "topic", "ticks", "Topic of the ticks."},
    {ConfigKey::kList, "symbols", "ABC,XYZ", "Symbols to make prices for."},
    {ConfigKey::kLong, "steps", "100", "Ticks of each symbol before the end.", nullptr, nullptr, 1,
     1e9},
    {ConfigKey::kInt, "seed", "1", "The same seed gives the same prices."},
};

class Ticker final : public SourceTask {
 public:
  void start(const Config& config, SourceContext& context) override {
    topic_ = config.text("topic");
    steps_ = config.number("steps");
    text_ = context.schema({.type = Type::kString});
    const std::array<Field, 3> fields{{{"symbol", text_},
                                       {"step", context.schema({.type = Type::kInt64})},
                                       {"price", context.schema({.type = Type::kFloat64})}}};
    row_ = context.schema({.type = Type::kStruct, .name = "Tick", .fields = fields});
    static constexpr std::string_view kOffsetFields[] = {"step"};
    for (const std::string_view symbol : config.list("symbols")) {
      Walk walk{std::string(symbol),
                context.partition("{\"symbol\":\"" + std::string(symbol) + "\"}", kOffsetFields)};
      walk.state = static_cast<std::uint64_t>(config.number("seed")) * 6364136223846793005ULL +
                   symbol.size();
      std::int64_t done = 0;
      if (const auto stored = context.stored(walk.partition); !stored.empty()) done = stored[0].i;
      while (walk.step < done) walk.advance();
      walks_.push_back(std::move(walk));
    }
  }

  Polled poll(Block& out) override {
    bool more = false;
    for (Walk& walk : walks_) {
      for (int burst = 0; burst < 10 && walk.step < steps_ && !out.full(); ++burst) tick(walk, out);
      more = more || walk.step < steps_;
    }
    return more ? Polled::kMore : Polled::kEnd;
  }

 private:
  struct Walk {
    std::string symbol;
    std::uint32_t partition = 0;
    std::uint64_t state = 0;
    std::int64_t step = 0;
    double price = 100;
    void advance() {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      price += static_cast<double>(static_cast<std::int64_t>(state >> 60) - 8) / 8.0;
      ++step;
    }
  };

  void tick(Walk& walk, Block& out) {
    walk.advance();
    Record& record = out.add();
    record.topic = topic_;
    record.key_schema = text_;
    record.key = Value::string(out.copy(walk.symbol));
    const auto values = out.values(3);
    values[0] = record.key;
    values[1] = Value::integer(walk.step);
    values[2] = Value::float64(walk.price);
    record.value_schema = row_;
    record.value = Value::row(values);
    record.source = {walk.partition, values.subspan(1, 1)};  // the step is the offset
  }

  std::string topic_;
  std::int64_t steps_ = 0;
  const Schema* text_ = nullptr;
  const Schema* row_ = nullptr;
  std::vector<Walk> walks_;
};

constexpr ConnectorDescriptor kConnectors[] = {
    source<Ticker>("TickerSource", "", "Makes up prices that walk up and down.", kKeys)};

}  // namespace

PENSTOCK_PLUGIN("ticker", "1.0.0", kConnectors)
