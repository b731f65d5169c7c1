// How the program starts, refuses to start, and stops.
#include <chrono>
#include <filesystem>

#include "tests/support/time_scale.h"
#include "worker_harness.h"

namespace penstock::connect {
namespace {

class WorkerProgram : public WorkerTest {};

TEST_F(WorkerProgram, AllBadSettingsAreSaidAtOnceWithExitCode2) {
  const auto [code, text] =
      run_to_end({"standalone", folder_ + "/worker.properties", "--override",
                  "offset.flush.interval.ms=soon", "--override", "bootstrap.server=x"});
  EXPECT_EQ(code, 2);
  EXPECT_NE(text.find("offset.flush.interval.ms"), std::string::npos) << text;
  EXPECT_NE(text.find("bootstrap.server"), std::string::npos) << text;
}

TEST_F(WorkerProgram, AFileWhereTheStateDirectoryShouldBeIsSaid) {
  write("offsets", "old");
  const auto [code, text] = run_to_end(
      {"standalone", "--override", "offset.storage.file.filename=" + folder_ + "/offsets"});
  EXPECT_EQ(code, 2);
  EXPECT_NE(text.find("offset.storage.file.filename: " + folder_ +
                      "/offsets is a file; state is kept in a directory"),
            std::string::npos)
      << text;
}

TEST_F(WorkerProgram, AMissingFileIsNamed) {
  const auto [code, text] = run_to_end({"standalone", folder_ + "/none.properties"});
  EXPECT_EQ(code, 2);
  EXPECT_NE(text.find(folder_ + "/none.properties"), std::string::npos) << text;
}

TEST_F(WorkerProgram, ABrokenConnectorFileIsNamed) {
  write("c.json", "{\"name\":\"a\",");
  const auto [code, text] =
      run_to_end({"standalone", folder_ + "/worker.properties", folder_ + "/c.json"});
  EXPECT_EQ(code, 2);
  EXPECT_NE(text.find(folder_ + "/c.json: malformed JSON"), std::string::npos) << text;
}

TEST_F(WorkerProgram, ConnectorFilesAreCreated) {
  install_plugin();
  write("a.json", R"({"name":"a","config":{"connector.class":"DemoSource"}})");
  write("b.properties", "name=b\nconnector.class=DemoSource\n");
  start({folder_ + "/a.json", folder_ + "/b.properties"});
  EXPECT_TRUE(eventually([&] { return http("GET", "/connectors").body == R"(["a","b"])"; }));
  EXPECT_TRUE(stop().success());
}

TEST_F(WorkerProgram, AConnectorFileThatIsRefusedEndsTheWorker) {
  install_plugin();
  write("a.json", R"({"name":"a","config":{"connector.class":"DemoSource","batch":"-1"}})");
  const auto [code, text] =
      run_to_end({"standalone", folder_ + "/worker.properties", folder_ + "/a.json"});
  EXPECT_EQ(code, 2);
  EXPECT_NE(text.find(folder_ + "/a.json: Connector configuration is invalid"), std::string::npos)
      << text;
}

TEST_F(WorkerProgram, AStateDirectoryInUseIsRefused) {
  start();
  const auto [code, text] = run_to_end({"standalone", folder_ + "/worker.properties"});
  EXPECT_EQ(code, 1);
  EXPECT_NE(text.find(folder_ + "/state"), std::string::npos) << text;
}

TEST_F(WorkerProgram, APortInUseIsRefused) {
  start();
  const auto [code, text] =
      run_to_end({"standalone", "--override", "state.dir=" + folder_ + "/other", "--override",
                  "listeners=http://127.0.0.1:" + std::to_string(port_)});
  EXPECT_EQ(code, 1);
  EXPECT_NE(text.find("cannot listen on http://127.0.0.1:" + std::to_string(port_)),
            std::string::npos)
      << text;
}

TEST_F(WorkerProgram, DescribingASlowPluginDoesNotDelayListening) {
  write("plugins/slow.so", "hang");
  const auto before = std::chrono::steady_clock::now();
  start();
  EXPECT_EQ(http("GET", "/connectors").body, "[]");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5 * kTimeScale));
}

TEST_F(WorkerProgram, TheFirstFileHoldsTheWorkersSettingsWhateverItsName) {
  install_plugin();
  std::filesystem::rename(folder_ + "/worker.properties", folder_ + "/worker.conf");
  write("a.properties", "name=a\nconnector.class=DemoSource\n");
  start_with({folder_ + "/worker.conf", folder_ + "/a.properties"});
  EXPECT_TRUE(eventually([&] { return http("GET", "/connectors").body == R"(["a"])"; }));
  EXPECT_TRUE(stop().success());
  const auto [code, text] = run_to_end({"standalone", folder_ + "/a.json"});
  EXPECT_EQ(code, 2);
  EXPECT_NE(text.find("the first file holds the worker's settings"), std::string::npos) << text;
}

TEST_F(WorkerProgram, AStopWhileAConnectorFileIsValidatedEndsItSoon) {
  install_plugin();
  write("a.json",
        R"({"name":"a","config":{"connector.class":"DemoSource","fake":"hang-validate"}})");
  start({folder_ + "/a.json"});
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(stop().success());
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5 * kTimeScale));
}

}  // namespace
}  // namespace penstock::connect
