#include "penstock/testing/contract.h"

#include <algorithm>
#include <exception>
#include <map>
#include <thread>

#include "recording_context.h"

namespace penstock::testing {
namespace {

/// Runs one check; what it throws becomes a sentence.
template <class Check>
void run(std::vector<std::string>& broken, const std::string& name, Check&& check) {
  try {
    check();
  } catch (const std::exception& error) {
    broken.push_back(name + ": " + error.what());
  } catch (...) {
    broken.push_back(name + ": threw something that is no std::exception");
  }
}

void require(bool holds, const std::string& otherwise) {
  if (!holds) throw ContractError(otherwise);
}

/// Records as text, by source partition: only within one is there an order.
using Read = std::map<std::uint32_t, std::vector<std::string>>;

std::size_t count(const Read& read) {
  std::size_t out = 0;
  for (const auto& [partition, records] : read) out += records.size();
  return out;
}

/// Until idle, ended, or `records_max` were read and acknowledged.
void read_into(Read& out, SourceHarness& source, std::size_t records_max = SIZE_MAX) {
  std::size_t left = records_max;
  while (left > 0 && source.last() != Polled::kEnd) {
    source.poll();
    const auto records = source.records().first(std::min(left, source.records().size()));
    for (const Record& record : records) out[record.source.partition].push_back(to_text(record));
    source.acknowledge(records.size());
    left -= records.size();
    if (source.last() != Polled::kMore) return;
  }
}

void resumes(const ConnectorDescriptor& connector, const Settings& settings, const Read& all,
             std::size_t at) {
  Options options;
  options.soft_records = 7;
  SourceHarness source(connector, settings, options);
  source.start();
  Read read;
  read_into(read, source, at);
  source.restart();
  read_into(read, source);
  require(read == all, "after " + std::to_string(at) + " acknowledged records a new task gave " +
                           std::to_string(count(read) - at) + " more of " +
                           std::to_string(count(all)) + ", or others");
}

}  // namespace

std::vector<std::string> definition_contract(const ConnectorDescriptor& connector) {
  std::vector<std::string> out;
  if (connector.name == nullptr || *connector.name == '\0')
    out.emplace_back("the connector has no name");
  if (connector.doc == nullptr || *connector.doc == '\0')
    out.emplace_back("the connector has no doc");
  const std::span<const ConfigKey> keys(connector.keys, connector.key_count);
  for (const auto& defect : host::definition_of(keys).defects()) out.push_back(defect.text);
  for (const ConfigKey& key : keys) {
    if (key.doc == nullptr || *key.doc == '\0')
      out.push_back("setting " + std::string(key.name == nullptr ? "" : key.name) + " has no doc");
  }
  return out;
}

std::vector<std::string> source_contract(const ConnectorDescriptor& connector,
                                         const Settings& settings, std::size_t resume_points) {
  std::vector<std::string> broken = definition_contract(connector);
  run(broken, "destroyed without start", [&] {
    SourceTask* task = connector.make_source();
    require(task != nullptr, "the factory returned no task");
    connector.destroy_source(task);
  });
  Read all;
  run(broken, "read to the end", [&] {
    SourceHarness source(connector, settings);
    source.start();
    read_into(all, source);
    require(count(all) >= 2, "the input must give at least 2 records");
  });
  if (count(all) < 2) return broken;
  run(broken, "read again in small blocks", [&] {
    Options options;
    options.soft_records = 1;
    SourceHarness source(connector, settings, options);
    source.start();
    source.tick();
    Read again;
    read_into(again, source);
    require(again == all, "gave other records than the first time");
  });
  const std::size_t step =
      std::max<std::size_t>(1, count(all) / std::max<std::size_t>(1, resume_points));
  for (std::size_t at = 1; at < count(all); at += step) {
    run(broken, "resume", [&] { resumes(connector, settings, all, at); });
  }
  run(broken, "stop from another thread", [&] {
    SourceHarness source(connector, settings);
    source.start();
    const std::jthread stopper([&source] { source.stop(); });  // joins, also where poll() throws
    if (source.last() != Polled::kEnd) source.poll();
  });
  return broken;
}

std::vector<std::string> sink_contract(const ConnectorDescriptor& connector,
                                       const SinkInput& input) {
  std::vector<std::string> broken = definition_contract(connector);
  run(broken, "destroyed without start", [&] {
    SinkTask* task = connector.make_sink();
    require(task != nullptr, "the factory returned no task");
    connector.destroy_sink(task);
  });
  run(broken, "nothing to do", [&] {
    SinkHarness sink(connector, input.settings);
    sink.start();
    sink.open(input.topic);
    sink.put();
    sink.flush();
    sink.tick();
    sink.close();
  });
  std::size_t first = 0;
  run(broken, "durable after flush", [&] {
    SinkHarness sink(connector, input.settings);
    sink.start();
    sink.open(input.topic);
    const std::size_t before = input.stored().size();
    input.add(sink, 1);
    sink.put();
    sink.flush();
    first = input.stored().size();
    require(first > before, "the target holds no more than before the flush");
    sink.close();
    require(input.stored().size() == first, "close() after flush() changed what is stored");
  });
  run(broken, "closed and opened again", [&] {
    SinkHarness sink(connector, input.settings);
    sink.start();
    sink.open(input.topic, 0, 1000);
    sink.close();
    sink.open(input.topic, 0, 1000);
    const std::size_t before = input.stored().size();
    input.add(sink, 2);
    sink.put();
    sink.close();
    require(input.stored().size() > before, "records put after the second open() are not stored");
  });
  run(broken, "goes on after a crash", [&] {
    SinkHarness sink(connector, input.settings);
    sink.start();
    sink.open(input.topic, 0, 2000);
    input.add(sink, 3);
    sink.put();
    sink.restart();
    sink.open(input.topic, 0, 2000);
    const std::size_t before = input.stored().size();
    input.add(sink, 4);
    sink.put();
    sink.flush();
    require(input.stored().size() > before, "the new task stored nothing");
  });
  return broken;
}

}  // namespace penstock::testing
