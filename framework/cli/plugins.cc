#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "framework/cli/command.h"
#include "framework/cli/rest_client.h"
#include "framework/cli/table.h"

namespace penstock::cli {

namespace {

using nlohmann::json;

struct Options {
  std::string worker = kDefaultWorker;
  bool as_json = false;
  std::string name;
};

Status list(const Options& options) {
  RestClient client(options.worker);
  PENSTOCK_ASSIGN_OR_RETURN(const json all, client.get("/connector-plugins?connectorsOnly=false"));
  Table table({{"CLASS"}, {"TYPE"}, {"VERSION"}});
  for (const json& plugin : all)
    table.add({plugin.value("class", ""), plugin.value("type", ""), plugin.value("version", "")});
  std::printf("%s", options.as_json ? (all.dump(2) + "\n").c_str() : table.text().c_str());
  return {};
}

Status config(const Options& options) {
  RestClient client(options.worker);
  PENSTOCK_ASSIGN_OR_RETURN(
      const json all, client.get("/connector-plugins/" + encode_segment(options.name) + "/config"));
  Table table({{"SETTING"}, {"TYPE"}, {"DEFAULT"}, {"MEANING"}});
  for (const json& key : all) {
    const bool required = key.value("required", false);
    const json fallback = key.value("default_value", json());
    table.add({key.value("name", ""), key.value("type", ""),
               required               ? "(required)"
               : fallback.is_string() ? fallback.get<std::string>()
                                      : "",
               key.value("documentation", "")});
  }
  std::printf("%s", options.as_json ? (all.dump(2) + "\n").c_str() : table.text().c_str());
  return {};
}

}  // namespace

void add_plugins(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("plugins", "What a worker can run");
  command->footer("Example:\n  penstock plugins config SqliteSource");
  command->require_subcommand(1);
  const auto action = [&](const char* name, const char* help, auto function) {
    CLI::App* sub = command->add_subcommand(name, help);
    sub->add_option("--worker", options->worker, "URL of the worker's REST API")
        ->capture_default_str();
    sub->add_flag("--json", options->as_json, "Print JSON");
    sub->callback([options, function, &outcome] {
      if (const Status done = function(*options); !done) outcome.failed(done.error());
    });
    return sub;
  };
  action("list", "All connector classes, converters and transforms", &list);
  action("config", "The settings of one class", &config)
      ->add_option("class", options->name, "Connector class")
      ->required();
}

}  // namespace penstock::cli
