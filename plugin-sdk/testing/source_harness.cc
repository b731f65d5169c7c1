#include <chrono>
#include <deque>
#include <optional>

#include "framework/connect/host/block.h"
#include "recording_context.h"

namespace penstock::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPollMax = std::chrono::seconds(10);

/// A scalar that owns its bytes.
struct Stored {
  std::string name;
  Value value;
  std::string bytes;

  Stored(std::string_view field, const Value& from) : name(field), value(from) {
    if (from.type == Type::kString || from.type == Type::kBytes) bytes = from.text();
  }
  [[nodiscard]] Value view() const {
    if (value.type == Type::kString) return Value::string(bytes);
    if (value.type == Type::kBytes) return Value::binary(bytes);
    return value;
  }
};

bool flat_object(std::string_view json) {
  // Enough to find a plugin that passes a bare name: the runner parses it in full.
  if (json.size() < 2 || json.front() != '{' || json.back() != '}') return false;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (quoted) {
      if (json[i] == '\\')
        ++i;
      else if (json[i] == '"')
        quoted = false;
    } else if (json[i] == '"') {
      quoted = true;
    } else if (json[i] == '{' || json[i] == '[') {
      if (++depth > 1) return false;
    } else if (json[i] == '}' || json[i] == ']') {
      --depth;
    }
  }
  return !quoted && depth == 0;
}

}  // namespace

struct Offsets::State {
  std::map<std::string, std::vector<Stored>, std::less<>> entries;
};
Offsets::Offsets() : state_(std::make_unique<State>()) {}
Offsets::~Offsets() = default;
std::size_t Offsets::size() const { return state_->entries.size(); }

std::string Offsets::text(std::string_view partition_json) const {
  const auto found = state_->entries.find(partition_json);
  if (found == state_->entries.end()) return {};
  std::string out = "{";
  for (const Stored& field : found->second) {
    out += (out.size() > 1 ? ",\"" : "\"") + field.name + "\":" + to_text(nullptr, field.view());
  }
  return out + "}";
}

struct SourceHarness::State final : RecordingContext<SourceContext> {
  struct Partition {
    std::string json;
    std::vector<std::string> fields;
  };

  State(const ConnectorDescriptor& c, const Settings& settings, const Options& options)
      : RecordingContext(options),
        connector(c),
        config(checked_config(c, settings)),
        block({options.soft_records, options.soft_bytes}),
        offsets(options.offsets) {
    if (!offsets) offsets = std::make_shared<Offsets>();
  }
  ~State() override { destroy(); }

  void destroy() {
    if (task != nullptr) connector.destroy_source(task);
    task = nullptr;
  }
  std::uint32_t partition(std::string_view json,
                          std::span<const std::string_view> fields) override {
    if (!flat_object(json))
      throw std::invalid_argument("a source partition is a flat JSON object, not " +
                                  std::string(json));
    for (std::size_t i = 0; i < partitions.size(); ++i) {
      if (partitions[i].json == json) return static_cast<std::uint32_t>(i);
    }
    partitions.push_back({std::string(json), {fields.begin(), fields.end()}});
    return static_cast<std::uint32_t>(partitions.size() - 1);
  }
  std::span<const Value> stored(std::uint32_t number) override {
    if (number >= partitions.size())
      throw std::invalid_argument("stored() of a partition that was not registered");
    const Partition& p = partitions[number];
    const std::vector<std::string_view> names(p.fields.begin(), p.fields.end());
    return stored_as(p.json, names);
  }
  std::span<const Value> stored_as(std::string_view json,
                                   std::span<const std::string_view> fields) override {
    answer.clear();
    const auto found = offsets->state_->entries.find(json);
    if (found == offsets->state_->entries.end()) return {};
    for (const std::string_view name : fields) {
      Value value = Value::absent();
      for (const Stored& field : found->second) {
        if (field.name == name) value = field.view();
      }
      answer.push_back(value);
    }
    return answer;
  }
  void wake() override {}

  void check_record(std::size_t index, const Record& record) const {
    const auto broken = [index](const std::string& why) {
      throw ContractError("record " + std::to_string(index) + " of the block: " + why);
    };
    if (record.topic.empty() || record.topic.size() > 249)
      broken("a topic has 1 to 249 characters");
    if (auto wrong = host::mismatch(record.key_schema, record.key)) broken("key: " + *wrong);
    if (auto wrong = host::mismatch(record.value_schema, record.value)) broken("value: " + *wrong);
    for (const Header& header : record.headers) {
      if (auto wrong = host::mismatch(header.schema, header.value))
        broken("header " + std::string(header.name) + ": " + *wrong);
    }
    if (record.source.partition == SourceOffset::kNone) return;
    if (record.source.partition >= partitions.size())
      broken("its source partition was not registered");
    const Partition& p = partitions[record.source.partition];
    if (record.source.fields.size() != p.fields.size()) {
      broken(std::to_string(record.source.fields.size()) + " offset values for " +
             std::to_string(p.fields.size()) + " fields");
    }
    for (const Value& value : record.source.fields) {
      if (value.type >= Type::kBytes)
        broken("an offset value is NULL, a boolean, a number or a string");
    }
  }

  const ConnectorDescriptor& connector;
  host::PluginConfig config;
  host::HostBlock block;
  std::shared_ptr<Offsets> offsets;
  SourceTask* task = nullptr;
  Polled last = Polled::kMore;
  std::vector<Partition> partitions;
  std::vector<Value> answer;
  std::size_t acknowledged = 0;
};

SourceHarness::SourceHarness(const ConnectorDescriptor& connector, Settings settings,
                             Options options)
    : state_(std::make_unique<State>(connector, settings, options)) {}
SourceHarness::~SourceHarness() = default;

void SourceHarness::start() {
  state_->destroy();
  state_->block.reset();
  state_->partitions.clear();
  state_->acknowledged = 0;
  state_->last = Polled::kMore;
  state_->set_stopping(false);
  state_->task = state_->connector.make_source();
  if (state_->task == nullptr) throw ContractError("the factory returned no task");
  state_->task->start(state_->config, *state_);
}

Polled SourceHarness::poll() {
  if (state_->task == nullptr) throw std::logic_error("poll() before start()");
  if (state_->last == Polled::kEnd) throw std::logic_error("poll() after kEnd");
  state_->block.reset();
  state_->acknowledged = 0;
  const auto begun = Clock::now();
  state_->last = state_->task->poll(state_->block);
  if (Clock::now() - begun > kPollMax) throw ContractError("poll() took longer than 10 s");
  const auto records = state_->block.records();
  for (std::size_t i = 0; i < records.size(); ++i) state_->check_record(i, records[i]);
  return state_->last;
}

std::span<const Record> SourceHarness::records() const {
  return std::as_const(state_->block).records();
}

void SourceHarness::acknowledge(std::size_t count) {
  const auto all = records();
  std::map<std::uint32_t, SourceOffset> last;
  std::size_t& done = state_->acknowledged;
  for (; done < std::min(count, all.size()); ++done) {
    if (all[done].source.partition != SourceOffset::kNone)
      last[all[done].source.partition] = all[done].source;
  }
  for (const auto& [number, offset] : last) {
    const State::Partition& p = state_->partitions[number];
    std::vector<Stored> fields;
    for (std::size_t i = 0; i < p.fields.size(); ++i) {
      if (offset.fields[i].type != Type::kAbsent)
        fields.emplace_back(p.fields[i], offset.fields[i]);
    }
    state_->offsets->state_->entries.insert_or_assign(p.json, std::move(fields));
    state_->task->committed(offset);
  }
}

std::vector<std::string> SourceHarness::drain(std::size_t records_max) {
  std::vector<std::string> out;
  while (state_->last != Polled::kEnd && out.size() < records_max) {
    poll();
    const std::size_t take = std::min(records().size(), records_max - out.size());
    for (const Record& record : records().first(take)) out.push_back(to_text(record));
    acknowledge(take);
    if (state_->last != Polled::kMore) break;
  }
  return out;
}

void SourceHarness::tick() { state_->task->tick(); }
void SourceHarness::stop() {
  state_->set_stopping(true);
  state_->task->stop();
}
Polled SourceHarness::last() const { return state_->last; }
std::vector<LogLine> SourceHarness::log() const { return state_->lines(); }
double SourceHarness::counter(std::string_view metric) const { return state_->counter(metric); }
bool SourceHarness::replan_asked() const { return state_->replan_asked(); }
const std::shared_ptr<Offsets>& SourceHarness::offsets() const { return state_->offsets; }

}  // namespace penstock::testing
