#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "framework/cli/cluster.h"
#include "framework/cli/command.h"
#include "framework/cli/job_file.h"
#include "framework/cli/job_progress.h"
#include "framework/cli/rest_client.h"
#include "framework/cli/service.h"
#include "framework/cli/table.h"

namespace penstock::cli {

namespace {

using nlohmann::json;

struct Options {
  std::string job;
  std::string bootstrap;
  std::string data = "penstock-data";
  std::vector<std::string> plugin_folders;
  bool follow = false;
  bool as_json = false;
};

constexpr int kStopTimeoutMs = 35'000;
constexpr std::int64_t kLookEveryMs = 250;
constexpr std::int64_t kPrintEveryMs = 2000;
constexpr std::int64_t kUnavailableMaxMs = 60'000;
constexpr int kClusterTimeoutMs = 5'000;

std::string duration_text(std::int64_t ms) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%lld s", static_cast<long long>(ms / 1000),
                static_cast<long long>(ms % 1000 / 100));
  return text;
}

/// Runs one job file: the servers it needs as children, the job over REST, progress, and the end.
class JobRun {
 public:
  JobRun(Options options, Job job) : options_(std::move(options)), job_(std::move(job)) {}

  Result<int> run() {
    PENSTOCK_ASSIGN_OR_RETURN(auto cluster, start_servers());
    PENSTOCK_RETURN_IF_ERROR(create_topics(cluster));
    JobWatch watch_job(job_, *rest_, cluster);
    PENSTOCK_RETURN_IF_ERROR(watch_job.begin());
    PENSTOCK_RETURN_IF_ERROR(submit());
    if (options_.follow) how_to_go_on();
    PENSTOCK_ASSIGN_OR_RETURN(const int code, watch(watch_job));
    if (code != kExitInterrupted) print_summary();
    stop_servers();
    return code;
  }

 private:
  /// Gives the cluster that the job runs against.
  Result<Cluster> start_servers();
  Status write_worker_settings(const std::string& path, const std::string& state) const;
  Status create_topics(Cluster& cluster);
  Status submit();
  Result<int> watch(JobWatch& watch);
  Status step_servers();
  void print_progress(const JobProgress& now, bool last);
  void print_summary() const;
  void how_to_go_on() const;
  void stop_servers();
  void say(const std::string& text) const {
    if (!options_.as_json) std::printf("%s\n", text.c_str());
    std::fflush(stdout);
  }

  Options options_;
  Job job_;
  std::unique_ptr<Service> broker_;
  std::unique_ptr<Service> worker_;
  std::unique_ptr<RestClient> rest_;
  std::string bootstrap_;
  JobProgress last_;
  std::int64_t started_ms_ = 0;
  std::int64_t done_ms_ = 0;
  std::int64_t printed_ms_ = 0;
  std::int64_t rate_from_ms_ = 0;
  std::int64_t produced_then_ = 0;
  std::int64_t stored_then_ = 0;
  double produce_rate_ = 0;
  double store_rate_ = 0;
  bool line_open_ = false;
};

Result<Cluster> JobRun::start_servers() {
  std::error_code error;
  std::filesystem::create_directories(options_.data, error);
  if (error)
    return fail(Errc::kInvalid, "cannot make the data directory " + options_.data + ": " +
                                    error.message() + "; choose another with --data");
  const std::string data = std::filesystem::absolute(options_.data).string();
  const std::string bin = program_folder();
  if (options_.bootstrap.empty()) {
    broker_ = std::make_unique<Service>(Service::Options{
        "broker",
        {bin + "/penstock-broker", "--override", "listeners=PLAINTEXT://127.0.0.1:{port}",
         "--override", "log.dirs=" + data + "/broker"},
        data + "/broker.log"});
    PENSTOCK_RETURN_IF_ERROR(broker_->start());
    bootstrap_ = broker_->address();
  } else {
    bootstrap_ = options_.bootstrap;
  }
  PENSTOCK_ASSIGN_OR_RETURN(auto cluster, Cluster::open(bootstrap_, kClusterTimeoutMs));
  PENSTOCK_ASSIGN_OR_RETURN(const std::string cluster_id, cluster.id());
  const std::string settings = data + "/worker.properties";
  PENSTOCK_RETURN_IF_ERROR(
      write_worker_settings(settings, data + "/connect-" + encode_segment(cluster_id)));
  worker_ = std::make_unique<Service>(Service::Options{
      "worker",
      {bin + "/penstock-connect", "standalone", settings, "--override",
       "listeners=http://127.0.0.1:{port}"},
      data + "/worker.log",
      // What an earlier job left is not to run before this job has taken its place.
      {"--override", "stored.connectors=wait"}});
  PENSTOCK_RETURN_IF_ERROR(worker_->start());
  rest_ = std::make_unique<RestClient>("http://" + worker_->address());
  say(options_.bootstrap.empty()
          ? "broker at " + bootstrap_ + ", worker at " + rest_->url() + ", data in " + options_.data
          : "cluster at " + bootstrap_ + ", worker at " + rest_->url() + ", data in " +
                options_.data);
  return cluster;
}

Status JobRun::write_worker_settings(const std::string& path, const std::string& state) const {
  std::ofstream file(path, std::ios::trunc);
  file << "# Written by 'penstock run'.\nbootstrap.servers="
       << bootstrap_
       // Source offsets say what is in the topics of one cluster.
       << "\noffset.storage.file.filename=" << state
       << "\n"
       // Somebody waits: what fails again and again shall fail soon.
       << "task.restart.budget=5\ntask.restart.backoff.max.ms=1000\ntask.restart.window.ms=60000\n";
  if (!options_.plugin_folders.empty()) {
    const std::filesystem::path bin = program_folder();
    const auto own = bin.parent_path() / "plugins";
    file << "plugin.path="
         << (std::filesystem::exists(own) ? own : bin.parent_path() / "lib/penstock/plugins")
                .string();
    for (const std::string& folder : options_.plugin_folders)
      file << "," << std::filesystem::absolute(folder).string();
    file << "\n";
  }
  if (!file.flush()) return fail(Errc::kStorageFull, "cannot write " + path);
  return {};
}

Status JobRun::create_topics(Cluster& cluster) {
  for (const JobTopic& topic : job_.topics) {
    const Status created =
        cluster.create_topic(topic.name, topic.partitions, topic.replication_factor, topic.config);
    if (!created && created.error().code != Errc::kExists)
      return tl::make_unexpected(created.error().in(options_.job));
  }
  return {};
}

Status JobRun::submit() {
  PENSTOCK_ASSIGN_OR_RETURN(const json existing, rest_->get("/connectors"));
  for (const json& name : existing) {
    bool ours = false;
    for (const JobConnector& connector : job_.connectors)
      ours = ours || connector.name == name.get<std::string>();
    if (ours) continue;
    say("removing connector " + name.get<std::string>() + ": " + options_.data +
        " knew it from another job");
    PENSTOCK_RETURN_IF_ERROR(
        rest_->remove("/connectors/" + encode_segment(name.get<std::string>())));
  }
  for (const JobConnector& connector : job_.connectors) {
    const auto answer = rest_->put("/connectors/" + encode_segment(connector.name) + "/config",
                                   json(connector.config));
    if (!answer)
      return tl::make_unexpected(answer.error().in(options_.job + ": connector " + connector.name));
    // It may have been paused or stopped when the data directory was used before.
    PENSTOCK_RETURN_IF_ERROR(
        rest_->put("/connectors/" + encode_segment(connector.name) + "/resume"));
  }
  started_ms_ = now_ms();
  return {};
}

Status JobRun::step_servers() {
  if (broker_) PENSTOCK_RETURN_IF_ERROR(broker_->step());
  return worker_->step();
}

Result<int> JobRun::watch(JobWatch& watch) {
  std::int64_t answered_ms = now_ms();
  std::int64_t looked_ms = 0;
  bool done = false;
  while (!interrupted()) {
    PENSTOCK_RETURN_IF_ERROR(step_servers());
    if (now_ms() - looked_ms < kLookEveryMs) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    looked_ms = now_ms();
    if (!worker_->running() || (broker_ && !broker_->running())) {
      answered_ms = looked_ms;  // being restarted, within its own limits
      continue;
    }
    auto now = watch.look();
    if (!now) {
      const Errc code = now.error().code;
      if (code != Errc::kUnavailable && code != Errc::kBusy && code != Errc::kNotFound)
        return tl::make_unexpected(now.error());
      if (now_ms() - answered_ms > kUnavailableMaxMs) return tl::make_unexpected(now.error());
      continue;
    }
    answered_ms = now_ms();
    last_ = std::move(*now);
    if (!last_.failure.empty()) {
      print_progress(last_, true);
      return fail(Errc::kUnavailable, last_.failure);
    }
    if (last_.done && !done) {
      done = true;
      done_ms_ = now_ms();
      print_progress(last_, true);
      if (!options_.follow) return kExitDone;
      say("everything is stored; going on until interrupted");
    }
    print_progress(last_, false);
  }
  if (line_open_) std::printf("\n");
  if (options_.follow && done) return kExitDone;
  std::fprintf(stderr,
               "penstock: interrupted; run the same command again to go on where it stopped\n");
  stop_servers();
  return kExitInterrupted;
}

void JobRun::print_progress(const JobProgress& now, bool last) {
  const std::int64_t at = now_ms();
  const bool terminal = isatty(STDOUT_FILENO) != 0 && !options_.as_json;
  if (!last && at - printed_ms_ < (terminal ? kLookEveryMs : kPrintEveryMs)) return;
  if (rate_from_ms_ == 0) rate_from_ms_ = started_ms_;
  if (at - rate_from_ms_ >= 1000) {
    const double seconds = static_cast<double>(at - rate_from_ms_) / 1000.0;
    produce_rate_ = static_cast<double>(now.produced_total - produced_then_) / seconds;
    store_rate_ = static_cast<double>(now.stored_total - stored_then_) / seconds;
    rate_from_ms_ = at;
    produced_then_ = now.produced_total;
    stored_then_ = now.stored_total;
  }
  printed_ms_ = at;
  int restarts = (broker_ ? broker_->restarts() : 0) + worker_->restarts();
  for (const ConnectorProgress& connector : now.connectors) restarts += connector.restarts;
  if (options_.as_json) {
    std::printf("%s\n", json{{"elapsed_ms", at - started_ms_},
                             {"produced", now.produced_total},
                             {"produced_per_second", static_cast<std::int64_t>(produce_rate_)},
                             {"stored", now.stored_total},
                             {"stored_per_second", static_cast<std::int64_t>(store_rate_)},
                             {"lag", now.lag},
                             {"restarts", restarts},
                             {"done", now.done}}
                            .dump()
                            .c_str());
    std::fflush(stdout);
    return;
  }
  const auto part = [&](std::int64_t rows, double rate, const char* what) {
    return with_commas(rows) + " rows " + what +
           (last ? "" : " (" + with_commas(static_cast<std::int64_t>(rate)) + "/s)");
  };
  std::string text = part(now.produced_total, produce_rate_, "produced") + ", " +
                     part(now.stored_total, store_rate_, "stored") + ", lag " +
                     with_commas(now.lag) + ", elapsed " + duration_text(at - started_ms_);
  if (restarts > 0) text += ", " + std::to_string(restarts) + " restarts";
  if (terminal)
    std::printf("\r\033[K%s%s", text.c_str(), last ? "\n" : "");
  else
    std::printf("%s\n", text.c_str());
  line_open_ = terminal && !last;
  std::fflush(stdout);
}

void JobRun::print_summary() const {
  json topics = json::array();
  Table table({{"TOPIC"},
               {"IN TOPIC", true},
               {"PRODUCED", true},
               {"SINK"},
               {"CONSUMED", true},
               {"STORED", true},
               {"DEAD-LETTERED", true},
               {"SKIPPED", true}});
  const auto add = [&](const std::string& topic, const ConnectorProgress* sink, bool first) {
    const auto found = last_.topics.find(topic);
    const TopicProgress counts = found == last_.topics.end() ? TopicProgress() : found->second;
    json line{{"topic", topic}, {"in_topic", counts.in_topic}, {"produced", counts.produced}};
    std::vector<std::string> row{first ? topic : "",
                                 first ? with_commas(counts.in_topic) : "",
                                 first ? with_commas(counts.produced) : "",
                                 "-",
                                 "-",
                                 "-",
                                 "-",
                                 "-"};
    if (sink != nullptr) {
      const SinkTopicProgress& at = sink->topics.at(topic);
      line.update({{"sink", sink->name},
                   {"consumed", at.consumed},
                   {"stored", at.stored()},
                   {"dead_lettered", at.dead_lettered},
                   {"skipped", at.skipped}});
      row.resize(3);
      for (const std::string& cell :
           {sink->name, with_commas(at.consumed), with_commas(at.stored()),
            with_commas(at.dead_lettered), with_commas(at.skipped)})
        row.push_back(cell);
    }
    topics.push_back(std::move(line));
    table.add(std::move(row));
  };
  std::set<std::string> names;
  for (const auto& [topic, counts] : last_.topics) names.insert(topic);
  for (const ConnectorProgress& connector : last_.connectors) {
    for (const auto& [topic, at] : connector.topics) names.insert(topic);
  }
  for (const std::string& topic : names) {
    bool first = true;
    for (const ConnectorProgress& connector : last_.connectors) {
      if (connector.topics.count(topic) == 0) continue;
      add(topic, &connector, first);
      first = false;
    }
    if (first) add(topic, nullptr, true);
  }
  const std::int64_t elapsed =
      (options_.follow || done_ms_ == 0 ? now_ms() : done_ms_) - started_ms_;
  if (options_.as_json)
    std::printf("%s\n", json{{"elapsed_ms", elapsed}, {"topics", topics}}.dump().c_str());
  else
    std::printf("\n%s\nfinished in %s\n", table.text().c_str(), duration_text(elapsed).c_str());
  for (const ConnectorProgress& connector : last_.connectors) {
    if (connector.source && connector.dead_letters + connector.skipped > 0 && !options_.as_json) {
      std::printf("source %s: %s records dead-lettered, %s skipped\n", connector.name.c_str(),
                  with_commas(connector.dead_letters).c_str(),
                  with_commas(connector.skipped).c_str());
    }
    for (const auto& [topic, at] : connector.topics) {
      if (!at.exists)
        std::fprintf(
            stderr,
            "penstock: sink %s: there is no topic \"%s\"; no source of this job wrote to it\n",
            connector.name.c_str(), topic.c_str());
    }
  }
  std::fflush(stdout);
}

void JobRun::how_to_go_on() const {
  std::string topic = "TOPIC";
  for (const JobConnector& connector : job_.connectors) {
    const auto found = connector.config.find("topics");
    if (found != connector.config.end()) topic = found->second.substr(0, found->second.find(','));
  }
  say("\nWhile this runs:\n  kcat -b " + bootstrap_ + " -L\n  kcat -b " + bootstrap_ +
      " -C -e -c 3 -t " + topic + "\n  curl -s '" + rest_->url() +
      "/connectors?expand=status'\n  penstock connectors list --worker " + rest_->url() +
      "\nCtrl-C ends it.\n");
}

void JobRun::stop_servers() {
  if (worker_ && !worker_->stop(kStopTimeoutMs))
    std::fprintf(stderr, "penstock: the worker did not stop in time and was killed\n");
  if (broker_ && !broker_->stop(kStopTimeoutMs))
    std::fprintf(stderr, "penstock: the broker did not stop in time and was killed\n");
}

}  // namespace

void add_run(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "run", "Run a job file to its end: servers, connectors, progress, summary");
  command->footer(
      "Exit codes: 0 done, 1 a task failed, 2 the job file is wrong, 130 interrupted.\n"
      "Example:\n  penstock run examples/flights-to-warehouse.json --data /tmp/flights");
  command
      ->add_option("job", options->job,
                   "Job file: {\"connectors\": [{\"name\", \"config\"}]}, or one Connect body")
      ->required();
  command->add_flag("--follow", options->follow,
                    "Go on at the end of the input, until interrupted");
  command->add_option(
      "--bootstrap", options->bootstrap,
      "Use this Kafka-protocol cluster, HOST:PORT, rather than a broker of its own");
  command
      ->add_option(
          "--data", options->data,
          "Directory for topics, offsets and logs; the same again goes on where it stopped")
      ->capture_default_str();
  command->add_option("--plugin-path", options->plugin_folders,
                      "A further folder of plugins (shared objects); may be repeated");
  command->add_flag("--json", options->as_json, "Print progress and summary as JSON, a line each");
  command->callback([options, &outcome] {
    auto job = read_job_file(options->job);
    if (!job) return outcome.failed(job.error());
    for (const JobConnector& connector : job->connectors) {
      if (connector.initial_state.empty() || connector.initial_state == "RUNNING") continue;
      return outcome.failed({Errc::kInvalid, options->job + ": connector " + connector.name +
                                                 " is to begin " + connector.initial_state +
                                                 ", but 'penstock run' runs every connector: take "
                                                 "\"initial_state\" out"});
    }
    const auto code = JobRun(*options, std::move(*job)).run();
    if (code)
      outcome.exit_code = *code;
    else if (code.error().code == Errc::kCancelled)
      outcome.exit_code = kExitInterrupted;
    else
      outcome.failed(code.error());
  });
}

}  // namespace penstock::cli
