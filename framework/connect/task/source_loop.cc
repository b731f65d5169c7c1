#include "framework/connect/task/source_loop.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace penstock::connect {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kIdleWait{100};
constexpr milliseconds kTickEvery{500};
constexpr milliseconds kReportEvery{1'000};
constexpr milliseconds kAckWait{10};
constexpr milliseconds kBusyAfterStop{2'000};
constexpr milliseconds kDrainAfterFailure{5'000};

ConfigMap with_default(ConfigMap config, const std::string& key, const std::string& value) {
  config.try_emplace(key, value);
  return config;
}

}  // namespace

/// The plugin's object. The mutex keeps stop(), from another thread, and destruction apart.
struct SourceLoop::PluginTask {
  std::mutex mutex;
  plugin::Instance<SourceTask> task;  // changed under mutex, by the task's thread only
};

SourceLoop::SourceLoop(TaskSetup setup)
    : setup_(std::move(setup)),
      context_(setup_),
      flights_({setup_.block_records, setup_.block_bytes}),
      task_(std::make_unique<PluginTask>()) {}
SourceLoop::~SourceLoop() = default;

void SourceLoop::stop_plugin() noexcept {
  const std::lock_guard lock(task_->mutex);
  if (task_->task) task_->task->stop();
}

void SourceLoop::fail_with(std::string trace, bool fatal, bool budget_free) {
  if (end_.failed) return;
  end_.failed = true;
  end_.fatal = fatal;
  end_.budget_free = budget_free;
  end_.trace = std::move(trace);
}

/// tick() and committed() come again anyway.
void SourceLoop::fail_unless_retriable(const plugin::CallResult& result) {
  if (result.outcome == plugin::Outcome::kRetriable)
    setup_.link->log(LogLevel::kWarn, result.text);
  else if (!result)
    fail_with(result.text);
}

Status SourceLoop::prepare() {
  PENSTOCK_RETURN_IF_ERROR(refuse_unavailable(setup_.config));
  PENSTOCK_ASSIGN_OR_RETURN(policy_, error_policy(setup_.config));
  PENSTOCK_ASSIGN_OR_RETURN(flush_interval_ms_,
                            number_setting(setup_.config, "offset.flush.interval.ms", 1'000, 1));
  PENSTOCK_ASSIGN_OR_RETURN(converters_, make_converters(setup_.config, context_));
  PENSTOCK_ASSIGN_OR_RETURN(topics_, TopicCreation::make(setup_.client, setup_.config));
  dead_letters_ = std::make_unique<DeadLetters>(policy_, setup_.connector, setup_.task);
  describer_ = make_describing_converter(context_);
  const auto client =
      with_default(setup_.client, "client.id",
                   "connector-producer-" + setup_.connector + "-" + std::to_string(setup_.task));
  PENSTOCK_ASSIGN_OR_RETURN(const auto settings, rdkafka::client_settings(rdkafka::Role::kProducer,
                                                                          client, setup_.config));
  PENSTOCK_ASSIGN_OR_RETURN(producer_, rdkafka::Producer::open(settings, flights_));
  return {};
}

plugin::CallResult SourceLoop::start_plugin() {
  auto made = plugin::make_source(*setup_.descriptor, caller());
  if (!made) return {plugin::Outcome::kFailed, 0, made.error().text};
  {
    const std::lock_guard lock(task_->mutex);
    task_->task = std::move(*made);
  }
  return call_on_page(*setup_.page, caller(), PluginCall::kStart,
                      [this] { task_->task->start(*setup_.plugin_config, context_); });
}

TaskEnd SourceLoop::run(const OnStarted& started) {
  if (const auto prepared = prepare(); !prepared) {
    fail_with(prepared.error().text, true);
    started(prepared, false);
    return end_;
  }
  const auto outcome = start_plugin();
  if (outcome) {
    started({}, false);
    loop();
  } else {
    fail_with(outcome.text);
    started(fail(Errc::kInvalid, outcome.text), outcome.outcome == plugin::Outcome::kRetriable);
  }
  drain();
  {
    const CallScope scope(*setup_.page, PluginCall::kDestroy);
    const std::lock_guard lock(task_->mutex);
    task_->task.reset();
  }
  producer_.reset();
  return end_;
}

void SourceLoop::loop() {
  last_call_ = last_store_ = last_report_ = Clock::now();
  while (running()) step();
  report(true);
}

void SourceLoop::step() {
  producer_->poll(0);
  settle();
  store(false);
  report(false);
  if (!running()) return;
  const bool full = flights_.held() >= setup_.in_flight_bytes;
  // A source that said kIdle is asked again once all it gave is acknowledged and stored: so that
  // this can be told.
  const bool settling = idle_ && !flights_.empty();
  if (!full && !settling && !finished_ && !setup_.signal->paused() && Clock::now() >= next_poll_) {
    poll_once();
    return;
  }
  tick_if_due();
  if ((finished_ || idle_) && flights_.empty()) {
    store(true);
    if (context_.offsets().all_stored()) say_caught_up(true, finished_);
  }
  rest(kIdleWait);
}

/// Acknowledgements end it early, and so do stop, wake() and stored offsets.
void SourceLoop::rest(milliseconds at_most) {
  if (!flights_.empty()) {
    producer_->poll(static_cast<int>(kAckWait.count()));
    return;
  }
  if (setup_.signal->wait(at_most)) next_poll_ = std::min(next_poll_, Clock::now());
}

void SourceLoop::tick_if_due() {
  if (Clock::now() - last_call_ < kTickEvery || end_.failed) return;
  const auto outcome =
      call_on_page(*setup_.page, caller(), PluginCall::kTick, [this] { task_->task->tick(); });
  last_call_ = Clock::now();
  fail_unless_retriable(outcome);
}

void SourceLoop::poll_once() {
  Flight& flight = flights_.next();
  Polled polled = Polled::kMore;
  const auto before = Clock::now();
  const auto outcome = call_on_page(*setup_.page, caller(), PluginCall::kPoll,
                                    [&] { polled = task_->task->poll(flight.block); });
  last_call_ = Clock::now();
  poll_ms_ += std::chrono::duration<double, std::milli>(last_call_ - before).count();
  if (outcome.outcome == plugin::Outcome::kRetriable ||
      outcome.outcome == plugin::Outcome::kFailed) {
    flights_.drop_last();
    if (outcome.outcome == plugin::Outcome::kFailed) return fail_with(outcome.text);
    if (!backoff_) backoff_ = std::make_unique<Backoff>(policy_);
    const auto delay = backoff_->next();
    if (!delay)
      return fail_with(outcome.text + " (after " + std::to_string(backoff_->tries()) + " tries)");
    ++retries_;
    setup_.link->log(LogLevel::kWarn,
                     outcome.text + "; trying again in " + std::to_string(delay->count()) + " ms");
    next_poll_ = Clock::now() + *delay;
    return;
  }
  backoff_.reset();
  const bool record_error = outcome.outcome == plugin::Outcome::kRecordError;
  if (record_error && outcome.index >= flight.block.size()) {
    flights_.drop_last();
    return fail_with("poll(): a RecordError names record " + std::to_string(outcome.index) +
                     " of " + std::to_string(flight.block.size()) + ": " + outcome.text);
  }
  finished_ = !record_error && polled == Polled::kEnd;
  idle_ = !record_error && polled == Polled::kIdle;
  if (idle_) next_poll_ = Clock::now() + kIdleWait;
  if (flight.block.size() == 0) return flights_.drop_last();
  say_caught_up(false, false);
  send_block(flight, record_error ? std::optional(outcome.index) : std::nullopt, outcome.text);
}

void SourceLoop::send_block(Flight& flight, std::optional<std::size_t> bad,
                            const std::string& why) {
  const auto count = flight.block.size();
  flight.slots.assign(2 * count, {&flight});
  std::size_t i = 0;
  for (; i < count && !end_.failed && !gave_up_; ++i) {
    if (bad == i)
      bad_record(flight, i, "TASK_POLL", why);
    else
      send_record(flight, i);
  }
  flight.sealed = i == count && !end_.failed && !gave_up_;
}

void SourceLoop::send_record(Flight& flight, std::size_t i) {
  const Record& record = flight.block.records()[i];
  if (record.topic.empty()) return bad_record(flight, i, "TASK_POLL", "the record has no topic");
  rdkafka::Outgoing out;
  out.topic = record.topic;
  out.partition = record.partition;
  out.timestamp_ms = record.timestamp_ms;
  const auto key = converters_.key->encode(record.key_schema, record.key, flight.bytes);
  if (!key) return bad_record(flight, i, "KEY_CONVERTER", key.error().text);
  const auto value = converters_.value->encode(record.value_schema, record.value, flight.bytes);
  if (!value) return bad_record(flight, i, "VALUE_CONVERTER", value.error().text);
  out.key = *key;
  out.value = *value;
  headers_.clear();
  for (const Header& header : record.headers) {
    const auto bytes = converters_.header->encode(header.schema, header.value, flight.bytes);
    if (!bytes)
      return bad_record(flight, i, "HEADER_CONVERTER",
                        "header \"" + std::string(header.name) + "\": " + bytes.error().text);
    headers_.push_back({header.name, *bytes});
  }
  out.headers = headers_;
  if (const auto made = topics_->ensure(record.topic); !made) return fail_with(made.error().text);
  if (produce(out, flight, i, false))
    bytes_ += static_cast<double>((*key ? (*key)->size() : 0) + (*value ? (*value)->size() : 0));
}

/// Waits for room in the producer's queue. False: not produced; a bad record was dealt with, or the
/// task is over.
bool SourceLoop::produce(const rdkafka::Outgoing& record, Flight& flight, std::size_t slot,
                         bool dead_letter) {
  auto to = record;
  flight.slots[slot].dead_letter = dead_letter;
  to.opaque = &flight.slots[slot];
  const auto since = Clock::now();
  for (;;) {
    const auto produced = producer_->produce(to);
    if (produced) {
      ++flight.pending;
      return true;
    }
    const auto& error = produced.error();
    if (error.code == Errc::kOffline) {
      fail_with("the producer has to be made anew: " + error.text, false, true);
      return false;
    }
    if (error.code != Errc::kBusy) {
      if (dead_letter)
        fail_with("dead letter to \"" + policy_.dead_letter_topic + "\": " + error.text);
      else
        bad_record(flight, slot, "KAFKA_PRODUCE", error.text);
      return false;
    }
    producer_->poll(static_cast<int>(kAckWait.count()));
    tick_if_due();
    if (flights_.fatal()) settle();
    // A stop lets the block go out; with a broker that takes nothing the block stays unsealed, and
    // its offsets do not pass.
    const auto now = Clock::now();
    if (end_.failed || (setup_.signal->stopping() &&
                        (now - since > kBusyAfterStop || now > setup_.signal->stop_by()))) {
      gave_up_ = true;
      return false;
    }
  }
}

void SourceLoop::bad_record(Flight& flight, std::size_t i, std::string_view stage,
                            std::string why) {
  const Record& record = flight.block.records()[i];
  BadRecord bad;
  bad.topic = record.topic;
  bad.partition = record.partition;
  bad.where = context_.offsets().describe(record.source);
  bad.stage = stage;
  bad.why = std::move(why);
  const auto bytes_of = [&](Converter& converter, const Schema* schema,
                            const Value& value) -> NullableBytes {
    if (auto bytes = converter.encode(schema, value, flight.bytes)) return *bytes;
    if (auto bytes = describer_->encode(schema, value, flight.bytes)) return *bytes;
    return std::nullopt;
  };
  bad.key = bytes_of(*converters_.key, record.key_schema, record.key);
  bad.value = bytes_of(*converters_.value, record.value_schema, record.value);
  ++errors_;
  if (const auto verdict = judge(policy_, bad, *setup_.link); !verdict)
    return fail_with(verdict.error().text);
  if (!dead_letters_->enabled()) {
    ++skipped_;
    return;
  }
  if (const auto made =
          topics_->ensure_dead_letters(policy_.dead_letter_topic, policy_.dead_letter_replication);
      !made) {
    return fail_with("dead letter topic: " + made.error().text);
  }
  if (produce(dead_letters_->make(bad), flight, flight.block.size() + i, true)) ++dead_;
}

/// Deals with what could not be delivered, and gives up the offsets of what is acknowledged.
void SourceLoop::settle() {
  if (flights_.fatal()) {
    return fail_with(
        "the producer has to be made anew: " + producer_->fatal().value_or("fatal error"), false,
        true);
  }
  for (auto& failure : flights_.take_failures()) {
    if (end_.failed) return;
    if (failure.dead_letter)
      return fail_with("dead letter to \"" + policy_.dead_letter_topic + "\": " + failure.why);
    bad_record(*failure.flight, failure.record, "KAFKA_PRODUCE", failure.why);
    if (!end_.failed) Flights::settle(*failure.flight);
  }
  while (Flight* flight = flights_.done()) {
    records_ += static_cast<double>(flight->block.size());
    count_sent(*flight);
    const auto taken = plugin::call_plugin(
        caller(), "poll()", [&] { context_.offsets().acknowledged(flight->block.records()); });
    if (!taken) return fail_with(taken.text);
    flights_.retire();
  }
}

/// A record that became a dead letter, or was skipped, did not reach its topic.
void SourceLoop::count_sent(const Flight& flight) {
  const auto records = flight.block.records();
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!flight.slots[i].delivered) continue;
    if (sent_last_ == sent_.end() || sent_last_->first != records[i].topic)
      sent_last_ = sent_.try_emplace(std::string(records[i].topic), 0).first;
    ++sent_last_->second;
  }
}

void SourceLoop::store(bool now) {
  auto& offsets = context_.offsets();
  for (const SourceOffset& offset : offsets.confirmed(setup_.signal->stored())) {
    if (end_.failed || !task_->task) break;
    fail_unless_retriable(call_on_page(*setup_.page, caller(), PluginCall::kCommitted,
                                       [&] { task_->task->committed(offset); }));
  }
  if (const auto failure = setup_.signal->take_store_failure()) {
    offsets.not_stored();
    store_refused_ = !failure->retriable;
    if (store_refused_) return fail_with("storing offsets: " + failure->text);
    setup_.link->log(LogLevel::kWarn, "storing offsets: " + failure->text);
    last_store_ = Clock::now();
    return;
  }
  if (!offsets.can_send()) return;
  if (!now && Clock::now() - last_store_ < milliseconds(flush_interval_ms_)) return;
  const auto sent = plugin::call_plugin(caller(), "poll()", [&] { offsets.send(setup_.task); });
  if (!sent) fail_with(sent.text);
  last_store_ = Clock::now();
}

void SourceLoop::say_caught_up(bool caught_up, bool finished) {
  if (told_caught_up_ == caught_up && told_finished_ == finished) return;
  told_caught_up_ = caught_up;
  told_finished_ = finished;
  report(true);
  setup_.link->send(message::CaughtUp{setup_.task, caught_up, finished});
}

void SourceLoop::report(bool now) {
  if (!now && Clock::now() - last_report_ < kReportEvery) return;
  last_report_ = Clock::now();
  message::Metrics out;
  out.task = setup_.task;
  out.values = {{"records", records_},   {"bytes", bytes_},     {"errors", errors_},
                {"dead_letters", dead_}, {"skipped", skipped_}, {"retries", retries_},
                {"poll_ms", poll_ms_}};
  for (const auto& [topic, count] : sent_) out.values["sent." + topic] = count;
  context_.basics().add_counters(out.values);
  setup_.link->send(std::move(out));
}

/// What was polled is delivered and its offsets are stored, as far as the broker and the worker
/// answer in time.
void SourceLoop::drain() {
  if (!producer_ || flights_.fatal()) return;
  const bool failed = end_.failed;
  const auto failed_by = failed ? Clock::now() + kDrainAfterFailure : Clock::time_point::max();
  const auto in_time = [&] { return Clock::now() < std::min(failed_by, setup_.signal->stop_by()); };
  producer_->kick();
  while (!flights_.empty() && producer_->queued() > 0 && in_time()) {
    producer_->poll(static_cast<int>(kAckWait.count()));
    settle();
    if (end_.failed != failed) break;
  }
  producer_->poll(0);
  settle();
  // What is acknowledged is said even when there is no time to wait for the answer: the worker
  // stores it before it reads for the next task.
  while (!context_.offsets().all_stored() && !store_refused_) {
    store(true);
    if (context_.offsets().all_stored() || !in_time()) break;
    setup_.signal->wait(kAckWait);
  }
  end_.drained = !end_.failed && flights_.empty() && context_.offsets().all_stored();
  report(true);
}

}  // namespace penstock::connect
