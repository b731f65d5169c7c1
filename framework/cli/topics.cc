#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "framework/cli/cluster.h"
#include "framework/cli/command.h"
#include "framework/cli/table.h"

namespace penstock::cli {

namespace {

using nlohmann::json;

struct Options {
  std::string bootstrap = kDefaultBootstrap;
  bool as_json = false;
  bool internal = false;
  std::string topic;
  int partitions = -1;
  int replication_factor = -1;
  std::vector<std::string> settings;
};

Status list(const Options& options) {
  PENSTOCK_ASSIGN_OR_RETURN(auto cluster, Cluster::open(options.bootstrap));
  PENSTOCK_ASSIGN_OR_RETURN(const auto topics, cluster.topics());
  json all = json::array();
  Table table({{"TOPIC"}, {"PARTITIONS", true}, {"RECORDS", true}});
  for (const TopicInfo& topic : topics) {
    if (!options.internal && topic.name.rfind("__", 0) == 0) continue;
    std::int64_t records = 0;
    for (int p = 0; p < topic.partitions; ++p) {
      PENSTOCK_ASSIGN_OR_RETURN(const auto ends, cluster.ends(topic.name, p));
      records += ends.end - ends.first;
    }
    all.push_back({{"name", topic.name},
                   {"partitions", topic.partitions},
                   {"replication_factor", topic.replication_factor},
                   {"records", records}});
    table.add({topic.name, std::to_string(topic.partitions), with_commas(records)});
  }
  std::printf("%s", options.as_json ? (all.dump(2) + "\n").c_str() : table.text().c_str());
  return {};
}

Status describe(const Options& options) {
  PENSTOCK_ASSIGN_OR_RETURN(auto cluster, Cluster::open(options.bootstrap));
  PENSTOCK_ASSIGN_OR_RETURN(const auto topic, cluster.topic(options.topic));
  json all = json::array();
  Table table({{"PARTITION", true}, {"FIRST", true}, {"END", true}, {"RECORDS", true}});
  for (int p = 0; p < topic.partitions; ++p) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto ends, cluster.ends(topic.name, p));
    all.push_back({{"partition", p}, {"first_offset", ends.first}, {"end_offset", ends.end}});
    table.add({std::to_string(p), std::to_string(ends.first), std::to_string(ends.end),
               with_commas(ends.end - ends.first)});
  }
  if (options.as_json)
    std::printf("%s\n", json{{"name", topic.name},
                             {"replication_factor", topic.replication_factor},
                             {"partitions", all}}
                            .dump(2)
                            .c_str());
  else
    std::printf("%s, replication factor %d\n%s", topic.name.c_str(), topic.replication_factor,
                table.text().c_str());
  return {};
}

Status create(const Options& options) {
  std::map<std::string, std::string> config;
  for (const std::string& setting : options.settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos)
      return fail(Errc::kInvalid, "--config takes KEY=VALUE, not \"" + setting + "\"");
    config[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  PENSTOCK_ASSIGN_OR_RETURN(auto cluster, Cluster::open(options.bootstrap));
  PENSTOCK_RETURN_IF_ERROR(
      cluster.create_topic(options.topic, options.partitions, options.replication_factor, config));
  if (options.as_json)
    std::printf("%s\n", json{{"created", options.topic}}.dump().c_str());
  else
    std::printf("created topic %s\n", options.topic.c_str());
  return {};
}

Status remove(const Options& options) {
  PENSTOCK_ASSIGN_OR_RETURN(auto cluster, Cluster::open(options.bootstrap));
  PENSTOCK_RETURN_IF_ERROR(cluster.delete_topic(options.topic));
  if (options.as_json)
    std::printf("%s\n", json{{"deleted", options.topic}}.dump().c_str());
  else
    std::printf("deleted topic %s\n", options.topic.c_str());
  return {};
}

}  // namespace

void add_topics(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("topics", "List, create, describe and delete topics");
  command->footer(
      "Example:\n  penstock topics create orders --partitions 3 --config retention.ms=86400000");
  command->require_subcommand(1);
  const auto action = [&](const char* name, const char* help, auto function) {
    CLI::App* sub = command->add_subcommand(name, help);
    sub->add_option("--bootstrap", options->bootstrap, "Address of a broker, HOST:PORT")
        ->capture_default_str();
    sub->add_flag("--json", options->as_json, "Print JSON");
    sub->callback([options, function, &outcome] {
      if (const Status done = function(*options); !done) outcome.failed(done.error());
    });
    return sub;
  };
  action("list", "All topics with their number of records", &list)
      ->add_flag("--internal", options->internal, "Internal topics (__...) too");
  action("describe", "Offsets of each partition", &describe)
      ->add_option("topic", options->topic, "Name")
      ->required();
  action("delete", "Delete a topic and its records", &remove)
      ->add_option("topic", options->topic, "Name")
      ->required();
  CLI::App* created = action("create", "Create a topic", &create);
  created->add_option("topic", options->topic, "Name")->required();
  created->add_option("--partitions", options->partitions,
                      "Number of partitions; the broker's default if left out");
  created->add_option("--replication-factor", options->replication_factor,
                      "Copies of each partition; the broker's default if left out");
  created->add_option("--config", options->settings,
                      "KEY=VALUE, Kafka's topic settings; may be repeated");
}

}  // namespace penstock::cli
