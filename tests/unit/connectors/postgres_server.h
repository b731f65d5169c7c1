#pragma once
// A PostgreSQL server of this machine in a temporary directory, reached through a socket file only;
// one for a test program.

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::testing {

class PostgresServer {
 public:
  /// Starts the server at the first call; empty when none is installed.
  static PostgresServer* shared() {
    static std::optional<PostgresServer> server;
    static const bool there = std::filesystem::exists(kBinaries + "/postgres");
    if (there && !server) server.emplace();
    return server ? &*server : nullptr;
  }
  PostgresServer() {
    char name[] = "/tmp/penstock-pg-XXXXXX";
    folder_ = ::mkdtemp(name);
    if (::geteuid() == 0) {  // the server refuses to run as root
      const passwd* user = ::getpwnam("postgres");
      user_ = user->pw_uid;
      group_ = user->pw_gid;
      if (::chown(folder_.c_str(), user_, group_) != 0)
        throw std::runtime_error("chown " + folder_);
    }
    const auto [made, told] = run_until({kBinaries + "/initdb", "-D", data(), "-U", "postgres",
                                         "-A", "trust", "-E", "UTF8", "--no-locale", "-N"},
                                        "never said");
    int status = 0;
    ::waitpid(made, &status, 0);
    if (status != 0) throw std::runtime_error("initdb failed: " + told);
    constexpr std::string_view kReady = "ready to accept connections";
    const auto [server, said] = run_until(
        {kBinaries + "/postgres", "-D", data(), "-k", folder_, "-c", "listen_addresses=", "-c",
         "fsync=off", "-c", "max_prepared_transactions=5", "-c", "lc_messages=C"},
        kReady);
    server_ = server;
    if (said.find(kReady) == std::string::npos)
      throw std::runtime_error("the server did not start: " + said);
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() {
    ::kill(server_, SIGQUIT);
    ::waitpid(server_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  /// For connection.url.
  [[nodiscard]] std::string url(const std::string& database = "postgres") const {
    return "host=" + folder_ + " user=postgres dbname=" + database;
  }

 private:
  inline static const std::string kBinaries = "/usr/lib/postgresql/15/bin";

  [[nodiscard]] std::string data() const { return folder_ + "/data"; }

  /// `out` is the child's standard output and error.
  pid_t run(const std::vector<std::string>& command, int out) const {
    std::vector<char*> arguments;
    for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::dup2(out, 1);
    ::dup2(out, 2);
    if (user_ != 0 && (::setgid(group_) != 0 || ::setuid(user_) != 0)) ::_exit(1);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // a change of user clears it
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }

  /// Runs `command` and reads what it says until `word`, or its end. The server lives on when
  /// nobody reads any more.
  std::pair<pid_t, std::string> run_until(const std::vector<std::string>& command,
                                          std::string_view word) const {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const pid_t child = run(command, ends[1]);
    ::close(ends[1]);
    std::string said;
    char piece[4096];
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (said.find(word) == std::string::npos) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now())
              .count();
      pollfd pipe{ends[0], POLLIN, 0};
      if (left <= 0 || ::poll(&pipe, 1, static_cast<int>(left)) <= 0) break;
      const ssize_t size = ::read(ends[0], piece, sizeof piece);
      if (size <= 0) break;
      said.append(piece, static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    return {child, said};
  }

  std::string folder_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t server_ = 0;
};

}  // namespace penstock::testing
