#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "framework/cli/command.h"
#include "framework/cli/job_file.h"
#include "framework/cli/rest_client.h"
#include "framework/cli/table.h"

namespace penstock::cli {

namespace {

using nlohmann::json;

struct Options {
  std::string worker = kDefaultWorker;
  bool as_json = false;
  std::string name;
  std::string file;
};

std::string path_of(const Options& options, const std::string& rest = {}) {
  return "/connectors/" + encode_segment(options.name) + rest;
}

Status list(const Options& options) {
  RestClient client(options.worker);
  PENSTOCK_ASSIGN_OR_RETURN(const json all, client.get("/connectors?expand=status&expand=info"));
  if (options.as_json) {
    std::printf("%s\n", all.dump(2).c_str());
    return {};
  }
  Table table({{"CONNECTOR"}, {"TYPE"}, {"CLASS"}, {"STATE"}, {"TASKS"}});
  for (const auto& [name, both] : all.items()) {
    const json& status = both.at("status");
    std::map<std::string, int> states;
    for (const json& task : status.at("tasks")) ++states[task.at("state").get<std::string>()];
    std::string tasks;
    for (const auto& [state, count] : states)
      tasks += (tasks.empty() ? "" : ", ") + std::to_string(count) + " " + state;
    table.add({name, status.value("type", ""),
               both.at("info").at("config").value("connector.class", ""),
               status.at("connector").value("state", ""), tasks});
  }
  std::printf("%s", table.text().c_str());
  return {};
}

Status status(const Options& options) {
  RestClient client(options.worker);
  PENSTOCK_ASSIGN_OR_RETURN(const json body, client.get(path_of(options, "/status")));
  if (options.as_json) {
    std::printf("%s\n", body.dump(2).c_str());
    return {};
  }
  std::printf("%s: %s\n", options.name.c_str(), body.at("connector").value("state", "").c_str());
  if (body.at("connector").contains("trace"))
    std::printf("  %s\n", body["connector"]["trace"].get<std::string>().c_str());
  for (const json& task : body.at("tasks")) {
    std::printf("task %d: %s\n", task.value("id", 0), task.value("state", "").c_str());
    if (task.contains("trace")) std::printf("  %s\n", task["trace"].get<std::string>().c_str());
  }
  return {};
}

Status create(const Options& options) {
  PENSTOCK_ASSIGN_OR_RETURN(const Job job, read_job_file(options.file));
  RestClient client(options.worker);
  json all = json::array();
  if (!job.topics.empty()) {
    return fail(Errc::kInvalid,
                options.file +
                    " lists topics, which a worker does not make: create them with "
                    "'penstock topics create' and take the list out, or run the job "
                    "with 'penstock run'");
  }
  PENSTOCK_ASSIGN_OR_RETURN(const json existing, client.get("/connectors"));
  for (const JobConnector& connector : job.connectors) {
    // A state to begin with counts for new connectors only.
    const bool begins =
        !connector.initial_state.empty() &&
        std::find(existing.begin(), existing.end(), connector.name) == existing.end();
    auto answer = begins ? client.post("/connectors", {{"name", connector.name},
                                                       {"config", connector.config},
                                                       {"initial_state", connector.initial_state}})
                         : client.put("/connectors/" + encode_segment(connector.name) + "/config",
                                      json(connector.config));
    if (!answer)
      return tl::make_unexpected(answer.error().in(options.file + ": connector " + connector.name));
    all.push_back(std::move(*answer));
    if (!options.as_json) std::printf("submitted connector %s\n", connector.name.c_str());
  }
  if (options.as_json) std::printf("%s\n", all.dump(2).c_str());
  return {};
}

Status config(const Options& options) {
  RestClient client(options.worker);
  PENSTOCK_ASSIGN_OR_RETURN(const json body, client.get(path_of(options, "/config")));
  if (options.as_json) {
    std::printf("%s\n", body.dump(2).c_str());
    return {};
  }
  for (const auto& [key, value] : body.items())
    std::printf("%s=%s\n", key.c_str(), value.get<std::string>().c_str());
  return {};
}

Status said(const Options& options, const char* what) {
  if (options.as_json)
    std::printf("%s\n", json{{what, options.name}}.dump().c_str());
  else
    std::printf("%s %s\n", what, options.name.c_str());
  return {};
}

Status change(const Options& options, const char* action, const char* what) {
  RestClient client(options.worker);
  PENSTOCK_RETURN_IF_ERROR(client.put(path_of(options, action)));
  return said(options, what);
}
Status pause(const Options& options) { return change(options, "/pause", "paused"); }
Status resume(const Options& options) { return change(options, "/resume", "resumed"); }
Status stop(const Options& options) { return change(options, "/stop", "stopped"); }
Status restart(const Options& options) {
  RestClient client(options.worker);
  PENSTOCK_RETURN_IF_ERROR(client.post(path_of(options, "/restart?includeTasks=true")));
  return said(options, "restarted");
}
Status remove(const Options& options) {
  RestClient client(options.worker);
  PENSTOCK_RETURN_IF_ERROR(client.remove(path_of(options)));
  return said(options, "deleted");
}

}  // namespace

void add_connectors(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("connectors", "Create, look at and control the connectors of a worker");
  command->footer("Example:\n  penstock connectors status warehouse");
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
  const auto named = [&](const char* name, const char* help, auto function) {
    action(name, help, function)->add_option("connector", options->name, "Name")->required();
  };
  action("list", "All connectors with their states", &list);
  action("create", "Submit the connectors of a job file; those that exist are changed", &create)
      ->add_option("file", options->file, "Job file or Connect body")
      ->required();
  named("status", "State of a connector and its tasks", &status);
  named("config", "Its settings", &config);
  named("pause", "Pause its tasks; they stay assigned", &pause);
  named("resume", "Resume a paused or stopped connector", &resume);
  named("stop", "Shut its tasks down; the connector stays known", &stop);
  named("restart", "Restart the connector and all its tasks", &restart);
  named("delete", "Delete it", &remove);
}

}  // namespace penstock::cli
