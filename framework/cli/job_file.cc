#include "framework/cli/job_file.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace penstock::cli {

namespace {

using nlohmann::json;

class Problems {
 public:
  explicit Problems(std::string path) : path_(std::move(path)) {}
  void add(const std::string& text) {
    lines_ += (lines_.empty() ? "" : "\n") + path_ + ": " + text;
  }
  [[nodiscard]] bool none() const { return lines_.empty(); }
  [[nodiscard]] const std::string& text() const { return lines_; }

 private:
  std::string path_;
  std::string lines_;
};

std::string line_and_column(const std::string& text, std::size_t byte) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t i = 0; i + 1 < byte && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

std::map<std::string, std::string> read_settings(const json& object, const std::string& where,
                                                 Problems& problems) {
  std::map<std::string, std::string> out;
  if (!object.is_object()) {
    problems.add(where +
                 " must be an object of settings, like {\"connector.class\": \"SqliteSource\"}");
    return out;
  }
  for (const auto& [key, value] : object.items()) {
    if (value.is_string())
      out[key] = value.get<std::string>();
    else if (value.is_number() || value.is_boolean())
      out[key] = value.dump();
    else
      problems.add(where + "." + key + " must be a string, a number or true/false");
  }
  return out;
}

void unknown_keys(const json& object, const std::set<std::string>& known, const std::string& where,
                  Problems& problems) {
  for (const auto& [key, value] : object.items()) {
    if (known.count(key) != 0) continue;
    std::string list;
    for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
    problems.add("unknown setting \"" + key + "\" in " + where + "; known are " + list);
  }
}

void read_connector(const json& body, const std::string& where, Job& job, Problems& problems) {
  if (!body.is_object())
    return problems.add(where + " must be an object with \"name\" and \"config\"");
  unknown_keys(body, {"name", "config", "initial_state", "tasks", "type"}, where, problems);
  JobConnector connector;
  if (body.contains("initial_state")) {
    const json& state = body["initial_state"];
    if (state == "RUNNING" || state == "PAUSED" || state == "STOPPED")
      connector.initial_state = state;
    else
      problems.add(where + ".initial_state must be one of RUNNING, PAUSED, STOPPED");
  }
  if (body.contains("name") && body["name"].is_string()) connector.name = body["name"];
  if (body.contains("config"))
    connector.config = read_settings(body["config"], where + ".config", problems);
  else
    problems.add(where + " has no \"config\"");
  if (connector.name.empty() && connector.config.count("name") != 0)
    connector.name = connector.config["name"];
  if (connector.name.empty()) return problems.add(where + " has no \"name\"");
  for (const auto& other : job.connectors) {
    if (other.name == connector.name)
      problems.add("two connectors are named \"" + connector.name + "\"");
  }
  if (connector.config.count("connector.class") == 0)
    problems.add(where + ".config has no \"connector.class\"");
  connector.config["name"] = connector.name;
  job.connectors.push_back(std::move(connector));
}

void read_topic(const json& body, const std::string& where, Job& job, Problems& problems) {
  if (!body.is_object() || !body.contains("name") || !body["name"].is_string()) {
    return problems.add(where + " must be an object with a \"name\"");
  }
  unknown_keys(body, {"name", "partitions", "replication.factor", "config"}, where, problems);
  JobTopic topic;
  topic.name = body["name"];
  const auto number = [&](const char* key, int& out) {
    if (!body.contains(key)) return;
    if (!body[key].is_number_integer() || body[key].get<std::int64_t>() < 1 ||
        body[key].get<std::int64_t>() > 100'000) {
      return problems.add(where + "." + key + " must be a whole number of at least 1");
    }
    out = body[key].get<int>();
  };
  number("partitions", topic.partitions);
  number("replication.factor", topic.replication_factor);
  if (body.contains("config"))
    topic.config = read_settings(body["config"], where + ".config", problems);
  job.topics.push_back(std::move(topic));
}

}  // namespace

Result<Job> parse_job(const std::string& text, const std::string& path) {
  Problems problems(path);
  json root;
  try {
    root = json::parse(text);
  } catch (const json::parse_error& error) {
    std::string what = error.what();
    const auto colon = what.rfind(": ");
    if (colon != std::string::npos) what = what.substr(colon + 2);
    return fail(Errc::kInvalid,
                path + ": not JSON at " + line_and_column(text, error.byte) + ": " + what);
  }
  if (!root.is_object())
    return fail(Errc::kInvalid, path + ": a job is a JSON object with \"connectors\"");
  Job job;
  if (root.contains("connectors")) {
    unknown_keys(root, {"connectors", "topics"}, "the job", problems);
    if (!root["connectors"].is_array() || root["connectors"].empty())
      problems.add("\"connectors\" must be a list of at least one connector");
    else
      for (std::size_t i = 0; i < root["connectors"].size(); ++i) {
        read_connector(root["connectors"][i], "connectors[" + std::to_string(i) + "]", job,
                       problems);
      }
    if (root.contains("topics")) {
      if (!root["topics"].is_array())
        problems.add("\"topics\" must be a list");
      else
        for (std::size_t i = 0; i < root["topics"].size(); ++i) {
          read_topic(root["topics"][i], "topics[" + std::to_string(i) + "]", job, problems);
        }
    }
  } else {
    read_connector(root, "the job", job, problems);
  }
  if (!problems.none()) return fail(Errc::kInvalid, problems.text());
  return job;
}

Result<Job> read_job_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::kNotFound, path + ": cannot be opened; give the path of a job file");
  std::ostringstream text;
  text << file.rdbuf();
  return parse_job(text.str(), path);
}

}  // namespace penstock::cli
