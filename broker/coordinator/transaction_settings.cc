#include "broker/coordinator/transaction_settings.h"

namespace penstock::broker {

using config::Kind;

namespace {
constexpr double kIntMax = 2147483647;
}  // namespace

std::vector<config::Key> transaction_keys() {
  return {
      {.name = "transaction.abort.timed.out.transaction.cleanup.interval.ms",
       .kind = Kind::kInt,
       .fallback = "10000",
       .doc = "How often transactions that took longer than their timeout are looked for.",
       .min = 1,
       .max = kIntMax},
      {.name = "transaction.max.timeout.ms",
       .kind = Kind::kInt,
       .fallback = "900000",
       .doc = "Longest transaction timeout a producer may ask for.",
       .min = 1,
       .max = kIntMax},
      {.name = "transaction.remove.expired.transaction.cleanup.interval.ms",
       .kind = Kind::kInt,
       .fallback = "3600000",
       .doc = "How often expired transactional ids are looked for.",
       .min = 1,
       .max = kIntMax},
      {.name = "transaction.state.log.num.partitions",
       .kind = Kind::kInt,
       .fallback = "8",
       .doc = "Partitions of __transaction_state when it is created (Kafka: 50).",
       .min = 1,
       .max = 10000},
      {.name = "transaction.state.log.replication.factor",
       .kind = Kind::kInt,
       .fallback = "1",
       .doc = "Copies of __transaction_state. One broker keeps one (Kafka: 3).",
       .min = 1,
       .max = 1},
      {.name = "transaction.state.log.segment.bytes",
       .kind = Kind::kInt,
       .fallback = "104857600",
       .doc =
           "Size at which a segment of __transaction_state is closed, when the topic is created.",
       .min = 1048576,
       .max = kIntMax},
      {.name = "transactional.id.expiration.ms",
       .kind = Kind::kInt,
       .fallback = "604800000",
       .doc = "How long a transactional id that nobody uses is remembered.",
       .min = 1,
       .max = kIntMax},
  };
}

TransactionSettings transaction_settings(const config::Settings& given) {
  TransactionSettings out;
  out.limits.timeout_ms_max = static_cast<std::int32_t>(given.number("transaction.max.timeout.ms"));
  out.limits.id_expiration_ms = given.number("transactional.id.expiration.ms");
  out.topic_partitions =
      static_cast<std::int32_t>(given.number("transaction.state.log.num.partitions"));
  out.topic_segment_bytes = given.number("transaction.state.log.segment.bytes");
  out.timeout_check_ms =
      given.number("transaction.abort.timed.out.transaction.cleanup.interval.ms");
  out.expiry_check_ms = given.number("transaction.remove.expired.transaction.cleanup.interval.ms");
  return out;
}

}  // namespace penstock::broker
