// The installed harness and contract suite, on a plugin that is linked in.
#include <cstdio>

#include "penstock/testing/contract.h"

extern "C" const penstock::PluginDescriptor PENSTOCK_PLUGIN_SYMBOL;

int main() {
  const auto& connector = PENSTOCK_PLUGIN_SYMBOL.connectors[0];
  const auto broken =
      penstock::testing::source_contract(connector, {{"steps", "40"}, {"symbols", "A,B"}});
  for (const auto& sentence : broken) std::fprintf(stderr, "%s\n", sentence.c_str());
  return broken.empty() ? 0 : 1;
}
