#include <iostream>
#include <random>

#include "framework/log/log_directory.h"

// Writes a topic of every codec, with several segments, producers and an aborted transaction, for
// judges that are not ours:
//   log_write_sample DIRECTORY; python3 tests/peers/kafka.py dump-log DIRECTORY/sample-0/*
namespace penstock::log {
namespace {

std::vector<std::byte> data_batch(int i, std::mt19937& random) {
  record::BatchBuilder::Options options;
  options.codec = static_cast<record::Codec>(i % 5);
  if (i % 3 == 0) {
    options.producer_id = ProducerId(4000);
    options.producer_epoch = ProducerEpoch(0);
    options.base_sequence = i / 3 * 10;
  }
  record::BatchBuilder builder(options);
  const record::HeaderView header{"trace", "on"};
  for (int r = 0; r < 10; ++r) {
    const std::string key = "key-" + std::to_string(random() % 100);
    const std::string value(random() % 200, 'v');
    builder.add(1'700'000'000'000 + i * 100 + static_cast<int>(random() % 300), key,
                r == 9 ? std::nullopt : std::optional<std::string_view>(value),
                std::span(&header, r % 2));
  }
  return builder.finish();
}

Status write(const std::string& path) {
  SystemClock clock;
  LogDirectory::Options options;
  options.path = path;
  options.cluster_id = "sample-cluster-0000000";
  PENSTOCK_ASSIGN_OR_RETURN(const auto directory,
                            LogDirectory::open(posix_file_system(), clock, options));
  LogConfig config;
  config.segment_bytes = 40'000;
  config.index_interval_bytes = 1024;
  RecoveryReport report;
  const Uuid id = Uuid::random();
  PENSTOCK_ASSIGN_OR_RETURN(const auto log,
                            directory->open_log("sample", PartitionId(0), id, config, report));
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    auto batch = data_batch(i, random);
    PENSTOCK_RETURN_IF_ERROR(
        log->append(batch, LeaderEpoch(i / 100)).map([](const AppendInfo&) {}));
  }
  record::BatchBuilder::Options transaction;
  transaction.producer_id = ProducerId(4001);
  transaction.producer_epoch = ProducerEpoch(2);
  transaction.base_sequence = 0;
  transaction.transactional = true;
  record::BatchBuilder data(transaction);
  data.add(1'700'000'040'000, "k", "to be aborted");
  auto batch = data.finish();
  PENSTOCK_RETURN_IF_ERROR(log->append(batch, LeaderEpoch(2)).map([](const AppendInfo&) {}));
  transaction.base_sequence = -1;
  transaction.control = true;
  record::BatchBuilder marker(transaction);
  marker.add(1'700'000'040'001, std::string_view("\0\0\0\0", 4),
             std::string_view("\0\0\0\0\0\0", 6));
  batch = marker.finish();
  PENSTOCK_RETURN_IF_ERROR(log->append(batch, LeaderEpoch(2)).map([](const AppendInfo&) {}));
  PENSTOCK_RETURN_IF_ERROR(log->close());
  std::cout << log->directory() << ": " << log->segment_count() << " segments, end offset "
            << log->end().value << "\n";
  return directory->close_clean(
      {{"sample", PartitionId(0), id, log->end(), log->start(), log->end()}});
}

}  // namespace
}  // namespace penstock::log

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: log_write_sample DIRECTORY\n";
    return 2;
  }
  const auto done = penstock::log::write(argv[1]);
  if (!done) std::cerr << done.error().text << "\n";
  return done ? 0 : 1;
}
