#pragma once
// A PostgreSQL server of this machine in a temporary directory, reached through a socket file only; one for a test program.

#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "connectors/postgres/connection.h"

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
      if (::chown(folder_.c_str(), user_, group_) != 0) throw std::runtime_error("chown " + folder_);
    }
    const pid_t made = run({kBinaries + "/initdb", "-D", data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"});
    int status = 0;
    ::waitpid(made, &status, 0);
    if (status != 0) throw std::runtime_error("initdb failed, see " + folder_ + "/log");
    server_ = run({kBinaries + "/postgres", "-D", data(), "-k", folder_, "-c", "listen_addresses=", "-c", "fsync=off", "-c",
                   "max_prepared_transactions=5"});
    wait_until_ready();
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

  pid_t run(const std::vector<std::string>& command) const {
    const std::string log = folder_ + "/log";
    std::vector<char*> arguments;
    for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(out, 1);
    ::dup2(out, 2);
    if (user_ != 0 && (::setgid(group_) != 0 || ::setuid(user_) != 0)) ::_exit(1);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }

  void wait_until_ready() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (;;) {
      try {
        postgres::Connection probe(postgres::Address(url(), "", ""));
        return;
      } catch (const postgres::Error&) {
        if (std::chrono::steady_clock::now() > deadline) throw;
        ::usleep(20'000);
      }
    }
  }

  std::string folder_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t server_ = 0;
};

}  // namespace penstock::testing
