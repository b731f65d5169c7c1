#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "framework/base/clock.h"
#include "framework/base/error.h"
#include "framework/base/unique_function.h"
#include "framework/connect/channel/channel.h"
#include "framework/connect/channel/task_pages.h"
#include "framework/connect/supervise/secrets.h"
#include "framework/process/child.h"
#include "framework/process/output_lines.h"

namespace penstock::connect {

using Answer = UniqueFunction<void(Result<Message>)>;

/// One penstock-runner. The supervisor's thread only.
class RunnerProcess {
 public:
  static constexpr std::size_t kStoresInFlightMax = 64;

  struct Identity {
    std::string connector;  // "" for a probe
    std::int64_t generation = 0;
    Secrets secrets;  // never in a log line
  };
  /// What came without being asked for.
  using Unasked = std::function<void(RunnerProcess&, Envelope)>;

  static Result<std::unique_ptr<RunnerProcess>> start(const std::vector<std::string>& command,
                                                      Identity identity, const Clock& clock,
                                                      Unasked unasked);

  /// `what` names the question in the text of a missed deadline: "plan()". A missed deadline kills
  /// the runner. `done` always runs, once.
  void ask(Message question, std::int64_t deadline_ms, std::string what, Answer done);
  void answer(std::uint64_t id, Message body);
  void tell(Message body);
  /// SIGKILL; `why` becomes part of ended_text().
  void kill(std::string why);

  void add_poll(std::vector<pollfd>& fds) const;
  /// Reads and writes what is possible and checks deadlines. False when the process has ended and
  /// all was read: destroy it.
  bool service();
  /// steady ms; INT64_MAX: none.
  [[nodiscard]] std::int64_t next_deadline_ms() const;

  /// After the end: how it ended, what the plugin was doing, its last words.
  [[nodiscard]] std::string ended_text() const;
  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] const TaskPages& pages() const { return pages_; }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }

  /// Offset requests that wait for the disk; while there are kStoresInFlightMax the channel is not
  /// read.
  std::size_t stores_in_flight = 0;
  std::map<std::uint64_t, std::int64_t>
      stores;  // by question: when it has to be answered, steady ms
  std::map<int, bool>
      watched_tasks;       // started tasks, and whether they were last reported as stalled
  std::string task_calls;  // at the end: what each task was doing

 private:
  struct Question {
    std::int64_t deadline_ms = 0;
    std::string what;
    Answer done;
  };
  RunnerProcess(Identity identity, const Clock& clock, Unasked unasked, Channel channel,
                TaskPages pages, process::Child child);
  void send(Envelope envelope);
  void read_channel();
  void read_output();
  void check_deadlines();
  void fail_questions();

  Identity identity_;
  const Clock& clock_;
  Unasked unasked_;
  Channel channel_;
  TaskPages pages_;
  process::Child child_;
  process::OutputLines output_;
  process::OutputLines errors_;
  std::deque<std::string> last_words_;
  std::map<std::uint64_t, Question> questions_;
  std::uint64_t last_id_ = 0;
  std::string kill_reason_;
  bool channel_open_ = true;
  std::optional<process::ExitStatus> ended_;
  std::int64_t ended_ms_ = 0;
  std::int64_t closed_ms_ = 0;
};

/// "in put() of orders-3, offsets 10 to 19" or "in poll()"; "" between calls.
std::string describe_call(const TaskPageView& page);

}  // namespace penstock::connect
