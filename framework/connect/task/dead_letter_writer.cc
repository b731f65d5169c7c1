#include "framework/connect/task/sink_loop.h"

namespace penstock::connect {
namespace {
constexpr int kPollMs = 50;
constexpr std::chrono::milliseconds kStopWait{3'000};  // a stop has a deadline of its own
}  // namespace

DeadLetterWriter::DeadLetterWriter(const TaskSetup& setup, const ErrorPolicy& policy)
    : setup_(setup), policy_(policy), letters_(policy, setup.connector, setup.task) {}

void DeadLetterWriter::delivered(const rdkafka::Delivery& delivery) {
  --pending_;
  if (!delivery.ok) error_ = delivery.error;
}

Status DeadLetterWriter::write(const BadRecord& record) {
  const auto where = "dead letter to \"" + policy_.dead_letter_topic + "\"";
  if (!producer_) {
    PENSTOCK_ASSIGN_OR_RETURN(topics_, TopicCreation::make(setup_.client, setup_.config));
    PENSTOCK_RETURN_IF_ERROR(
        topics_->ensure_dead_letters(policy_.dead_letter_topic, policy_.dead_letter_replication));
    PENSTOCK_ASSIGN_OR_RETURN(
        const auto settings,
        rdkafka::client_settings(rdkafka::Role::kProducer, setup_.client, setup_.config));
    PENSTOCK_ASSIGN_OR_RETURN(producer_, rdkafka::Producer::open(settings, *this));
  }
  const auto letter = letters_.make(record);
  for (;;) {
    const auto produced = producer_->produce(letter);
    if (produced) break;
    if (produced.error().code != Errc::kBusy) return give_up(produced.error().in(where));
    if (setup_.signal->stopping())
      return give_up({Errc::kCancelled, where + ": stopped while the broker took no more"});
    producer_->poll(kPollMs);
  }
  ++pending_;
  return {};
}

Status DeadLetterWriter::wait(std::chrono::milliseconds at_most) {
  if (pending_ > 0) producer_->kick();
  const auto began = std::chrono::steady_clock::now();
  while (pending_ > 0) {
    const auto waited = std::chrono::steady_clock::now() - began;
    if (waited >= at_most || (setup_.signal->stopping() && waited >= kStopWait)) break;
    producer_->poll(kPollMs);
  }
  const auto where = "dead letter to \"" + policy_.dead_letter_topic + "\": ";
  if (!error_.empty()) return give_up({Errc::kUnavailable, where + error_});
  if (pending_ > 0)
    return give_up({Errc::kTimeout, where + "the broker did not acknowledge it in time"});
  return {};
}

/// The records that the letters point into are about to go: what was not sent must not be sent.
Status DeadLetterWriter::give_up(Error error) {
  producer_.reset();
  pending_ = 0;
  if (error_.empty()) error_ = "given up";  // wait() must not take the unsent ones for durable
  return tl::make_unexpected(std::move(error));
}

}  // namespace penstock::connect
