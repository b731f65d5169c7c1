#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <thread>
#include <unordered_map>

#include "framework/net/shard.h"

namespace penstock::net {

// Only for .cc files of this folder.
struct Shard::Impl {
  using Time = std::chrono::steady_clock::time_point;
  using Timers = std::multimap<Time, std::pair<TimerId, UniqueFunction<void()>>>;

  explicit Impl(int shard_index) : index(shard_index), alarm(io) {}

  void arm();
  void fire();

  const int index;
  boost::asio::io_context io{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard;
  std::thread thread;
  // Written by the thread itself before it runs any work: `thread` is assigned only after the
  // thread has begun.
  std::atomic<std::thread::id> runs_on{};
  // All timers share one alarm, set to the earliest.
  boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                    boost::asio::wait_traits<std::chrono::steady_clock>,
                                    boost::asio::io_context::executor_type>
      alarm;
  Time armed_for = Time::max();
  Timers timers;
  std::unordered_map<TimerId, Timers::iterator> by_id;
  TimerId last_id = 0;
};

}  // namespace penstock::net
