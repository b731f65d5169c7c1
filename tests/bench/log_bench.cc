#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "framework/base/crc32c.h"
#include "framework/log/log.h"

// Append and read against the cost that nobody can avoid: CRC plus pwrite, and pread.
namespace penstock::log {
namespace {

// Starts over in time: dirty pages beyond memory would measure the disk.
constexpr std::uint64_t kWrapBytes = 256U << 20;

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "penstock-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string path;
};

std::vector<std::byte> batch_of(std::int64_t bytes) {
  record::BatchBuilder builder;
  const std::string value(100, 'x');
  while (builder.size_bytes() < static_cast<std::size_t>(bytes))
    builder.add(1'700'000'000'000, std::nullopt, value);
  return builder.finish();
}

std::unique_ptr<Log> open_log(const std::string& directory) {
  static SystemClock clock;
  LogConfig config;
  config.segment_bytes = kWrapBytes;
  RecoveryReport report;
  auto log = Log::open(posix_file_system(), clock, directory, config, {}, report);
  if (!log) std::abort();
  return std::move(*log);
}

void raw_crc_and_pwrite(benchmark::State& state) {
  const Scratch scratch;
  auto file = posix_file_system().open(scratch.path + "/raw", OpenMode::kCreate);
  const auto batch = batch_of(state.range(0));
  std::uint64_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(crc32c(ByteView(batch).subspan(21)));
    if (!(*file)->write_at(at, batch)) std::abort();
    at += batch.size();
    if (at > kWrapBytes) {
      state.PauseTiming();
      at = 0;
      if (!(*file)->truncate(0)) std::abort();
      state.ResumeTiming();
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(batch.size()));
}

void log_crc_and_append(benchmark::State& state) {
  const Scratch scratch;
  auto log = open_log(scratch.path + "/topic-0");
  auto batch = batch_of(state.range(0));
  std::uint64_t since = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(crc32c(ByteView(batch).subspan(21)));
    if (!log->append(batch, LeaderEpoch(0))) std::abort();
    since += batch.size();
    if (since > kWrapBytes) {
      state.PauseTiming();
      log = nullptr;
      std::filesystem::remove_all(scratch.path + "/topic-0");
      log = open_log(scratch.path + "/topic-0");
      since = 0;
      state.ResumeTiming();
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(batch.size()));
}

// The look-up alone: what follows is sendfile.
void log_read_tail(benchmark::State& state) {
  const Scratch scratch;
  const auto log = open_log(scratch.path + "/topic-0");
  auto batch = batch_of(state.range(0));
  for (std::uint64_t done = 0; done < (64U << 20); done += batch.size()) {
    if (!log->append(batch, LeaderEpoch(0))) std::abort();
  }
  const Offset from = log->end() - 1;
  for (auto _ : state) benchmark::DoNotOptimize(log->read(from, 1 << 20, log->end(), true));
}

void log_read_catching_up(benchmark::State& state) {
  const Scratch scratch;
  const auto log = open_log(scratch.path + "/topic-0");
  auto batch = batch_of(state.range(0));
  const auto info = record::parse_header(batch);
  for (std::uint64_t done = 0; done < (64U << 20); done += batch.size()) {
    if (!log->append(batch, LeaderEpoch(0))) std::abort();
  }
  std::int64_t bytes = 0;
  Offset from(0);
  for (auto _ : state) {
    const auto read = log->read(from, 1 << 20, log->end(), true);
    bytes += static_cast<std::int64_t>(read->size_bytes);
    from = from + static_cast<std::int64_t>(read->size_bytes / batch.size()) * info->record_count;
    if (from >= log->end()) from = Offset(0);
  }
  state.SetBytesProcessed(bytes);
}

BENCHMARK(raw_crc_and_pwrite)->Arg(1 << 10)->Arg(16 << 10)->Arg(64 << 10);
BENCHMARK(log_crc_and_append)->Arg(1 << 10)->Arg(16 << 10)->Arg(64 << 10);
BENCHMARK(log_read_tail)->Arg(1 << 10)->Arg(64 << 10);
BENCHMARK(log_read_catching_up)->Arg(1 << 10)->Arg(64 << 10);

}  // namespace
}  // namespace penstock::log

BENCHMARK_MAIN();
