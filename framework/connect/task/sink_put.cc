// The part of SinkLoop that hands records over: retries, bad records, dead letters.
#include <algorithm>
#include <mutex>
#include <utility>

#include "framework/connect/task/sink_loop.h"
#include "framework/connect/task/sink_plugin_task.h"

namespace penstock::connect {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kRetryStep{50};
constexpr milliseconds kDeadLetterWait{60'000};
constexpr const char* kInternalTopics =
    "^__(consumer_offsets|transaction_state|share_group_state)$";

/// Java's \d is unknown to the regular expressions that the client library uses.
std::string translated(const std::string& java) {
  std::string out;
  for (std::size_t i = 0; i < java.size(); ++i) {
    if (java[i] == '\\' && i + 1 < java.size()) {
      ++i;
      if (java[i] == 'd')
        out += "[0-9]";
      else
        out.append(1, '\\').append(1, java[i]);
    } else {
      out += java[i];
    }
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> SinkLoop::topics() const {
  const auto names = text_setting(setup_.config, "topics", "");
  const auto regex = text_setting(setup_.config, "topics.regex", "");
  if (names.empty() == regex.empty()) {
    return fail(Errc::kInvalid, "topics, topics.regex: a sink needs exactly one of them");
  }
  if (!regex.empty()) return std::vector<std::string>{"^(" + translated(regex) + ")$"};
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= names.size();) {
    const auto comma = std::min(names.find(',', at), names.size());
    auto name = names.substr(at, comma - at);
    name.erase(0, std::min(name.find_first_not_of(" \t"), name.size()));
    name.erase(name.find_last_not_of(" \t") + 1);
    if (!name.empty() && std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    at = comma + 1;
  }
  if (std::find(out.begin(), out.end(), policy_.dead_letter_topic) != out.end()) {
    return fail(Errc::kInvalid, "errors.deadletterqueue.topic.name: \"" +
                                    policy_.dead_letter_topic + "\" is among topics");
  }
  return out;
}

Status SinkLoop::prepare() {
  PENSTOCK_RETURN_IF_ERROR(refuse_unavailable(setup_.config));
  PENSTOCK_ASSIGN_OR_RETURN(policy_, error_policy(setup_.config));
  PENSTOCK_ASSIGN_OR_RETURN(flush_interval_ms_,
                            number_setting(setup_.config, "offset.flush.interval.ms", 1'000, 1));
  PENSTOCK_ASSIGN_OR_RETURN(converters_, make_converters(setup_.config, context_));
  auto client = setup_.client;
  client.try_emplace("client.id",
                     "connector-consumer-" + setup_.connector + "-" + std::to_string(setup_.task));
  PENSTOCK_ASSIGN_OR_RETURN(
      auto settings, rdkafka::client_settings(rdkafka::Role::kConsumer, client, setup_.config));
  settings.values.try_emplace("group.id", "connect-" + setup_.connector);
  // A static member (KIP-345): the task that follows a killed one takes its partitions over at
  // once, and a zombie is fenced.
  if (!setup_.instance_id.empty()) {
    settings.values.try_emplace("group.instance.id", setup_.instance_id + "-" + setup_.connector +
                                                         "-" + std::to_string(setup_.task));
  }
  // Topic ids are asked for in plain text.
  const auto security = settings.values.find("security.protocol");
  const bool plain = security == settings.values.end() || security->second == "plaintext" ||
                     security->second == "PLAINTEXT";
  if (plain) context_.set_bootstrap(settings.values["bootstrap.servers"]);
  SinkFetcher::Options options;
  PENSTOCK_ASSIGN_OR_RETURN(options.topics, topics());
  // A pattern never means the brokers' own topics, as with Java's exclude.internal.topics.
  if (!text_setting(setup_.config, "topics.regex", "").empty())
    settings.values.try_emplace("topic.blacklist", kInternalTopics);
  options.client = std::move(settings);
  options.limits = {setup_.block_records, setup_.block_bytes};
  dead_letters_ = std::make_unique<DeadLetterWriter>(setup_, policy_);
  fetcher_ = std::make_unique<SinkFetcher>(std::move(options), converters_, *setup_.link);
  return {};
}

plugin::CallResult SinkLoop::start_plugin() {
  auto made = plugin::make_sink(*setup_.descriptor, caller());
  if (!made) return {plugin::Outcome::kFailed, 0, made.error().text};
  {
    const std::lock_guard lock(task_->mutex);
    task_->task = std::move(*made);
  }
  return call_on_page(*setup_.page, caller(), PluginCall::kStart,
                      [this] { task_->task->start(*setup_.plugin_config, context_); });
}

void SinkLoop::process(SinkBatch& batch) {
  std::size_t done = 0;
  const Put outcome = deliver(batch, done);
  if (outcome == Put::kDone) {
    if (const auto durable = dead_letters_->wait(kDeadLetterWait); !durable)
      return fail_with(durable.error().text);
    advance(batch, batch.messages.size());
    for (const auto& [topic, partition, offset] : batch.ends) {
      auto& at = progress_[{topic, partition}];
      at.position = std::max(at.position, offset);
      at.end = offset;
    }
    return;
  }
  // What was put before the end of the task is kept, so that only the rest comes again.
  if (outcome == Put::kAbandoned) dropping_ = true;
  if (!dead_letters_->wait(kDeadLetterWait)) return;
  advance(batch, done);
  if (outcome == Put::kAbandoned) return;
  if (put_broken_) return;  // what the plugin holds now is its own affair; it comes again
  if (call_flush()) commit();
}

/// `done`: messages that are dealt with, from the first on.
SinkLoop::Put SinkLoop::deliver(SinkBatch& batch, std::size_t& done) {
  std::size_t first = 0;
  for (const auto& bad : batch.bad) {
    if (const auto outcome = put(batch, first, bad.before); outcome != Put::kDone) return outcome;
    done = bad.message;
    if (const auto outcome = bad_record(batch, bad.message, bad.stage, bad.why);
        outcome != Put::kDone)
      return outcome;
    done = bad.message + 1;
    first = bad.before;
  }
  return put(batch, first, batch.block.size());
}

void SinkLoop::advance(const SinkBatch& batch, std::size_t messages) {
  Progress* at = nullptr;
  std::string_view topic;
  std::int32_t partition = -1;
  for (std::size_t i = 0; i < messages; ++i) {
    const auto view = batch.messages.view(i);
    if (view.kind != rdkafka::MessageBatch::Kind::kRecord) continue;
    if (at == nullptr || view.partition != partition || view.topic != topic) {
      topic = view.topic;
      partition = view.partition;
      const auto found = progress_.find({std::string(topic), partition});
      at = found == progress_.end() ? nullptr : &found->second;
    }
    bytes_ += static_cast<double>(view.key.value_or("").size() + view.value.value_or("").size());
    if (at != nullptr) at->position = std::max(at->position, view.offset + 1);
  }
}

/// Records [first, last): those before a bad one again, then the bad one's fate, then those behind
/// it.
SinkLoop::Put SinkLoop::put(SinkBatch& batch, std::size_t first, std::size_t last) {
  while (first < last) {
    plugin::CallResult result;
    const Put outcome = put_once(batch, first, last, result);
    if (outcome != Put::kDone) return outcome;
    if (result) return take_rejects(batch);
    const auto bad = first + result.index;
    if (const auto before = put(batch, first, bad); before != Put::kDone) return before;
    if (const auto fate = bad_record(batch, batch.message_of[bad], "TASK_PUT", result.text);
        fate != Put::kDone) {
      advance(batch, batch.message_of[bad]);
      return fate;
    }
    first = bad + 1;
  }
  return Put::kDone;
}

/// One put(), again and again while it is retriable. kDone: it went through, or `result` names a
/// bad record.
SinkLoop::Put SinkLoop::put_once(SinkBatch& batch, std::size_t first, std::size_t last,
                                 plugin::CallResult& result) {
  const auto records = std::as_const(batch.block).records().subspan(first, last - first);
  // A put() may store the offsets of its records at once, beyond bad ones before them.
  if (const auto durable = dead_letters_->wait(kDeadLetterWait); !durable) {
    fail_with(durable.error().text);
    return Put::kFailed;
  }
  Backoff backoff(policy_);
  for (;;) {
    const auto before = Clock::now();
    {
      const CallScope scope(*setup_.page, records.front().topic, records.front().partition,
                            records.front().offset, records.back().offset);
      context_.allow_reject(true);
      dirty_ = true;
      result = plugin::call_plugin(caller(), "put()", [&] { task_->task->put(records); });
      context_.allow_reject(false);
    }
    last_call_ = last_put_ = Clock::now();
    put_ms_ += std::chrono::duration<double, std::milli>(last_put_ - before).count();
    if (result) {
      put_broken_ = false;
      records_ += static_cast<double>(records.size());
      return Put::kDone;
    }
    context_.take_rejects();
    if (result.outcome == plugin::Outcome::kRecordError && result.index < records.size())
      return Put::kDone;
    put_broken_ = true;
    if (result.outcome != plugin::Outcome::kRetriable) {
      fail_with(result.text + " (records " + std::string(records.front().topic) + "-" +
                std::to_string(records.front().partition) + "@" +
                std::to_string(records.front().offset) + " to " +
                std::string(records.back().topic) + "-" + std::to_string(records.back().partition) +
                "@" + std::to_string(records.back().offset) + ")");
      return Put::kFailed;
    }
    const auto delay = backoff.next();
    if (!delay) {
      fail_with(result.text + " (after " + std::to_string(backoff.tries()) + " tries)");
      return Put::kFailed;
    }
    ++retries_;
    setup_.link->log(LogLevel::kWarn,
                     result.text + "; trying again in " + std::to_string(delay->count()) + " ms");
    const auto until = Clock::now() + *delay;
    while (Clock::now() < until) {
      if (!running() || fetcher_->revoking()) return Put::kAbandoned;
      setup_.signal->wait(kRetryStep);
      tick_if_due();
      report(false);
    }
  }
}

SinkLoop::Put SinkLoop::take_rejects(SinkBatch& batch) {
  for (auto& reject : context_.take_rejects()) {
    std::size_t message = batch.messages.size();
    for (std::size_t i = 0; i < batch.block.size(); ++i) {
      const Record& record = batch.block.records()[i];
      if (record.offset == reject.offset && record.partition == reject.partition &&
          record.topic == reject.topic) {
        message = batch.message_of[i];
      }
    }
    if (message == batch.messages.size()) {
      fail_with("reject(): " + reject.topic + "-" + std::to_string(reject.partition) + "@" +
                std::to_string(reject.offset) + " is not among the records of this put()");
      return Put::kFailed;
    }
    if (const auto outcome = bad_record(batch, message, "TASK_PUT", std::move(reject.why));
        outcome != Put::kDone)
      return outcome;
  }
  return Put::kDone;
}

SinkLoop::Put SinkLoop::bad_record(SinkBatch& batch, std::size_t message, std::string_view stage,
                                   std::string why) {
  const auto view = batch.messages.view(message);
  BadRecord bad;
  bad.topic = view.topic;
  bad.partition = view.partition;
  bad.offset = view.offset;
  bad.stage = stage;
  bad.why = std::move(why);
  bad.key = view.key;
  bad.value = view.value;
  batch.messages.headers(message, bad.headers);
  ++errors_;
  if (const auto verdict = judge(policy_, bad, *setup_.link); !verdict) {
    fail_with(verdict.error().text);
    return Put::kFailed;
  }
  dirty_ = true;  // the plugin learns of it in flush()
  if (!dead_letters_->enabled()) {
    ++skipped_;
    ++skipped_by_topic_[std::string(bad.topic)];
    return Put::kDone;
  }
  if (const auto written = dead_letters_->write(bad); !written) {
    fail_with(written.error().text);
    return Put::kFailed;
  }
  ++dead_;
  ++dead_by_topic_[std::string(bad.topic)];
  return Put::kDone;
}

}  // namespace penstock::connect
