#include "framework/connect/plugin/guard.h"

#include <gtest/gtest.h>

#include <new>

#include "framework/connect/plugin/instance.h"
#include "framework/connect/plugin/library.h"
#include "penstock/testing/harness.h"

namespace penstock::plugin {
namespace {

constexpr Caller kTask{"flights", 3};

std::shared_ptr<const PluginLibrary> unruly() {
  auto loaded = PluginLibrary::load(std::string(PENSTOCK_WRONG_PLUGINS) + "/unruly.so");
  EXPECT_TRUE(loaded);
  return *loaded;
}

TEST(CallPlugin, AllIsWellWhenNothingIsThrown) {
  const CallResult result = call_plugin(kTask, "poll", [] {});
  EXPECT_TRUE(result);
  EXPECT_EQ(result.text, "");
}

TEST(CallPlugin, ClassifiesExceptionsThrownHere) {
  EXPECT_EQ(call_plugin(kTask, "put", [] { throw std::bad_alloc(); }).text,
            "connector flights task 3: put: out of memory (std::bad_alloc)");
  EXPECT_EQ(call_plugin({"flights"}, "validate", [] { throw std::runtime_error("no\n"); }).text,
            "connector flights: validate: no");
  EXPECT_EQ(call_plugin(kTask, "put", [] { throw std::runtime_error(""); }).text,
            "connector flights task 3: put: no text given");
  EXPECT_LT(call_plugin(kTask, "put", [] { throw std::runtime_error(std::string(1'000'000, 'x')); })
                .text.size(),
            5000U);
}

struct Wrong {
  const char* name;
  const char* call;
  Outcome outcome;
  const char* text;
};
class ThrowingPlugin : public ::testing::TestWithParam<Wrong> {};

/// Drives a task through every call until one goes wrong.
CallResult drive(const ConnectorDescriptor& connector, std::string_view call) {
  namespace t = penstock::testing;
  CallResult result;
  const auto at = [&](std::string_view now, auto&& code) {
    const CallResult made = call_plugin({"flights", 0}, now, code);
    if (now == call) {
      result = made;
    } else {
      EXPECT_TRUE(made) << made.text;
    }
  };
  if (connector.kind == PluginKind::kSource) {
    t::SourceHarness source(connector, {});
    at("start", [&] { source.start(); });
    if (call == "start") return result;
    at("poll", [&] { source.poll(); });
    at("committed", [&] { source.acknowledge(); });
    at("tick", [&] { source.tick(); });
    return result;
  }
  t::SinkHarness sink(connector, {});
  at("start", [&] { sink.start(); });
  if (call == "start") return result;
  at("open", [&] { sink.open("t"); });
  sink.add("t").value = Value::integer(1);
  at("put", [&] { sink.put(); });
  at("flush", [&] { sink.flush(); });
  if (call == "close") at("close", [&] { sink.close(); });
  return result;
}

TEST_P(ThrowingPlugin, IsClassifiedWithOneExactText) {
  const auto library = unruly();
  const ConnectorDescriptor* connector = library->find(GetParam().name);
  ASSERT_NE(connector, nullptr);
  const CallResult result = drive(*connector, GetParam().call);
  EXPECT_EQ(result.outcome, GetParam().outcome);
  EXPECT_EQ(result.text,
            std::string("connector flights task 0: ") + GetParam().call + ": " + GetParam().text);
  if (result.outcome == Outcome::kRecordError) {
    EXPECT_EQ(result.index, 1U);
  }
}

constexpr const char* kThrown = "thrown on purpose";
INSTANTIATE_TEST_SUITE_P(
    Unruly, ThrowingPlugin,
    ::testing::Values(Wrong{"ThrowInConstructorSource", "start", Outcome::kFailed, kThrown},
                      Wrong{"ThrowInStartSource", "start", Outcome::kFailed, kThrown},
                      Wrong{"ThrowInPollSource", "poll", Outcome::kFailed, kThrown},
                      Wrong{"ThrowIntInPollSource", "poll", Outcome::kFailed,
                            "threw int, which is no std::exception"},
                      Wrong{"RetriableInPollSource", "poll", Outcome::kRetriable, "not there now"},
                      Wrong{"RecordErrorInPollSource", "poll", Outcome::kRecordError,
                            "bad on purpose"},
                      Wrong{"ThrowInTickSource", "tick", Outcome::kFailed, kThrown},
                      Wrong{"ThrowInCommittedSource", "committed", Outcome::kFailed, kThrown},
                      Wrong{"ThrowInStartSink", "start", Outcome::kFailed, kThrown},
                      Wrong{"ThrowInOpenSink", "open", Outcome::kFailed, kThrown},
                      Wrong{"ThrowInPutSink", "put", Outcome::kFailed, kThrown},
                      Wrong{"ThrowIntInPutSink", "put", Outcome::kFailed,
                            "threw int, which is no std::exception"},
                      Wrong{"RetriableInPutSink", "put", Outcome::kRetriable, "not there now"},
                      Wrong{"RecordErrorInPutSink", "put", Outcome::kRecordError, "bad on purpose"},
                      Wrong{"ThrowInFlushSink", "flush", Outcome::kFailed, kThrown},
                      Wrong{"ThrowInCloseSink", "close", Outcome::kFailed, kThrown}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

TEST(Instances, ANullFactoryAndAThrowingConstructorAreErrors) {
  const auto library = unruly();
  EXPECT_EQ(make_source(*library->find("NullSource"), kTask).error().text,
            "connector flights task 3: make_source: returned null");
  EXPECT_EQ(make_sink(*library->find("NullSink"), kTask).error().text,
            "connector flights task 3: make_sink: returned null");
  EXPECT_EQ(make_source(*library->find("ThrowInConstructorSource"), kTask).error().text,
            "connector flights task 3: make_source: thrown on purpose");
  EXPECT_TRUE(make_source(*library->find("HangInPollSource"), kTask));
  const auto none = make_connector(*library->find("HangInPollSource"), kTask);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->get(), nullptr);
}

TEST(Connectors, ThrowingValidateAndTasksAreClassified) {
  const auto library = unruly();
  namespace t = penstock::testing;
  EXPECT_EQ(call_plugin({"flights"}, "validate",
                        [&] { t::validate(*library->find("ThrowInValidateSource"), {}); })
                .text,
            "connector flights: validate: thrown on purpose");
  EXPECT_EQ(call_plugin({"flights"}, "tasks",
                        [&] { t::plan(*library->find("ThrowInTasksSource"), {}, 2); })
                .text,
            "connector flights: tasks: thrown on purpose");
}

}  // namespace
}  // namespace penstock::plugin
