#include "framework/connect/worker/worker_settings.h"

#include <filesystem>
#include <sstream>

#include "framework/config/definition.h"
#include "framework/config/value.h"

namespace penstock::connect {
namespace {

using config::Key;
using config::Kind;
using config::Problem;

constexpr const char* kJsonConverter = "org.apache.kafka.connect.json.JsonConverter";
constexpr const char* kDefaultStateDir = "penstock-connect-state";
constexpr const char* kGroup = "Worker";

Key text(std::string name, std::string fallback, std::string doc, Kind kind = Kind::kString) {
  Key key;
  key.name = std::move(name);
  key.kind = kind;
  key.fallback = std::move(fallback);
  key.doc = std::move(doc);
  key.group = kGroup;
  return key;
}
Key number(std::string name, std::string fallback, double min, std::string doc,
           Kind kind = Kind::kDuration) {
  auto key = text(std::move(name), std::move(fallback), std::move(doc), kind);
  key.min = min;
  key.max = min - 1;  // no upper bound
  return key;
}

config::Definition definition() {
  std::vector<Key> keys{
      text("bootstrap.servers", "127.0.0.1:9092", "Brokers of the Kafka cluster.", Kind::kList),
      text("key.converter", kJsonConverter, "Converter of keys, unless a connector sets its own."),
      text("value.converter", kJsonConverter,
           "Converter of values, unless a connector sets its own."),
      text("listeners", "http://127.0.0.1:8083",
           "Address of the REST API; port 0 takes a free one."),
      text("rest.advertised.host.name", "", "Host name in worker_id; empty: the listener's."),
      number("rest.advertised.port", "0", 0, "Port in worker_id; 0: the listener's.", Kind::kInt),
      text("state.dir", "", "Directory of configurations, offsets and statuses."),
      text("offset.storage.file.filename", "",
           "Connect's name for state.dir; it names a directory here."),
      number("offset.flush.interval.ms", "1000", 1, "How often source offsets are stored."),
      number("offset.flush.timeout.ms", "5000", 1,
             "How long storing them may take; later they are offered again."),
      text("plugin.path", "",
           "Folders of plugins; empty: those of the installation or the build tree that the "
           "program is in.",
           Kind::kList),
      text("stored.connectors", "start",
           "start: connectors of an earlier life start with the worker. wait: they stay UNASSIGNED "
           "until their configuration is put, or they are resumed or restarted."),
      text("plugin.runner.command", "", "Put in front of each runner's command."),
      text("config.providers", "", "Names of the config providers to activate.", Kind::kList),
      number("task.shutdown.graceful.timeout.ms", "5000", 1, "How long a task may take to stop."),
      number("shutdown.deadline.ms", "30000", 1,
             "How long all runners may take to end when the worker stops."),
      number("runner.lease.ms", "10000", 2000,
             "How long a runner goes on without hearing from the worker."),
      number("runner.memory.limit.bytes", "0", 0,
             "A runner whose resident memory is larger is ended; looked at once a second; 0: none.",
             Kind::kBytes),
      number("runner.data.limit.bytes", "0", 0, "RLIMIT_DATA of each runner; 0: none.",
             Kind::kBytes),
      number("plugin.call.deadline.ms", "60000", 1, "Deadline of validate, plan and hooks."),
      number("task.start.deadline.ms", "60000", 1, "Deadline of a task's start."),
      number("task.call.warn.ms", "30000", 1,
             "A plugin call that takes longer shows in the status."),
      number("task.call.deadline.ms", "900000", 0,
             "A plugin call that takes longer ends its runner; 0: never."),
      number("task.restart.backoff.ms", "500", 1,
             "Pause before the first restart of a failed task."),
      number("task.restart.backoff.max.ms", "60000", 1, "The longest such pause."),
      number("task.restart.budget", "16", 0, "Restarts allowed within the window.", Kind::kInt),
      number("task.restart.window.ms", "600000", 1, "The window of task.restart.budget."),
      text("security.protocol", "", "How clients talk to the cluster."),
      text("log.level", "info", "Least level that is logged."),
  };
  for (auto& key : keys) {
    if (key.name == "stored.connectors") key.one_of = "start|wait";
  }
  keys.back().one_of = "trace|debug|info|warn|error|off";
  return config::Definition(
      std::move(keys), {"key.converter.", "value.converter.", "producer.", "consumer.", "admin.",
                        "config.providers.", "sasl.", "ssl."});
}

/// Host and port of "http://host:port", "http://:port" or "http://[::1]:port".
bool read_listener(std::string_view url, WorkerSettings& out) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return false;
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  const auto colon = url.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = config::parse_integer(url.substr(colon + 1));
  if (!port || *port < 0 || *port > 65'535) return false;
  auto host = url.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.listen_host = host.empty() ? "0.0.0.0" : std::string(host);
  out.listen_port = static_cast<int>(*port);
  return true;
}

std::map<std::string, ConfigProviders::Kind> read_providers(const config::Settings& settings,
                                                            std::vector<Problem>& problems) {
  std::map<std::string, ConfigProviders::Kind> active;
  const auto classes = settings.under("config.providers.");
  for (const auto name : settings.list("config.providers")) {
    const auto found = classes.find(std::string(name) + ".class");
    const std::string kind = found == classes.end() ? std::string(name) : found->second;
    if (kind == "file" || kind.ends_with("FileConfigProvider"))
      active[std::string(name)] = ConfigProviders::Kind::kFile;
    else if (kind == "env" || kind.ends_with("EnvVarConfigProvider"))
      active[std::string(name)] = ConfigProviders::Kind::kEnvironment;
    else
      problems.push_back(
          {"config.providers", "config.providers: " + std::string(name) +
                                   " is not known; there are file (FileConfigProvider) and env "
                                   "(EnvVarConfigProvider)"});
  }
  return active;
}

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

void read_state_dir(const config::Settings& settings, WorkerSettings& out,
                    std::vector<Problem>& problems) {
  const std::string own(settings.text("state.dir"));
  const std::string theirs(settings.text("offset.storage.file.filename"));
  if (!own.empty() && !theirs.empty() && own != theirs) {
    problems.push_back(
        {"state.dir",
         "state.dir and offset.storage.file.filename name different directories; set one of them"});
  }
  const std::string key =
      own.empty() && !theirs.empty() ? "offset.storage.file.filename" : "state.dir";
  out.state_dir = absolute(!own.empty() ? own : !theirs.empty() ? theirs : kDefaultStateDir);
  std::error_code ignored;
  if (std::filesystem::exists(out.state_dir, ignored) &&
      !std::filesystem::is_directory(out.state_dir, ignored)) {
    problems.push_back({key, key + ": " + out.state_dir +
                                 " is a file; state is kept in a directory, name another"});
  }
}

/// Where a build and an installation put plugins, as far as it is there; all of them when none is,
/// so that the error names them.
std::vector<std::string> default_plugin_path(const std::string& program_folder) {
  const std::vector<std::string> all{absolute(program_folder + "/../plugins"),
                                     absolute(program_folder + "/" PENSTOCK_INSTALLED_PLUGINS)};
  std::vector<std::string> there;
  for (const auto& folder : all) {
    std::error_code ignored;
    if (std::filesystem::is_directory(folder, ignored)) there.push_back(folder);
  }
  return there.empty() ? all : there;
}

void read_herder(const config::Settings& settings, const std::string& program_folder,
                 Herder::Options& out) {
  for (const auto folder : settings.list("plugin.path"))
    out.plugin_path.push_back(absolute(std::string(folder)));
  if (out.plugin_path.empty()) out.plugin_path = default_plugin_path(program_folder);
  out.client["bootstrap.servers"] = settings.text("bootstrap.servers");
  if (const auto protocol = settings.text("security.protocol"); !protocol.empty())
    out.client["security.protocol"] = protocol;
  for (const char* family : {"sasl.", "ssl."}) {
    for (const auto& [name, value] : settings.under(family)) out.client[family + name] = value;
  }
  for (const char* which : {"key.converter", "value.converter"}) {
    out.task_defaults[which] = settings.text(which);
    for (const auto& [name, value] : settings.under(std::string(which) + "."))
      out.task_defaults[std::string(which) + "." + name] = value;
  }
  for (const char* client : {"producer.", "consumer.", "admin."}) {
    for (const auto& [name, value] : settings.under(client))
      out.task_defaults[std::string(client) + "override." + name] = value;
  }
  out.task_defaults["offset.flush.interval.ms"] =
      std::to_string(settings.number("offset.flush.interval.ms"));
  out.stored_connectors_wait = settings.text("stored.connectors") == "wait";
  out.data_limit_bytes = settings.number("runner.data.limit.bytes");
  out.restart = {settings.number("task.restart.backoff.ms"),
                 settings.number("task.restart.backoff.max.ms"),
                 static_cast<int>(settings.number("task.restart.budget")),
                 settings.number("task.restart.window.ms")};
  out.plugin_deadline_ms = settings.number("plugin.call.deadline.ms");
  out.task_start_deadline_ms = settings.number("task.start.deadline.ms");
  out.task_stop_deadline_ms = settings.number("task.shutdown.graceful.timeout.ms");
  out.stop_deadline_ms = settings.number("shutdown.deadline.ms");
}

}  // namespace

Result<WorkerSettings> read_worker_settings(const StringMap& given,
                                            const std::string& program_folder) {
  const auto checked = definition().check_strictly(config::Map(given.begin(), given.end()));
  auto problems = checked.problems;
  if (!problems.empty()) return fail(Errc::kInvalid, config::join(problems));
  const auto& settings = checked.settings;
  WorkerSettings out;
  if (!read_listener(settings.text("listeners"), out)) {
    problems.push_back(
        {"listeners",
         "listeners: '" + std::string(settings.text("listeners")) +
             "' must be one address like http://127.0.0.1:8083; https is not supported"});
  }
  out.advertised_host = settings.text("rest.advertised.host.name");
  out.advertised_port = static_cast<int>(settings.number("rest.advertised.port"));
  out.log_level = settings.text("log.level");
  read_state_dir(settings, out, problems);
  read_herder(settings, program_folder, out.herder);
  out.herder.providers = ConfigProviders(read_providers(settings, problems));
  out.herder.plugin_cache = out.state_dir + "/plugin-descriptions.json";
  std::istringstream words{std::string(settings.text("plugin.runner.command"))};
  for (std::string word; words >> word;) out.supervisor.command.push_back(word);
  out.supervisor.command.push_back(program_folder + "/penstock-runner");
  out.supervisor.lease_ms = settings.number("runner.lease.ms");
  out.supervisor.store_deadline_ms = settings.number("offset.flush.timeout.ms");
  out.supervisor.memory_limit_bytes = settings.number("runner.memory.limit.bytes");
  out.supervisor.call_warn_ms = settings.number("task.call.warn.ms");
  out.supervisor.call_deadline_ms = settings.number("task.call.deadline.ms");
  if (!problems.empty()) return fail(Errc::kInvalid, config::join(problems));
  return out;
}

}  // namespace penstock::connect
