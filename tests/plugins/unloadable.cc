// Needs a function that nobody has.
#include "penstock/descriptor.h"
#include "penstock/plugin.h"

extern "C" int penstock_test_function_that_nobody_has();

namespace {
class Idle final : public penstock::SourceTask {
  void start(const penstock::Config&, penstock::SourceContext&) override {
    penstock_test_function_that_nobody_has();
  }
  penstock::Polled poll(penstock::Block&) override { return penstock::Polled::kEnd; }
};
constexpr penstock::ConnectorDescriptor kConnectors[] = {
    penstock::source<Idle>("IdleSource", "", "Does nothing.")};
}  // namespace

PENSTOCK_PLUGIN("unloadable", "1.0.0", kConnectors)
