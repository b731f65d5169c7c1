// Nothing that a provider gave, and no password, is shown: not in answers, not in the status, not
// in the log.
#include "worker_harness.h"

namespace penstock::connect {
namespace {

constexpr const char* kSecret = "sup3rSecretX";

class WorkerSecrets : public WorkerTest {
 protected:
  WorkerSecrets() {
    install_plugin();
    write("x.props", std::string("pw=") + kSecret + "\nshort=abc\n");
  }
  void start_with_providers() { start({"--override", "config.providers=file"}); }
  std::string from_file(const char* key) { return "${file:" + folder_ + "/x.props:" + key + "}"; }
};

TEST_F(WorkerSecrets, AProvidedValueThatIsInvalidIsNotRepeated) {
  start_with_providers();
  for (const char* key : {"pw", "short"}) {
    const auto answer = create("orders", {{"batch", from_file(key)}});
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body.find(kSecret), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("abc"), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("[hidden]"), std::string::npos) << answer.body;
  }
  const auto checked = http(
      "PUT", "/connector-plugins/DemoSource/config/validate",
      nlohmann::json{
          {"connector.class", "DemoSource"}, {"name", "x"}, {"errors.tolerance", from_file("pw")}}
          .dump());
  EXPECT_EQ(checked.json()["error_count"], 1);
  EXPECT_EQ(checked.body.find(kSecret), std::string::npos) << checked.body;
}

TEST_F(WorkerSecrets, APluginThatRepeatsThemIsMasked) {
  start_with_providers();
  const auto answer =
      create("orders", {{"fake", "secret-problem"}, {"secret", "x" + from_file("pw")}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body.find(kSecret), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("cannot open with [hidden]"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("\\nproducer.override.linger.ms: not with [hidden]\\n"),
            std::string::npos)
      << answer.body;
  ASSERT_EQ(create("orders", {{"fake", "say-secret"}, {"secret", from_file("pw")}}).status, 201);
  ASSERT_EQ(create("plain", {{"fake", "say-secret"}, {"secret", "plainPassw0rd"}}).status, 201);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  ASSERT_TRUE(reaches("plain", "RUNNING", "RUNNING"));
  EXPECT_TRUE(stop().success());
  const auto text = log();
  EXPECT_NE(text.find("validating [hidden]"), std::string::npos) << text;
  EXPECT_NE(text.find("[orders] opening with [hidden]"), std::string::npos) << text;
  EXPECT_NE(text.find("[plain] opening with [hidden]"), std::string::npos) << text;
  EXPECT_EQ(text.find(kSecret), std::string::npos) << text;
  EXPECT_EQ(text.find("plainPassw0rd"), std::string::npos) << text;
}

}  // namespace
}  // namespace penstock::connect
