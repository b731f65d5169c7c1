#include "connectors/relational/sink_settings.h"

#include <stdexcept>

namespace penstock::relational {
namespace {

class ThrowFirst : public Problems {
 public:
  void add(std::string_view key, std::string_view text) override {
    throw std::invalid_argument(std::string(key) + ": " + std::string(text));
  }
};

KeyMode key_mode_of(std::string_view text) {
  if (text == "kafka") return KeyMode::kKafka;
  if (text == "record_key") return KeyMode::kRecordKey;
  if (text == "record_value") return KeyMode::kRecordValue;
  return KeyMode::kNone;
}

InsertMode insert_mode_of(std::string_view text) {
  if (text == "upsert") return InsertMode::kUpsert;
  return text == "update" ? InsertMode::kUpdate : InsertMode::kInsert;
}

std::vector<std::string> texts(std::span<const std::string_view> list) {
  return {list.begin(), list.end()};
}

}  // namespace

void check_sink_settings(const Config& config, Problems& problems) {
  const std::string_view mode = config.text("insert.mode");
  const KeyMode key_mode = key_mode_of(config.text("pk.mode"));
  if (mode != "insert" && key_mode == KeyMode::kNone) {
    problems.add("pk.mode", "insert.mode=" + std::string(mode) +
                                " needs a key: set pk.mode to record_key, record_value or kafka");
  }
  if (config.flag("delete.enabled") && key_mode != KeyMode::kRecordKey) {
    problems.add("delete.enabled", "a tombstone has only its key: set pk.mode=record_key");
  }
  const std::size_t fields = config.list("pk.fields").size();
  if (key_mode == KeyMode::kKafka && fields != 0 && fields != 3) {
    problems.add("pk.fields",
                 "pk.mode=kafka needs three names, for topic, partition and offset, or none");
  }
  if (key_mode == KeyMode::kNone && fields != 0) {
    problems.add("pk.fields", "has no meaning with pk.mode=none: set pk.mode");
  }
}

SinkSettings read_sink_settings(const Config& config) {
  ThrowFirst problems;
  check_sink_settings(config, problems);
  SinkSettings s;
  s.mode = insert_mode_of(config.text("insert.mode"));
  s.key_mode = key_mode_of(config.text("pk.mode"));
  s.key_fields = texts(config.list("pk.fields"));
  if (s.key_mode == KeyMode::kKafka && s.key_fields.empty()) {
    s.key_fields = {"__connect_topic", "__connect_partition", "__connect_offset"};
  }
  s.whitelist = texts(config.list("fields.whitelist"));
  s.table_format = std::string(config.text("table.name.format"));
  s.deletes = config.flag("delete.enabled");
  s.create = config.flag("auto.create");
  s.evolve = config.flag("auto.evolve");
  s.exactly_once = config.flag("exactly.once");
  s.batch = static_cast<std::size_t>(config.number("batch.size"));
  s.attempts = static_cast<int>(config.number("connection.attempts"));
  s.backoff_ms = config.number("connection.backoff.ms");
  return s;
}

}  // namespace penstock::relational
