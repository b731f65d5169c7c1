#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/bench/load/loads.h"
#include "tests/bench/load/requests.h"

// broker_load: one measurement a call, its figures as one line of JSON. tests/bench/broker.py calls
// it.
int main(int argc, char** argv) {
  using namespace penstock::bench;  // NOLINT(google-build-using-namespace): only this program's own
  CLI::App app{
      "Puts a load on a Kafka-protocol broker and prints what it measured as JSON.\n"
      "Example: broker_load produce --bootstrap 127.0.0.1:9092 --topic load --bytes 1073741824"};
  app.require_subcommand(1);
  std::function<nlohmann::json()> run;
  const auto command = [&](const char* name, const char* text, auto options, auto load,
                           auto declare) {
    CLI::App* sub = app.add_subcommand(name, text);
    auto shared = std::make_shared<decltype(options)>(options);
    declare(*sub, *shared);
    sub->callback([shared, load, &run] { run = [shared, load] { return load(*shared); }; });
  };
  const auto broker = [](CLI::App& sub, auto& options) {
    sub.add_option("--bootstrap", options.bootstrap, "address:port")->required();
    sub.add_option("--topic", options.topic)->required();
    sub.add_option("--partitions", options.partitions);
  };

  command("produce", "as fast as the broker answers", ProduceOptions{}, run_produce,
          [&](CLI::App& sub, ProduceOptions& options) {
            broker(sub, options);
            sub.add_option("--connections", options.connections);
            sub.add_option("--bytes", options.bytes);
            sub.add_option("--seconds", options.seconds);
            sub.add_option("--record-bytes", options.record_bytes);
            sub.add_option("--batch-bytes", options.batch_bytes);
            sub.add_option("--in-flight", options.in_flight);
            sub.add_flag("--keyed", options.keyed);
          });
  command("consume", "reads a topic over and over, or its tail", ConsumeOptions{}, run_consume,
          [&](CLI::App& sub, ConsumeOptions& options) {
            broker(sub, options);
            sub.add_option("--bytes", options.bytes);
            sub.add_option("--fetch-bytes", options.fetch_bytes);
            sub.add_flag("--from-end", options.from_end);
          });
  command("latency", "end to end, at an open-loop rate", LatencyOptions{}, run_latency,
          [&](CLI::App& sub, LatencyOptions& options) {
            broker(sub, options);
            sub.add_option("--rate", options.rate, "records/s");
            sub.add_option("--seconds", options.seconds);
            sub.add_option("--warm-up-seconds", options.warm_up_seconds);
            sub.add_option("--record-bytes", options.record_bytes);
            sub.add_option("--compacted-topic", options.compacted_topic);
          });
  command("idle", "consumers that wait for records that never come", IdleOptions{}, run_idle,
          [&](CLI::App& sub, IdleOptions& options) {
            broker(sub, options);
            sub.add_option("--consumers", options.consumers);
            sub.add_option("--seconds", options.seconds);
            sub.add_option("--broker-pid", options.broker_pid)->required();
          });

  struct Floor {
    std::string directory = "/tmp";
    std::uint64_t bytes = 1 << 30;
    std::size_t batch_bytes = 64 << 10;
  };
  const auto floor_options = [](CLI::App& sub, Floor& options) {
    sub.add_option("--directory", options.directory, "on the disk that the brokers use");
    sub.add_option("--bytes", options.bytes);
    sub.add_option("--batch-bytes", options.batch_bytes);
  };
  command(
      "receive-floor", "receive, one CRC, one write to the page cache", Floor{},
      [](const Floor& at) { return run_receive_floor(at.directory, at.bytes, at.batch_bytes); },
      floor_options);
  command(
      "sendfile-floor", "sendfile from the page cache", Floor{},
      [](const Floor& at) { return run_sendfile_floor(at.directory, at.bytes); }, floor_options);

  struct Create {
    std::string bootstrap;
    std::string topic;
    std::int32_t partitions = 4;
    std::vector<std::string> settings;
  };
  command(
      "create-topic", "makes a topic", Create{},
      [](const Create& at) {
        std::map<std::string, std::string> settings;
        for (const std::string& setting : at.settings) {
          const std::size_t equals = setting.find('=');
          if (equals == std::string::npos) throw std::runtime_error(setting + " is not name=value");
          settings[setting.substr(0, equals)] = setting.substr(equals + 1);
        }
        create_topic(at.bootstrap, at.topic, at.partitions, settings);
        return nlohmann::json{{"topic", at.topic}};
      },
      [&](CLI::App& sub, Create& options) {
        broker(sub, options);
        sub.add_option("--setting", options.settings, "name=value, again for more");
      });
  struct Sparse {
    std::string directory;
    int segments = 50;
    std::uint64_t segment_bytes = 1 << 30;
    std::size_t batch_bytes = 1 << 20;
  };
  command(
      "sparse-segments", "fills a partition's directory with sparse segments", Sparse{},
      [](const Sparse& at) {
        return make_sparse_segments(at.directory, at.segments, at.segment_bytes, at.batch_bytes);
      },
      [](CLI::App& sub, Sparse& options) {
        sub.add_option("--directory", options.directory)->required();
        sub.add_option("--segments", options.segments);
        sub.add_option("--segment-bytes", options.segment_bytes);
        sub.add_option("--batch-bytes", options.batch_bytes)->check(CLI::Range(1 << 10, 1 << 26));
      });

  CLI11_PARSE(app, argc, argv);
  try {
    std::cout << run().dump() << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "broker_load: " << error.what() << "\n";
    return 1;
  }
}
