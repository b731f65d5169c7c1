#include "framework/cli/job_progress.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

namespace penstock::cli {

using nlohmann::json;

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::stringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) {
    const auto first = item.find_first_not_of(" \t");
    if (first == std::string::npos) continue;
    out.push_back(item.substr(first, item.find_last_not_of(" \t") - first + 1));
  }
  return out;
}

std::string setting(const JobConnector& connector, const std::string& key) {
  const auto found = connector.config.find(key);
  return found == connector.config.end() ? std::string() : found->second;
}

std::optional<std::string> behind(const std::string& name, std::string_view prefix) {
  if (name.rfind(prefix, 0) != 0) return std::nullopt;
  return name.substr(prefix.size());
}

std::string group_of(const JobConnector& sink) {
  const std::string own = setting(sink, "consumer.override.group.id");
  return own.empty() ? "connect-" + sink.name : own;
}

}  // namespace

Result<ConnectorProgress> JobWatch::look_at(const JobConnector& connector) {
  PENSTOCK_ASSIGN_OR_RETURN(const json body, worker_.get("/connectors/" + encode_segment(connector.name) + "/progress"));
  ConnectorProgress out;
  out.name = connector.name;
  out.source = body.value("type", "") == "source";
  out.state = body.value("state", "");
  const json tasks = body.value("tasks", json::array());
  out.caught_up = out.source && !tasks.empty();
  if (out.state == "FAILED") out.failure = "connector " + connector.name + " failed: " + body.value("trace", "");
  for (const json& task : tasks) {
    ++out.tasks;
    const std::string state = task.value("state", "");
    if (state == "RUNNING") ++out.tasks_running;
    out.restarts += task.value("restarts", 0);
    if (state == "FAILED" && task.value("given_up", true)) {
      out.failure = "connector " + connector.name + ", task " + std::to_string(task.value("id", 0)) + " failed: " + task.value("trace", "");
    }
    out.caught_up = out.caught_up && (task.value("caught_up", false) || task.value("finished", false));
    const json metrics = task.value("metrics", json::object());
    for (const auto& [name, value] : metrics.items()) {
      const auto number = static_cast<std::int64_t>(value.get<double>());
      if (name == "records") out.records += number;
      if (name == "dead_letters") out.dead_letters += number;
      if (const auto topic = behind(name, "dead_letters.")) out.topics[*topic].dead_lettered += number;
      if (const auto place = behind(name, "position.")) {
        const auto dot = place->rfind('.');
        if (dot != std::string::npos) out.positions[{place->substr(0, dot), std::stoi(place->substr(dot + 1))}] = number;
      }
    }
  }
  return out;
}

Result<std::vector<std::string>> JobWatch::topics_of(const JobConnector& sink, const std::vector<TopicInfo>& all) const {
  if (const std::string list = setting(sink, "topics"); !list.empty()) return split(list);
  std::vector<std::string> out;
  const std::string pattern = setting(sink, "topics.regex");
  if (pattern.empty()) return out;
  try {
    const std::regex regex(pattern);
    for (const TopicInfo& topic : all) {
      if (topic.name.rfind("__", 0) != 0 && std::regex_match(topic.name, regex)) out.push_back(topic.name);
    }
  } catch (const std::regex_error& error) {
    return fail(Errc::kInvalid, "connector " + sink.name + ": topics.regex: " + error.what());
  }
  return out;
}

Status JobWatch::look_at_topics(JobProgress& progress) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto all, cluster_.topics());
  std::map<PartitionKey, PartitionEnds> ends;
  const auto ends_of = [&](const TopicInfo& topic) -> Status {
    for (int p = 0; p < topic.partitions; ++p) {
      if (ends.count({topic.name, p}) != 0) continue;
      PENSTOCK_ASSIGN_OR_RETURN(const auto one, cluster_.ends(topic.name, p));
      ends[{topic.name, p}] = one;
      progress.produced[topic.name] += one.end - one.first;
    }
    return {};
  };
  bool all_stored = true;
  for (std::size_t i = 0; i < job_.connectors.size(); ++i) {
    ConnectorProgress& sink = progress.connectors[i];
    if (sink.source) continue;
    PENSTOCK_ASSIGN_OR_RETURN(const auto names, topics_of(job_.connectors[i], all));
    std::vector<PartitionKey> partitions;
    for (const std::string& name : names) {
      const auto topic = std::find_if(all.begin(), all.end(), [&](const TopicInfo& t) { return t.name == name; });
      sink.topics.try_emplace(name);
      if (topic == all.end()) continue;
      PENSTOCK_RETURN_IF_ERROR(ends_of(*topic));
      for (int p = 0; p < topic->partitions; ++p) partitions.emplace_back(name, p);
    }
    PENSTOCK_ASSIGN_OR_RETURN(const auto committed, cluster_.committed(group_of(job_.connectors[i]), partitions));
    std::int64_t lag = 0;
    for (const PartitionKey& key : partitions) {
      const PartitionEnds& end = ends[key];
      const auto found = committed.find(key);
      const std::int64_t stored = found == committed.end() || found->second < 0 ? end.first : found->second;
      const auto position = sink.positions.find(key);
      const std::int64_t consumed = position == sink.positions.end() ? stored : std::max(stored, position->second);
      sink.topics[key.first].stored += std::max<std::int64_t>(0, stored - end.first);
      sink.topics[key.first].consumed += std::max<std::int64_t>(0, consumed - end.first);
      lag += end.end - stored;
      if (stored < end.end) all_stored = false;
    }
    progress.lag = std::max(progress.lag, lag);
  }
  for (const TopicInfo& topic : all) {
    if (topic.name.rfind("__", 0) != 0) PENSTOCK_RETURN_IF_ERROR(ends_of(topic));
  }
  for (const auto& [topic, records] : progress.produced) progress.produced_total += records;
  // The end offsets were read after the sources had said that they are done.
  progress.done = progress.sources_done && all_stored;
  return {};
}

Result<JobProgress> JobWatch::look() {
  JobProgress progress;
  progress.sources_done = true;
  for (const JobConnector& connector : job_.connectors) {
    PENSTOCK_ASSIGN_OR_RETURN(auto one, look_at(connector));
    if (!one.failure.empty() && progress.failure.empty()) progress.failure = one.failure;
    if (one.source && !one.caught_up) progress.sources_done = false;
    progress.connectors.push_back(std::move(one));
  }
  PENSTOCK_RETURN_IF_ERROR(look_at_topics(progress));
  return progress;
}

}  // namespace penstock::cli
