// Copy this folder, rename, and replace what is inside the two methods.
#include <string>

#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace {

constexpr penstock::ConfigKey kKeys[] = {
    {penstock::ConfigKey::kString, "topic", nullptr, "Topic of the records."},
    {penstock::ConfigKey::kLong, "count", "10", "Records to send.", nullptr, nullptr, 1, 1e9},
};

class MySource final : public penstock::SourceTask {
 public:
  void start(const penstock::Config& config, penstock::SourceContext& context) override {
    topic_ = config.text("topic");
    count_ = config.number("count");
    static constexpr std::string_view kOffsetFields[] = {"next"};
    partition_ = context.partition(R"({"source":"my"})", kOffsetFields);
    if (const auto stored = context.stored(partition_); !stored.empty()) next_ = stored[0].i;
    schema_ = context.schema({.type = penstock::Type::kInt64});
  }

  penstock::Polled poll(penstock::Block& out) override {
    for (; next_ < count_ && !out.full(); ++next_) {
      penstock::Record& record = out.add();
      record.topic = topic_;
      record.value_schema = schema_;
      record.value = penstock::Value::integer(next_);
      const auto offset = out.values(1);
      offset[0] = penstock::Value::integer(next_ + 1);
      record.source = {partition_, offset};
    }
    return next_ < count_ ? penstock::Polled::kMore : penstock::Polled::kEnd;
  }

 private:
  std::string topic_;
  std::int64_t count_ = 0, next_ = 0;
  std::uint32_t partition_ = 0;
  const penstock::Schema* schema_ = nullptr;
};

constexpr penstock::ConnectorDescriptor kConnectors[] = {
    penstock::source<MySource>("MySource", "", "Sends numbers.", kKeys),
};

}  // namespace

PENSTOCK_PLUGIN("my_plugin", "0.1.0", kConnectors)
