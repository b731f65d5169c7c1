#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "broker/api_table.h"
#include "broker/broker_config.h"
#include "broker/kafka_settings.h"
#include "broker/metadata/topic_config.h"
#include "broker/settings.h"
#include "framework/config/properties.h"
#include "kafka_4_3.h"

// Keeps the tables of docs/compatibility.md in step with the code. They are written anew by
// PENSTOCK_WRITE_PAGES=1 broker_unit_test.
namespace penstock::broker {
namespace {

const std::filesystem::path kRoot = PENSTOCK_ROOT;
const std::filesystem::path kPage = kRoot / "docs/compatibility.md";

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string cell(std::string_view value) {
  return value.empty() ? std::string("") : "`" + std::string(value) + "`";
}
std::string range(std::int16_t low, std::int16_t high) {
  return std::to_string(low) + "-" + std::to_string(high);
}

std::string api_table_text() {
  std::string out = "| key | API | Kafka | here | |\n|---|---|---|---|---|\n";
  for (const KafkaApi& theirs : kKafkaApis) {
    const Api* ours = find_handler(static_cast<protocol::ApiKey>(theirs.key));
    out += "| " + std::to_string(theirs.key) + " | " + std::string(theirs.name) + " | " +
           range(theirs.low, theirs.high) + " | ";
    if (ours == nullptr) {
      out += "| not there: " + std::string(theirs.why_not) + " |\n";
      continue;
    }
    out += range(ours->advertised_low, ours->high) + " | " +
           (ours->high == theirs.high ? "done" : "done to version " + std::to_string(ours->high)) +
           " |\n";
  }
  return out;
}

std::string topic_table() {
  const auto settings = load_settings("", {});
  std::string out = "| topic setting | Kafka's default | here | |\n|---|---|---|---|\n";
  for (const KafkaDefault& theirs : kKafkaTopicSettings) {
    out += "| `" + std::string(theirs.name) + "` | " + cell(theirs.value) + " | ";
    if (const TopicConfigDef* ours = find_topic_config(theirs.name)) {
      const std::string value = ours->get(settings->topic_defaults);
      out += cell(value) + " | ";
      out += ours->fixed ? "different: no other value. " + std::string(ours->doc) : "done";
    } else {
      out += "| not there";
    }
    out += " |\n";
  }
  return out;
}

std::string harmless(const KafkaSetting& setting) {
  const std::string why(setting.why);
  if (setting.harmless == "*") return "changes nothing: " + why;
  if (setting.harmless.empty()) return "not there: " + why;
  std::string values(setting.harmless);
  for (std::size_t at = 0; (at = values.find('|', at)) != std::string::npos;)
    values.replace(at, 1, "`, `");
  return "only `" + values + "`: " + why;
}

std::string broker_table() {
  const auto theirs = config::load_properties(
      (kRoot / "tests/unit/broker/kafka_4_3_broker_settings.properties").string());
  EXPECT_TRUE(theirs);
  std::map<std::string, std::pair<std::string, std::string>> rows;
  for (const auto& [name, value] : *theirs) {
    const KafkaSetting* setting = find_kafka_setting(name);
    rows[name] = {cell(value) + " | ", setting != nullptr ? harmless(*setting) : "unknown"};
  }
  for (const config::Key& key : setting_keys()) {
    const auto known = theirs->find(key.name);
    const std::string kafka = known == theirs->end() ? "(none)" : cell(known->second);
    rows[key.name] = {kafka + " | " + cell(key.fallback.value_or("")),
                      is_dynamic_setting(key.name) ? "done, also at run time" : "done"};
  }
  std::string out = "| broker setting | Kafka's default | here | |\n|---|---|---|---|\n";
  for (const auto& [name, row] : rows)
    out += "| `" + name + "` | " + row.first + " | " + row.second + " |\n";
  return out;
}

/// What lies between <!-- name --> and <!-- end -->.
struct Block {
  std::size_t from = 0;
  std::size_t to = 0;
};
Block block_of(const std::string& page, const std::string& name) {
  const std::string mark = "<!-- " + name + " -->\n";
  const std::size_t at = page.find(mark);
  if (at == std::string::npos) return {};
  return {at + mark.size(), page.find("<!-- end -->", at)};
}

void hold(const std::string& name, const std::string& table) {
  std::string page = read(kPage);
  const Block block = block_of(page, name);
  ASSERT_GT(block.to, block.from) << "no block " << name;
  if (std::getenv("PENSTOCK_WRITE_PAGES") != nullptr) {
    page.replace(block.from, block.to - block.from, table);
    std::ofstream(kPage, std::ios::binary) << page;
    return;
  }
  EXPECT_TRUE(page.substr(block.from, block.to - block.from) == table)
      << "write docs/compatibility.md anew: PENSTOCK_WRITE_PAGES=1 broker_unit_test";
}

TEST(CompatibilityPage, NamesEveryApi) { hold("apis", api_table_text()); }
TEST(CompatibilityPage, NamesEveryTopicSetting) { hold("topic settings", topic_table()); }
TEST(CompatibilityPage, NamesEveryBrokerSetting) { hold("broker settings", broker_table()); }

TEST(CompatibilityPage, NothingIsOfferedThatKafkaDoesNotHave) {
  for (const Api& api : api_table()) {
    const auto found =
        std::find_if(kKafkaApis.begin(), kKafkaApis.end(), [&api](const KafkaApi& theirs) {
          return theirs.key == static_cast<std::int16_t>(api.key);
        });
    ASSERT_NE(found, kKafkaApis.end()) << to_string(api.key);
    EXPECT_EQ(found->name, to_string(api.key));
    EXPECT_EQ(api.advertised_low, found->low) << found->name;
    EXPECT_LE(api.high, found->high) << found->name;
  }
  for (const TopicConfigDef& def : topic_config_defs()) {
    EXPECT_TRUE(std::any_of(kKafkaTopicSettings.begin(), kKafkaTopicSettings.end(),
                            [&def](const KafkaDefault& theirs) { return theirs.name == def.name; }))
        << def.name;
  }
}

TEST(CompatibilityPage, EverySettingOfKafkasIsOursOrAccountedFor) {
  const auto theirs = config::load_properties(
      (kRoot / "tests/unit/broker/kafka_4_3_broker_settings.properties").string());
  ASSERT_TRUE(theirs);
  EXPECT_EQ(theirs->size(), 340U);
  const config::Definition ours(setting_keys());
  for (const auto& [name, value] : *theirs) {
    EXPECT_TRUE(ours.find(name) != nullptr || find_kafka_setting(name) != nullptr) << name;
  }
}

}  // namespace
}  // namespace penstock::broker
