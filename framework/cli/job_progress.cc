#include "framework/cli/job_progress.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
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

std::optional<std::string> behind(const std::string& name, std::string_view prefix) {
  if (name.rfind(prefix, 0) != 0) return std::nullopt;
  return name.substr(prefix.size());
}

std::string setting(const JobConnector& connector, const std::string& key) {
  const auto found = connector.config.find(key);
  return found == connector.config.end() ? std::string() : found->second;
}

bool reads_topics(const JobConnector& connector) {
  return connector.config.count("topics") != 0 || connector.config.count("topics.regex") != 0;
}

std::string group_of(const JobConnector& sink) {
  const std::string own = setting(sink, "consumer.override.group.id");
  return own.empty() ? "connect-" + sink.name : own;
}

const TopicInfo* find(const std::vector<TopicInfo>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const TopicInfo& t) { return t.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<PartitionKey> partitions_of(const std::vector<std::string>& names,
                                        const std::vector<TopicInfo>& all) {
  std::vector<PartitionKey> out;
  for (const std::string& name : names) {
    const TopicInfo* topic = find(all, name);
    for (int p = 0; topic != nullptr && p < topic->partitions; ++p) out.emplace_back(name, p);
  }
  return out;
}

}  // namespace

JobWatch::JobWatch(const Job& job, RestClient& worker, Cluster& cluster)
    : job_(job), worker_(worker), cluster_(cluster), sinks_(job.connectors.size()) {}

Status JobWatch::begin() {
  PENSTOCK_ASSIGN_OR_RETURN(const auto all, cluster_.topics());
  for (const TopicInfo& topic : all) topics_before_.insert(topic.name);
  for (std::size_t i = 0; i < job_.connectors.size(); ++i) {
    const JobConnector& connector = job_.connectors[i];
    std::vector<std::string> names;
    if (const std::string dead = setting(connector, "errors.deadletterqueue.topic.name");
        !dead.empty())
      names.push_back(dead);
    if (reads_topics(connector)) {
      sinks_[i].group = group_of(connector);
      PENSTOCK_ASSIGN_OR_RETURN(const auto read, topics_of(connector, all));
      const auto partitions = partitions_of(read, all);
      auto committed = cluster_.committed(sinks_[i].group, partitions);
      if (committed)
        sinks_[i].committed_before = std::move(*committed);
      else if (committed.error().code != Errc::kBusy)
        return tl::make_unexpected(committed.error());
      names.insert(names.end(), read.begin(), read.end());
    }
    for (const PartitionKey& key : partitions_of(names, all)) {
      PENSTOCK_ASSIGN_OR_RETURN(ends_before_[key], cluster_.ends(key.first, key.second));
    }
  }
  return {};
}

std::int64_t JobWatch::counted(const std::string& counter, std::int64_t now) {
  Counter& known = counters_[counter];
  if (now < known.last) known.base += known.last;
  known.last = now;
  return known.base + now;
}

ConnectorProgress connector_progress(const std::string& name, const json& body) {
  ConnectorProgress out;
  out.name = name;
  const std::string type = body.value("type", "");
  out.source = type == "source";
  const json tasks = body.value("tasks", json::array());
  // Of a plugin that the worker cannot describe now it says "unknown".
  out.running = (out.source || type == "sink") && !tasks.empty();
  out.caught_up = out.source && !tasks.empty();
  if (body.value("state", "") == "FAILED" && body.value("given_up", true)) {
    out.failure = "connector " + name + " failed: " + body.value("trace", "");
  }
  for (const json& task : tasks) {
    out.restarts += task.value("restarts", 0);
    if (task.value("state", "") == "FAILED" && task.value("given_up", true)) {
      out.failure = "connector " + name + ", task " + std::to_string(task.value("id", 0)) +
                    " failed: " + task.value("trace", "");
    }
    out.caught_up =
        out.caught_up && (task.value("caught_up", false) || task.value("finished", false));
  }
  return out;
}

Result<ConnectorProgress> JobWatch::look_at(const JobConnector& connector) {
  PENSTOCK_ASSIGN_OR_RETURN(
      const json body, worker_.get("/connectors/" + encode_segment(connector.name) + "/progress"));
  auto out = connector_progress(connector.name, body);
  const json tasks = body.value("tasks", json::array());
  for (const json& task : tasks) {
    const std::string id = connector.name + "/" + std::to_string(task.value("id", 0)) + "/";
    const json metrics = task.value("metrics", json::object());
    for (const auto& [name, value] : metrics.items()) {
      const auto topic_sent = behind(name, "sent.");
      const auto topic_dead = behind(name, "dead_letters.");
      const auto topic_skipped = behind(name, "skipped.");
      if (name != "dead_letters" && name != "skipped" && !topic_sent && !topic_dead &&
          !topic_skipped)
        continue;
      const std::int64_t number =
          counted(id + name, static_cast<std::int64_t>(value.get<double>()));
      if (name == "dead_letters") out.dead_letters += number;
      if (name == "skipped") out.skipped += number;
      if (topic_sent) sent_[*topic_sent] = std::max(sent_[*topic_sent], number);
      if (topic_dead) out.topics[*topic_dead].dead_lettered += number;
      if (topic_skipped) out.topics[*topic_skipped].skipped += number;
    }
  }
  return out;
}

Result<std::vector<std::string>> JobWatch::topics_of(const JobConnector& sink,
                                                     const std::vector<TopicInfo>& all) const {
  if (const std::string list = setting(sink, "topics"); !list.empty()) return split(list);
  std::vector<std::string> out;
  const std::string pattern = setting(sink, "topics.regex");
  if (pattern.empty()) return out;
  try {
    const std::regex regex(pattern);
    for (const TopicInfo& topic : all) {
      if (topic.name.rfind("__", 0) != 0 && std::regex_match(topic.name, regex))
        out.push_back(topic.name);
    }
  } catch (const std::regex_error& error) {
    return fail(Errc::kInvalid, "connector " + sink.name + ": topics.regex: " + error.what());
  }
  return out;
}

Status JobWatch::add_topic(const std::string& name, const std::vector<TopicInfo>& all,
                           JobProgress& progress) {
  const TopicInfo* topic = find(all, name);
  if (topic == nullptr || progress.topics.count(name) != 0) return {};
  TopicProgress& out = progress.topics[name];
  bool known_before = true;
  for (int p = 0; p < topic->partitions; ++p) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto ends, cluster_.ends(name, p));
    ends_[{name, p}] = ends;
    out.in_topic += ends.end - ends.first;
    const auto before = ends_before_.find({name, p});
    if (before != ends_before_.end())
      out.produced += ends.end - before->second.end;
    else if (topics_before_.count(name) == 0)
      out.produced += ends.end;
    else
      known_before = false;
  }
  // A topic that was there before and that no sink of this job reads: the sources' own count.
  if (const auto sent = sent_.find(name); !known_before && sent != sent_.end())
    out.produced = sent->second;
  progress.produced_total += out.produced;
  return {};
}

Status JobWatch::look_at_sink(std::size_t index, const std::vector<TopicInfo>& all,
                              JobProgress& progress) {
  ConnectorProgress& sink = progress.connectors[index];
  PENSTOCK_ASSIGN_OR_RETURN(const auto names, topics_of(job_.connectors[index], all));
  for (const std::string& name : names) {
    sink.topics[name].exists = find(all, name) != nullptr;
    PENSTOCK_RETURN_IF_ERROR(add_topic(name, all, progress));
  }
  const auto partitions = partitions_of(names, all);
  PENSTOCK_ASSIGN_OR_RETURN(const auto committed,
                            cluster_.committed(sinks_[index].group, partitions));
  std::int64_t lag = 0;
  for (const PartitionKey& key : partitions) {
    const PartitionEnds& ends = ends_[key];
    const auto now = committed.find(key);
    const bool none = now == committed.end() || now->second < 0;
    const std::int64_t stored = none ? ends.first : now->second;
    const auto before = sinks_[index].committed_before.find(key);
    const std::int64_t begin = before == sinks_[index].committed_before.end() || before->second < 0
                                   ? ends.first
                                   : before->second;
    sink.topics[key.first].consumed += std::max<std::int64_t>(0, stored - begin);
    lag += std::max<std::int64_t>(0, ends.end - stored);
    if (stored < ends.end) progress.done = false;
    if (stored > ends.end) {
      sink.failure = "connector " + sink.name + " has stored up to offset " +
                     std::to_string(stored) + " of " + key.first + "-" +
                     std::to_string(key.second) + ", which ends at " + std::to_string(ends.end) +
                     ": the topic was made anew. Delete the group " + sinks_[index].group +
                     " to read it from its start";
    }
  }
  for (const auto& [name, at] : sink.topics) progress.stored_total += at.stored();
  progress.lag = std::max(progress.lag, lag);
  return {};
}

Result<JobProgress> JobWatch::look() {
  JobProgress progress;
  // The end offsets are read after the sources said that they are done.
  progress.done = true;
  for (const JobConnector& connector : job_.connectors) {
    PENSTOCK_ASSIGN_OR_RETURN(auto one, look_at(connector));
    progress.done = progress.done && one.settled();
    progress.connectors.push_back(std::move(one));
  }
  ends_.clear();
  PENSTOCK_ASSIGN_OR_RETURN(const auto all, cluster_.topics());
  for (std::size_t i = 0; i < job_.connectors.size(); ++i) {
    if (!progress.connectors[i].source) PENSTOCK_RETURN_IF_ERROR(look_at_sink(i, all, progress));
    const std::string dead = setting(job_.connectors[i], "errors.deadletterqueue.topic.name");
    if (!dead.empty()) PENSTOCK_RETURN_IF_ERROR(add_topic(dead, all, progress));
  }
  for (const auto& [topic, count] : sent_)
    PENSTOCK_RETURN_IF_ERROR(add_topic(topic, all, progress));
  for (const ConnectorProgress& connector : progress.connectors) {
    if (!connector.failure.empty() && progress.failure.empty())
      progress.failure = connector.failure;
  }
  return progress;
}

}  // namespace penstock::cli
