#pragma once
// What every connector must do, as checks that a plugin's own tests run with data of their own.

#include <functional>
#include <string>
#include <vector>

#include "penstock/testing/harness.h"

namespace penstock::testing {

/// Sentences about a connector's definition that would make the loader refuse it; empty: sound.
std::vector<std::string> definition_contract(const ConnectorDescriptor& connector);

/// `settings` must give a finite, repeatable input of at least 2 records that ends in kEnd or
/// kIdle. Checks: destroyed without start; the same records when read twice; resumes exactly behind
/// each of up to `resume_points` records; small Blocks change nothing; stop() from another thread
/// ends a poll; tick() is harmless. Returns what was broken, one sentence each.
std::vector<std::string> source_contract(const ConnectorDescriptor& connector,
                                         const Settings& settings, std::size_t resume_points = 20);

struct SinkInput {
  Settings settings;
  std::string topic = "contract";
  /// Adds at least one record of `topic` to the harness; `round` makes them differ.
  std::function<void(SinkHarness& sink, int round)> add;
  /// What the target durably holds, in any stable form.
  std::function<std::vector<std::string>()> stored;
};
/// Checks: destroyed without start; an empty put(); flush() with nothing; records are durable after
/// flush(), not kept as views; partitions close and open again; a new task goes on after a crash.
std::vector<std::string> sink_contract(const ConnectorDescriptor& connector,
                                       const SinkInput& input);

}  // namespace penstock::testing
