#include "broker/coordinator/coordinator_settings.h"

#include <algorithm>

#include "broker/coordinator/group_config.h"

namespace penstock::broker {

using config::Kind;

namespace {
constexpr double kIntMax = 2147483647;
constexpr double kNoUpper = -1;
}  // namespace

std::vector<config::Key> coordinator_keys() {
  return {
      {.name = "group.initial.rebalance.delay.ms",
       .kind = Kind::kInt,
       .fallback = "100",
       .doc = "How long an empty group waits for more members after the first (Kafka: 3000).",
       .min = 0,
       .max = kIntMax},
      {.name = "group.min.session.timeout.ms",
       .kind = Kind::kInt,
       .fallback = "6000",
       .doc = "Shortest session timeout a member may ask for.",
       .min = 1,
       .max = kIntMax},
      {.name = "group.max.session.timeout.ms",
       .kind = Kind::kInt,
       .fallback = "1800000",
       .doc = "Longest session timeout a member may ask for.",
       .min = 1,
       .max = kIntMax},
      {.name = "group.max.size",
       .kind = Kind::kInt,
       .fallback = "2147483647",
       .doc = "Most members of a group.",
       .min = 1,
       .max = kIntMax},
      {.name = "group.consumer.assignment.interval.ms",
       .kind = Kind::kInt,
       .fallback = "0",
       .doc = "Shortest time between two assignments of a group of the consumer protocol (Kafka: "
              "1000).",
       .min = 0,
       .max = kIntMax},
      {.name = "group.consumer.assignors",
       .kind = Kind::kList,
       .fallback = "uniform,range",
       .doc =
           "Assignors that members of the consumer protocol may choose; the first is the default.",
       .one_of = "uniform|range"},
      {.name = "group.consumer.heartbeat.interval.ms",
       .kind = Kind::kInt,
       .fallback = "5000",
       .doc = "How often members of the consumer protocol are told to send heartbeats.",
       .min = 1,
       .max = kIntMax},
      {.name = "group.consumer.max.assignment.interval.ms",
       .kind = Kind::kInt,
       .fallback = "15000",
       .doc = "Longest time between two assignments that a group may be set to.",
       .min = 0,
       .max = kIntMax},
      {.name = "group.consumer.max.heartbeat.interval.ms",
       .kind = Kind::kInt,
       .fallback = "15000",
       .doc = "Largest heartbeat interval that a group may be set to.",
       .min = 1,
       .max = kIntMax},
      {.name = "group.consumer.max.session.timeout.ms",
       .kind = Kind::kInt,
       .fallback = "60000",
       .doc = "Longest session timeout that a group of the consumer protocol may be set to.",
       .min = 1,
       .max = kIntMax},
      {.name = "group.consumer.max.size",
       .kind = Kind::kInt,
       .fallback = "2147483647",
       .doc = "Most members of a group of the consumer protocol.",
       .min = 1,
       .max = kIntMax},
      {.name = "group.consumer.migration.policy",
       .kind = Kind::kString,
       .fallback = "bidirectional",
       .doc = "Whether groups with members go over to the consumer protocol (upgrade) or back "
              "(downgrade).",
       .one_of = "disabled|upgrade|downgrade|bidirectional"},
      {.name = "group.consumer.min.assignment.interval.ms",
       .kind = Kind::kInt,
       .fallback = "0",
       .doc = "Shortest time between two assignments that a group may be set to.",
       .min = 0,
       .max = kIntMax},
      {.name = "group.consumer.min.heartbeat.interval.ms",
       .kind = Kind::kInt,
       .fallback = "5000",
       .doc = "Smallest heartbeat interval that a group may be set to.",
       .min = 1,
       .max = kIntMax},
      {.name = "group.consumer.min.session.timeout.ms",
       .kind = Kind::kInt,
       .fallback = "45000",
       .doc = "Shortest session timeout that a group of the consumer protocol may be set to.",
       .min = 1,
       .max = kIntMax},
      {.name = "group.consumer.session.timeout.ms",
       .kind = Kind::kInt,
       .fallback = "45000",
       .doc = "How long a member of the consumer protocol may be silent.",
       .min = 1,
       .max = kIntMax},
      {.name = "offset.metadata.max.bytes",
       .kind = Kind::kInt,
       .fallback = "4096",
       .doc = "Longest text committed with an offset.",
       .min = 0,
       .max = kIntMax},
      {.name = "offsets.retention.minutes",
       .kind = Kind::kInt,
       .fallback = "10080",
       .doc = "How long the offsets of an empty group are kept.",
       .min = 1,
       .max = kIntMax},
      {.name = "offsets.retention.check.interval.ms",
       .kind = Kind::kLong,
       .fallback = "600000",
       .doc = "How often expired offsets are looked for.",
       .min = 1,
       .max = kNoUpper},
      {.name = "offsets.topic.num.partitions",
       .kind = Kind::kInt,
       .fallback = "8",
       .doc = "Partitions of __consumer_offsets when it is created (Kafka: 50).",
       .min = 1,
       .max = 10000},
      {.name = "offsets.topic.replication.factor",
       .kind = Kind::kInt,
       .fallback = "1",
       .doc = "Copies of __consumer_offsets. One broker keeps one (Kafka: 3).",
       .min = 1,
       .max = 1},
      {.name = "offsets.topic.segment.bytes",
       .kind = Kind::kInt,
       .fallback = "104857600",
       .doc = "Size at which a segment of __consumer_offsets is closed, when the topic is created.",
       .min = 1048576,
       .max = kIntMax},
  };
}

namespace {

MigrationPolicy migration_policy(std::string_view name) {
  if (name == "disabled") return MigrationPolicy::kDisabled;
  if (name == "upgrade") return MigrationPolicy::kUpgrade;
  if (name == "downgrade") return MigrationPolicy::kDowngrade;
  return MigrationPolicy::kBidirectional;
}

/// A broker's own value lies between the limits that it sets for groups' values.
void check_between(const GroupConfigDef& def, const GroupLimits& limits,
                   std::vector<config::Problem>& problems) {
  const auto larger = [&problems](std::string_view low, std::string_view high) {
    problems.push_back(
        {std::string(low), std::string(low) + " is larger than " + std::string(high)});
  };
  if (limits.*def.min > limits.*def.max) return larger(def.min_name, def.max_name);
  if (limits.*def.value < limits.*def.min) larger(def.min_name, def.broker_name);
  if (limits.*def.value > limits.*def.max) larger(def.broker_name, def.max_name);
}

}  // namespace

CoordinatorSettings coordinator_settings(const config::Settings& given,
                                         std::vector<config::Problem>& problems) {
  CoordinatorSettings out;
  out.limits.initial_rebalance_delay_ms = given.number("group.initial.rebalance.delay.ms");
  out.limits.session_timeout_min_ms =
      static_cast<std::int32_t>(given.number("group.min.session.timeout.ms"));
  out.limits.session_timeout_max_ms =
      static_cast<std::int32_t>(given.number("group.max.session.timeout.ms"));
  out.limits.members_max = static_cast<std::int32_t>(given.number("group.max.size"));
  out.limits.offset_metadata_bytes_max =
      static_cast<std::size_t>(given.number("offset.metadata.max.bytes"));
  out.limits.offsets_retention_ms = given.number("offsets.retention.minutes") * 60'000;
  out.retention_check_ms = given.number("offsets.retention.check.interval.ms");
  out.topic_partitions = static_cast<std::int32_t>(given.number("offsets.topic.num.partitions"));
  out.topic_segment_bytes = given.number("offsets.topic.segment.bytes");
  out.limits.classic_bytes_max = static_cast<std::size_t>(out.topic_segment_bytes / 4);
  out.limits.consumer_heartbeat_ms =
      static_cast<std::int32_t>(given.number("group.consumer.heartbeat.interval.ms"));
  out.limits.consumer_session_timeout_ms =
      static_cast<std::int32_t>(given.number("group.consumer.session.timeout.ms"));
  const auto small = [&given](const char* name) {
    return static_cast<std::int32_t>(given.number(name));
  };
  out.limits.consumer_heartbeat_min_ms = small("group.consumer.min.heartbeat.interval.ms");
  out.limits.consumer_heartbeat_max_ms = small("group.consumer.max.heartbeat.interval.ms");
  out.limits.consumer_session_timeout_min_ms = small("group.consumer.min.session.timeout.ms");
  out.limits.consumer_session_timeout_max_ms = small("group.consumer.max.session.timeout.ms");
  out.limits.consumer_assignment_interval_ms = small("group.consumer.assignment.interval.ms");
  out.limits.consumer_assignment_interval_min_ms =
      small("group.consumer.min.assignment.interval.ms");
  out.limits.consumer_assignment_interval_max_ms =
      small("group.consumer.max.assignment.interval.ms");
  if (!given.given("group.consumer.assignment.interval.ms")) {  // Kafka's default lies higher
    out.limits.consumer_assignment_interval_ms = std::max(
        out.limits.consumer_assignment_interval_ms, out.limits.consumer_assignment_interval_min_ms);
  }
  out.limits.migration = migration_policy(given.text("group.consumer.migration.policy"));
  for (const GroupConfigDef& def : group_config_defs()) check_between(def, out.limits, problems);
  out.limits.consumer_members_max =
      static_cast<std::int32_t>(given.number("group.consumer.max.size"));
  const auto assignors = given.list("group.consumer.assignors");
  out.limits.assignors.assign(assignors.begin(), assignors.end());
  if (assignors.empty())
    problems.push_back({"group.consumer.assignors", "group.consumer.assignors names no assignor"});
  if (out.limits.consumer_heartbeat_ms >= out.limits.consumer_session_timeout_ms) {
    problems.push_back({"group.consumer.heartbeat.interval.ms",
                        "group.consumer.heartbeat.interval.ms is not shorter than "
                        "group.consumer.session.timeout.ms"});
  }
  if (out.limits.session_timeout_min_ms > out.limits.session_timeout_max_ms) {
    problems.push_back(
        {"group.min.session.timeout.ms",
         "group.min.session.timeout.ms is larger than group.max.session.timeout.ms"});
  }
  return out;
}

}  // namespace penstock::broker
