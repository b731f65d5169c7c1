#include <algorithm>
#include <set>

#include "framework/connect/host/block.h"
#include "recording_context.h"

namespace penstock::testing {

namespace {
using Place = std::pair<std::string, std::int32_t>;
}

struct SinkHarness::State final : RecordingContext<SinkContext> {
  State(const ConnectorDescriptor& c, const Settings& settings, const Options& options)
      : RecordingContext(options),
        connector(c),
        config(checked_config(c, settings)),
        block({options.soft_records, options.soft_bytes}),
        cluster(options.cluster_id),
        topic_ids(options.topic_ids) {}
  ~State() override { destroy(); }

  void destroy() {
    if (task != nullptr) connector.destroy_sink(task);
    task = nullptr;
    opened = false;
    open_places.clear();
    passed_by.clear();
  }
  void seek(const TopicPartition& at) override {
    if (!opening) throw ContractError("seek() outside open()");
    const Place place{at.topic, at.partition};
    if (!open_places.contains(place))
      throw ContractError("seek() of a partition that is not being opened");
    sought[place] = at.next_offset;
  }
  void reject(const Record& record, std::string_view why) override {
    if (!putting) throw ContractError("reject() outside put()");
    rejected.push_back(
        {std::string(record.topic), record.partition, record.offset, std::string(why)});
  }

  /// As in a worker: known from open() on.
  [[nodiscard]] std::string_view cluster_id() const override {
    return opened ? std::string_view(cluster) : std::string_view();
  }

  [[nodiscard]] std::int64_t passed(std::string_view topic, std::int32_t partition) const override {
    const auto found = passed_by.find({std::string(topic), partition});
    return found == passed_by.end() ? -1 : found->second;
  }

  std::string_view topic_id(std::string_view topic) override {
    if (!opened) throw ContractError("topic_id() before open()");
    const auto found = topic_ids.find(topic);
    return found == topic_ids.end() ? std::string_view() : std::string_view(found->second);
  }

  const ConnectorDescriptor& connector;
  host::PluginConfig config;
  host::HostBlock block;
  SinkTask* task = nullptr;
  std::string cluster;
  std::map<std::string, std::string, std::less<>> topic_ids;
  bool opening = false, putting = false, opened = false;
  std::set<Place> open_places;
  std::map<Place, std::int64_t> sought;
  std::map<Place, std::int64_t> next;
  std::map<Place, std::int64_t> passed_by;
  std::vector<Rejected> rejected;
};

SinkHarness::SinkHarness(const ConnectorDescriptor& connector, Settings settings, Options options)
    : state_(std::make_unique<State>(connector, settings, options)) {}
SinkHarness::~SinkHarness() = default;

void SinkHarness::start() {
  state_->destroy();
  state_->set_stopping(false);
  state_->task = state_->connector.make_sink();
  if (state_->task == nullptr) throw ContractError("the factory returned no task");
  state_->task->start(state_->config, *state_);
}

void SinkHarness::open(std::string_view topic, std::int32_t partition, std::int64_t next_offset) {
  const Place place{topic, partition};
  state_->open_places.insert(place);
  state_->sought.erase(place);
  state_->next[place] = next_offset;
  const TopicPartition at{topic, partition, next_offset};
  state_->opening = state_->opened = true;
  state_->task->open({&at, 1});
  state_->opening = false;
  if (const auto found = state_->sought.find(place); found != state_->sought.end())
    state_->next[place] = std::max<std::int64_t>(found->second, 0);  // kBeginning
}

std::int64_t SinkHarness::sought(std::string_view topic, std::int32_t partition) const {
  const auto found = state_->sought.find({std::string(topic), partition});
  return found == state_->sought.end() ? -1 : found->second;
}

Block& SinkHarness::block() { return state_->block; }
const Schema* SinkHarness::schema(const SchemaSpec& spec) { return state_->schema(spec); }

Record& SinkHarness::add(std::string_view topic, std::int32_t partition) {
  Record& record = state_->block.add();
  record.topic = state_->block.copy(topic);
  record.partition = partition;
  record.offset = state_->next[{std::string(topic), partition}]++;
  record.timestamp_ms = 1'700'000'000'000 + record.offset;
  return record;
}

void SinkHarness::try_put() {
  state_->putting = true;
  struct Done {
    bool& putting;
    ~Done() { putting = false; }
  } const done{state_->putting};
  state_->task->put(std::as_const(state_->block).records());
  for (const Record& record : std::as_const(state_->block).records())
    pass(record.topic, record.partition, record.offset + 1);
}

void SinkHarness::pass(std::string_view topic, std::int32_t partition, std::int64_t next_offset) {
  auto& at = state_->passed_by.try_emplace({std::string(topic), partition}, -1).first->second;
  at = std::max(at, next_offset);
}

void SinkHarness::discard() {
  state_->block.scribble();
  state_->block.reset();
}

void SinkHarness::put() {
  struct Done {
    SinkHarness& harness;
    ~Done() { harness.discard(); }
  } const done{*this};
  try_put();
}

void SinkHarness::flush() { state_->task->flush(); }
void SinkHarness::tick() { state_->task->tick(); }

void SinkHarness::close() {
  flush();
  std::vector<TopicPartition> all;
  for (const auto& [topic, partition] : state_->open_places)
    all.push_back({topic, partition, state_->next[{topic, partition}]});
  state_->task->close(all);
  state_->open_places.clear();
}

void SinkHarness::stop() {
  state_->set_stopping(true);
  state_->task->stop();
}

const std::vector<Rejected>& SinkHarness::rejected() const { return state_->rejected; }
std::vector<LogLine> SinkHarness::log() const { return state_->lines(); }
double SinkHarness::counter(std::string_view metric) const { return state_->counter(metric); }

}  // namespace penstock::testing
