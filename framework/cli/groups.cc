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
  std::string group;
};

Status list(const Options& options) {
  PENSTOCK_ASSIGN_OR_RETURN(auto cluster, Cluster::open(options.bootstrap));
  PENSTOCK_ASSIGN_OR_RETURN(const auto groups, cluster.groups());
  json all = json::array();
  Table table({{"GROUP"}, {"STATE"}, {"TYPE"}, {"MEMBERS", true}});
  for (const GroupInfo& group : groups) {
    all.push_back({{"name", group.name},
                   {"state", group.state},
                   {"protocol_type", group.protocol_type},
                   {"members", group.members.size()}});
    table.add({group.name, group.state, group.protocol_type, std::to_string(group.members.size())});
  }
  std::printf("%s", options.as_json ? (all.dump(2) + "\n").c_str() : table.text().c_str());
  return {};
}

Status describe(const Options& options) {
  PENSTOCK_ASSIGN_OR_RETURN(auto cluster, Cluster::open(options.bootstrap));
  PENSTOCK_ASSIGN_OR_RETURN(const auto groups, cluster.groups());
  const GroupInfo* found = nullptr;
  for (const GroupInfo& group : groups) {
    if (group.name == options.group) found = &group;
  }
  if (found == nullptr)
    return fail(Errc::kNotFound,
                "there is no group \"" + options.group + "\" at " + options.bootstrap);
  PENSTOCK_ASSIGN_OR_RETURN(const auto topics, cluster.topics());
  std::vector<PartitionKey> partitions;
  for (const TopicInfo& topic : topics) {
    if (topic.name.rfind("__", 0) == 0) continue;
    for (int p = 0; p < topic.partitions; ++p) partitions.emplace_back(topic.name, p);
  }
  PENSTOCK_ASSIGN_OR_RETURN(const auto offsets, cluster.committed(options.group, partitions));
  json lines = json::array();
  json members = json::array();
  Table table({{"TOPIC"}, {"PARTITION", true}, {"COMMITTED", true}, {"END", true}, {"LAG", true}});
  for (const auto& [partition, committed] : offsets) {
    if (committed < 0) continue;
    PENSTOCK_ASSIGN_OR_RETURN(const auto ends, cluster.ends(partition.first, partition.second));
    lines.push_back({{"topic", partition.first},
                     {"partition", partition.second},
                     {"committed", committed},
                     {"end", ends.end},
                     {"lag", ends.end - committed}});
    table.add({partition.first, std::to_string(partition.second), std::to_string(committed),
               std::to_string(ends.end), with_commas(ends.end - committed)});
  }
  for (const GroupMember& member : found->members)
    members.push_back({{"id", member.id}, {"client_id", member.client_id}, {"host", member.host}});
  if (options.as_json) {
    std::printf("%s\n", json{{"name", found->name},
                             {"state", found->state},
                             {"members", members},
                             {"offsets", lines}}
                            .dump(2)
                            .c_str());
    return {};
  }
  std::printf("%s: %s, %zu members\n%s", found->name.c_str(), found->state.c_str(),
              found->members.size(), table.text().c_str());
  for (const GroupMember& member : found->members)
    std::printf("member %s (%s) at %s\n", member.id.c_str(), member.client_id.c_str(),
                member.host.c_str());
  return {};
}

Status remove(const Options& options) {
  PENSTOCK_ASSIGN_OR_RETURN(auto cluster, Cluster::open(options.bootstrap));
  PENSTOCK_RETURN_IF_ERROR(cluster.delete_group(options.group));
  if (options.as_json)
    std::printf("%s\n", json{{"deleted", options.group}}.dump().c_str());
  else
    std::printf("deleted group %s\n", options.group.c_str());
  return {};
}

}  // namespace

void add_groups(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("groups", "List, describe and delete consumer groups");
  command->footer("Example:\n  penstock groups describe connect-warehouse");
  command->require_subcommand(1);
  const auto action = [&](const char* name, const char* help, auto function, bool named) {
    CLI::App* sub = command->add_subcommand(name, help);
    sub->add_option("--bootstrap", options->bootstrap, "Address of a broker, HOST:PORT")
        ->capture_default_str();
    sub->add_flag("--json", options->as_json, "Print JSON");
    if (named) sub->add_option("group", options->group, "Name")->required();
    sub->callback([options, function, &outcome] {
      if (const Status done = function(*options); !done) outcome.failed(done.error());
    });
  };
  action("list", "All groups", &list, false);
  action("describe", "Members, committed offsets and lag", &describe, true);
  action("delete", "Delete a group without members, with its offsets", &remove, true);
}

}  // namespace penstock::cli
