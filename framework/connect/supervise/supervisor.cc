#include "framework/connect/supervise/supervisor.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "framework/connect/supervise/runner_process.h"
#include "framework/process/resident.h"

namespace penstock::connect {
namespace {

constexpr std::int64_t kTickMs = 1'000;
constexpr std::int64_t kProbeByeMs = 2'000;

}  // namespace

Supervisor::Supervisor(Options options, const Clock& clock, SupervisorEvents& events,
                       OffsetBackend& offsets)
    : options_(std::move(options)), clock_(clock), events_(events), offsets_(offsets) {}

Supervisor::~Supervisor() { stop(); }

Status Supervisor::start() {
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return fail_errno(errno, "eventfd");
  thread_ = std::thread([this] { run(); });
  return {};
}

void Supervisor::post(UniqueFunction<void()> task) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(task));
  ::eventfd_write(wake_.get(), 1);
}

void Supervisor::start_runner(std::string connector, std::int64_t generation, message::Hello hello,
                              Answer done, Secrets secrets) {
  post([this, connector = std::move(connector), generation, hello = std::move(hello),
        done = std::move(done), secrets = std::move(secrets)]() mutable {
    auto started = RunnerProcess::start(
        options_.command, {connector, generation, std::move(secrets)}, clock_,
        [this](RunnerProcess& runner, Envelope e) { unasked(runner, e.id, std::move(e.body)); });
    if (!started) return done(tl::make_unexpected(std::move(started).error()));
    auto running = std::make_unique<Running>();
    running->process = std::move(*started);
    auto& process = *running->process;
    runners_.push_back(std::move(running));
    process.tell(message::Lease{options_.lease_ms});
    process.ask(
        std::move(hello), options_.hello_deadline_ms, "the start of the runner",
        [this, connector, generation, done = std::move(done)](Result<Message> answer) mutable {
          auto* self = find(connector, generation);
          if (self != nullptr && answer && std::holds_alternative<message::Ready>(*answer))
            self->ready = true;
          if (answer && std::holds_alternative<message::Refused>(*answer)) {
            answer = fail(Errc::kInvalid, std::get<message::Refused>(*answer).text);
          }
          done(std::move(answer));
        });
  });
}

void Supervisor::ask(std::string connector, std::int64_t generation, Message question,
                     std::int64_t deadline_ms, std::string what, Answer done) {
  post([this, connector = std::move(connector), generation, question = std::move(question),
        deadline_ms, what = std::move(what), done = std::move(done)]() mutable {
    auto* running = find(connector, generation);
    if (running == nullptr)
      return done(fail(Errc::kUnavailable, "the connector's runner is not running"));
    if (const auto* start = std::get_if<message::StartTask>(&question))
      running->process->watched_tasks[start->task] = false;
    if (const auto* end = std::get_if<message::StopTask>(&question))
      running->process->watched_tasks.erase(end->task);
    running->process->ask(std::move(question), deadline_ms, std::move(what), std::move(done));
  });
}

void Supervisor::stop_runner(std::string connector, std::int64_t generation,
                             std::int64_t deadline_ms, UniqueFunction<void()> done) {
  post([this, connector = std::move(connector), generation, deadline_ms,
        done = std::move(done)]() mutable {
    auto* running = find(connector, generation);
    if (running == nullptr) return done();
    running->stopped = std::move(done);
    running->kill_at_ms = clock_.steady_ms() + deadline_ms;
    running->process->tell(message::Bye{deadline_ms});
  });
}

void Supervisor::probe(message::Hello hello, Message question, std::int64_t deadline_ms,
                       std::string what, Answer done, Secrets secrets) {
  post([this, probe = Probe{std::move(hello), std::move(question), deadline_ms, std::move(what),
                            std::move(done), std::move(secrets)}]() mutable {
    if (probes_waiting_.size() >= kProbesWaitingMax) {
      return probe.done(fail(
          Errc::kBusy, std::to_string(kProbesWaitingMax) + " questions to plugins wait already"));
    }
    probes_waiting_.push_back(std::move(probe));
    start_probes();
  });
}

void Supervisor::start_probes() {
  while (probes_running_ < options_.probes_max && !probes_waiting_.empty()) {
    auto probe = std::make_shared<Probe>(std::move(probes_waiting_.front()));
    probes_waiting_.pop_front();
    auto started = RunnerProcess::start(options_.command, {{}, 0, probe->secrets}, clock_,
                                        [](RunnerProcess&, const Envelope&) {});
    if (!started) {
      probe->done(tl::make_unexpected(std::move(started).error()));
      continue;
    }
    ++probes_running_;
    auto running = std::make_unique<Running>();
    running->process = std::move(*started);
    auto* entry = running.get();  // lives until its process ended, and that answers both questions
    auto* process = entry->process.get();
    runners_.push_back(std::move(running));
    entry->stopped = [this] {
      --probes_running_;
      start_probes();
    };
    const auto finish = [this, probe, entry, process](Result<Message> answer) {
      entry->kill_at_ms = clock_.steady_ms() + kProbeByeMs;
      process->tell(message::Bye{kProbeByeMs});
      probe->done(std::move(answer));
    };
    process->tell(message::Lease{
        std::max(options_.lease_ms, options_.hello_deadline_ms + probe->deadline_ms)});
    process->ask(std::move(probe->hello), options_.hello_deadline_ms, "loading the plugin",
                 [probe, process, finish](Result<Message> answer) {
                   if (!answer) return finish(std::move(answer));
                   if (const auto* refused = std::get_if<message::Refused>(&*answer)) {
                     return finish(fail(Errc::kInvalid, refused->text));
                   }
                   process->ask(std::move(probe->question), probe->deadline_ms, probe->what,
                                [finish](Result<Message> last) { finish(std::move(last)); });
                 });
  }
}

void Supervisor::unasked(RunnerProcess& runner, std::uint64_t id, Message body) {
  const auto& connector = runner.identity().connector;
  const auto generation = runner.identity().generation;
  if (auto* wanted = std::get_if<message::ReadOffsets>(&body)) {
    ++runner.stores_in_flight;
    offsets_.read(connector, std::move(wanted->partitions),
                  [this, connector, generation, id](auto values) {
                    post([this, connector, generation, id, values = std::move(values)]() mutable {
                      auto* running = find(connector, generation);
                      if (running == nullptr) return;
                      --running->process->stores_in_flight;
                      running->process->answer(id, message::OffsetValues{std::move(values)});
                    });
                  });
  } else if (auto* store = std::get_if<message::StoreOffsets>(&body)) {
    ++runner.stores_in_flight;
    runner.stores[id] = clock_.steady_ms() + options_.store_deadline_ms;
    const auto sequence = store->sequence;
    offsets_.store(
        connector, std::move(store->entries),
        [this, connector, generation, id, sequence](Status status) {
          post([this, connector, generation, id, sequence, status = std::move(status)] {
            auto* running = find(connector, generation);
            if (running == nullptr) return;
            --running->process->stores_in_flight;
            if (running->process->stores.erase(id) == 0) return;  // was answered at its deadline
            if (status)
              running->process->answer(id, message::Stored{sequence});
            else
              running->process->answer(
                  id, message::Failed{status.error().text, status.error().code == Errc::kBusy});
          });
        });
  } else {
    if (!events_.runner_said(connector, generation, std::move(body)))
      runner.kill("it sends more messages than the worker can take");
  }
}

Supervisor::Running* Supervisor::find(const std::string& connector, std::int64_t generation) {
  for (const auto& running : runners_) {
    const auto& identity = running->process->identity();
    if (!connector.empty() && identity.connector == connector && identity.generation == generation)
      return running.get();
  }
  return nullptr;
}

void Supervisor::run_posted() {
  std::vector<UniqueFunction<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
}

void Supervisor::wait() {
  std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
  auto until = next_tick_ms_;
  for (const auto& running : runners_) {
    running->process->add_poll(fds);
    until = std::min(until, running->process->next_deadline_ms());
    if (running->kill_at_ms != 0) until = std::min(until, running->kill_at_ms);
  }
  const auto left = std::clamp<std::int64_t>(until - clock_.steady_ms(), 0, kTickMs);
  ::poll(fds.data(), fds.size(), static_cast<int>(left) + 1);
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
}

void Supervisor::service() {
  std::vector<std::unique_ptr<Running>> ended;
  for (std::size_t i = 0; i < runners_.size();) {
    auto& running = *runners_[i];
    if (running.kill_at_ms != 0 && clock_.steady_ms() >= running.kill_at_ms)
      running.process->kill("it did not end in time");
    if (running.process->service()) {
      ++i;
      continue;
    }
    ended.push_back(std::move(runners_[i]));
    runners_.erase(runners_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (const auto& running : ended) {
    if (running->stopped) {
      running->stopped();
    } else if (running->ready) {
      const auto& identity = running->process->identity();
      events_.runner_ended(identity.connector, identity.generation, running->process->ended_text());
    }
  }
}

void Supervisor::tick() {
  const auto now = clock_.steady_ms();
  if (now < next_tick_ms_) return;
  next_tick_ms_ = now + kTickMs;
  for (const auto& running : runners_) {
    if (running->process->identity().connector.empty()) continue;
    running->process->tell(message::Lease{options_.lease_ms});
    refuse_late_stores(*running->process);
    if (within_memory(*running->process)) watch(*running);
  }
}

/// The runner offers the same offsets again, with newer ones. What is late may still become
/// durable, and that is no harm.
void Supervisor::refuse_late_stores(RunnerProcess& process) const {
  std::erase_if(process.stores, [&](const auto& store) {
    if (store.second > clock_.steady_ms()) return false;
    process.answer(store.first, message::Failed{"they were not durable within " +
                                                    std::to_string(options_.store_deadline_ms) +
                                                    " ms (offset.flush.timeout.ms)",
                                                true});
    return true;
  });
}

/// False when the runner was ended for its memory.
bool Supervisor::within_memory(RunnerProcess& process) const {
  constexpr std::int64_t kMiB = 1 << 20;
  if (options_.memory_limit_bytes == 0) return true;
  const auto used = process::resident_bytes(process.pid());
  if (used <= options_.memory_limit_bytes) return true;
  process.kill("it uses " + std::to_string(used / kMiB) +
               " MiB of memory; runner.memory.limit.bytes allows " +
               std::to_string(options_.memory_limit_bytes / kMiB) + " MiB");
  return false;
}

/// Reads the task pages: what a plugin is doing shows there even when its process answers nothing.
void Supervisor::watch(Running& running) {
  auto& process = *running.process;
  const auto& connector = process.identity().connector;
  const auto generation = process.identity().generation;
  for (auto& [task, stalled] : process.watched_tasks) {
    const auto page = read_page(process.pages().task(task));
    const auto call = describe_call(page);
    const auto for_ms = call.empty() ? 0 : clock_.steady_ms() - page.since_ms;
    if (for_ms >= options_.call_warn_ms) {
      stalled = true;
      events_.task_stalled(connector, generation, task,
                           call + " for " + std::to_string(for_ms / 1000) + " s");
    } else if (stalled) {
      stalled = false;
      events_.task_stalled(connector, generation, task, "");
    }
    if (options_.call_deadline_ms != 0 && for_ms >= options_.call_deadline_ms) {
      return process.kill("task " + std::to_string(task) + " has been " + call + " for " +
                          std::to_string(for_ms / 1000) + " s; task.call.deadline.ms allows " +
                          std::to_string(options_.call_deadline_ms / 1000) + " s");
    }
  }
}

void Supervisor::run() {
  for (;;) {
    run_posted();
    service();
    tick();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ && posted_.empty()) break;
    }
    wait();
  }
  for (auto& probe : probes_waiting_) probe.done(fail(Errc::kCancelled, "the worker is stopping"));
  probes_waiting_.clear();
  for (auto& running : runners_) running->process->kill("the worker is stopping");
  while (!runners_.empty()) {
    service();
    if (!runners_.empty()) wait();
  }
}

void Supervisor::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (wake_) ::eventfd_write(wake_.get(), 1);
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace penstock::connect
