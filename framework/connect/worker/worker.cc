#include "framework/connect/worker/worker.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <future>
#include <memory>
#include <random>

#include "framework/base/bytes.h"
#include "framework/base/sha256.h"
#include "framework/connect/rest/router.h"
#include "framework/connect/rest/server.h"
#include "framework/connect/store/local_state.h"
#include "framework/connect/store/offset_records.h"
#include "framework/connect/store/state_thread.h"

namespace penstock::connect {
namespace {

constexpr const char* kVersion =
    "4.3.0-penstock-0.1.0";  // clients compare it with Kafka's versions
constexpr std::chrono::milliseconds kCreationLook{10};
constexpr std::chrono::milliseconds kIdleLook{60'000};

class StoredOffsets final : public OffsetBackend {
 public:
  explicit StoredOffsets(StateThread& state) : state_(state) {}
  void read(const std::string& connector, std::vector<std::string> partitions,
            UniqueFunction<void(std::vector<std::optional<std::string>>)> done) override {
    state_.read_offsets(connector, std::move(partitions), std::move(done));
  }
  void store(const std::string& connector, std::vector<message::OffsetEntry> entries,
             UniqueFunction<void(Status)> done) override {
    std::vector<StateEntry> records;
    records.reserve(entries.size());
    for (auto& entry : entries)
      records.push_back({offset_key(connector, entry.partition), std::move(entry.offset)});
    state_.put(StateTopic::kOffsets, std::move(records), std::move(done));
  }

 private:
  StateThread& state_;
};

Result<StoredConnectors> load_configs(StateLog& log) {
  ConfigReplay replay;
  PENSTOCK_RETURN_IF_ERROR(log.read_all(
      [&](std::string_view key, std::string_view value) { replay.apply(key, value); }));
  for (const auto& note : replay.notes) spdlog::warn("{}", note);
  return replay.finish();
}

std::string url_host(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

/// False: a stop was asked for meanwhile. A plugin that validates may take its time.
Result<bool> create_connectors(Herder& herder,
                               std::vector<std::pair<std::string, Herder::Put>> connectors,
                               const StopAsked& stop_asked) {
  using Created = tl::expected<std::pair<ConnectorView, bool>, RestError>;
  for (auto& [path, wanted] : connectors) {
    auto promise = std::make_shared<std::promise<Created>>();
    auto future = promise->get_future();
    herder.put(std::move(wanted),
               [promise](Created result) { promise->set_value(std::move(result)); });
    while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      if (stop_asked(kCreationLook)) return false;
    }
    try {
      const auto created = future.get();
      if (!created) return fail(Errc::kInvalid, path + ": " + created.error().message);
    } catch (const std::future_error&) {
      return fail(Errc::kCancelled, path + ": the request was dropped");
    }
  }
  return true;
}

/// Tells this worker's sink tasks from all others': the machine's name and the state directory,
/// which one worker at a time has locked.
std::string instance_id_of(const std::string& state_dir) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  Sha256 hash;
  hash.add(as_bytes(std::string_view(host.data())));
  hash.add(as_bytes(std::string_view("\n")));
  hash.add(as_bytes(std::filesystem::absolute(state_dir).lexically_normal().string()));
  return "penstock-" + hash.hex().substr(0, 12);
}

}  // namespace

Status run_worker(WorkerSettings settings,
                  std::vector<std::pair<std::string, Herder::Put>> connectors,
                  const std::function<void(const std::string&)>& ready,
                  const StopAsked& stop_asked) {
  const SystemClock clock;
  LocalState::Options where;
  where.path = settings.state_dir;
  PENSTOCK_ASSIGN_OR_RETURN(auto local, LocalState::open(clock, where));
  for (const auto& note : local->notes()) spdlog::warn("{}", note);
  PENSTOCK_ASSIGN_OR_RETURN(auto stored, load_configs(local->log(StateTopic::kConfigs)));
  StateThread state({&local->log(StateTopic::kConfigs), &local->log(StateTopic::kOffsets),
                     &local->log(StateTopic::kStatuses)});
  StoredOffsets offsets(state);
  settings.herder.seed = std::random_device()();
  settings.herder.instance_id = instance_id_of(settings.state_dir);
  Herder herder(std::move(settings.herder), clock, state, std::move(stored));
  Supervisor supervisor(std::move(settings.supervisor), clock, herder, offsets);

  rest::Router router;
  rest::add_root(router, {kVersion, "unknown"}, herder);
  rest::add_connectors(router, herder);
  rest::add_tasks(router, herder);
  rest::add_offsets(router, herder);
  rest::add_connector_plugins(router, herder);
  rest::add_progress(router, herder);
  rest::Server server(router);
  PENSTOCK_ASSIGN_OR_RETURN(const int port,
                            server.listen(settings.listen_host, settings.listen_port));

  PENSTOCK_RETURN_IF_ERROR(supervisor.start());
  const auto host =
      settings.listen_host == "0.0.0.0" ? std::string("127.0.0.1") : url_host(settings.listen_host);
  herder.start(supervisor,
               (settings.advertised_host.empty() ? host : settings.advertised_host) + ":" +
                   std::to_string(settings.advertised_port == 0 ? port : settings.advertised_port));
  ready("http://" + host + ":" + std::to_string(port));
  const auto created = create_connectors(herder, std::move(connectors), stop_asked);
  while (created && *created && !stop_asked(kIdleLook)) continue;

  spdlog::info("stopping");
  herder.stop();      // refuses requests; bye to all runners, which still store their offsets
  supervisor.stop();  // ends questions that are still open, and so the requests that wait for them
  server.stop();
  state.stop();
  auto closed = local->close();
  if (!created) return tl::make_unexpected(created.error());
  return closed;
}

}  // namespace penstock::connect
