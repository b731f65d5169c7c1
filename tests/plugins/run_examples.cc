// run_examples ticker.so counter.so FILE: loads both, drives the source through the harness and its
// records into the sink.
#include <cstdio>
#include <fstream>
#include <sstream>

#include "framework/connect/plugin/library.h"
#include "penstock/testing/contract.h"

namespace {

using namespace penstock;

int failed(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  return 1;
}

int run(const std::string& ticker_file, const std::string& counter_file,
        const std::string& counts) {
  const auto ticker = plugin::PluginLibrary::load(ticker_file);
  if (!ticker) return failed(ticker.error().text);
  const auto counter = plugin::PluginLibrary::load(counter_file);
  if (!counter) return failed(counter.error().text);
  const ConnectorDescriptor* source = (*ticker)->find("TickerSource");
  const ConnectorDescriptor* sink = (*counter)->find("CounterSink");
  if (source == nullptr || sink == nullptr) return failed("a connector is missing");

  for (const std::string& broken : testing::source_contract(*source, {{"steps", "30"}}))
    return failed(broken);
  testing::SourceHarness ticks(*source, {{"steps", "30"}});
  ticks.start();
  const std::size_t records = ticks.drain().size();
  testing::SinkHarness counted(*sink, {{"file", counts}});
  counted.start();
  counted.open("ticks");
  for (std::size_t i = 0; i < records; ++i) counted.add("ticks").value = Value::integer(1);
  counted.put();
  counted.flush();
  counted.add("ticks").value = Value::integer(1);
  counted.put();  // lost in the crash that follows
  counted.restart();
  counted.open("ticks");
  if (counted.sought("ticks") != 60) return failed("the sink did not resume at its stored offset");
  counted.close();
  std::ostringstream text;
  text << std::ifstream(counts).rdbuf();
  return text.str() == "ticks 0 60 60\n" ? 0 : failed("counted: " + text.str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return failed("usage: run_examples ticker.so counter.so FILE");
  return run(argv[1], argv[2], argv[3]);
}
