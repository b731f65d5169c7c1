// One source for the plugins whose descriptor is wrong; the build defines which WRONG_... it is.

#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace penstock::wrong {
namespace {

class Idle final : public SourceTask {
  void start(const Config&, SourceContext&) override {}
  Polled poll(Block&) override { return Polled::kEnd; }
};

#if defined(WRONG_FALLBACK)
constexpr ConfigKey kKeys[] = {{ConfigKey::kInt, "batch.size", "many", "How many."}};
#elif defined(WRONG_TWICE)
constexpr ConfigKey kKeys[] = {{ConfigKey::kString, "topic", "", "Where to."},
                               {ConfigKey::kString, "topic", "", "Where to."}};
#elif defined(WRONG_CONDITION)
constexpr ConfigKey kKeys[] = {
    {ConfigKey::kString, "column", nullptr, "Which.", nullptr, nullptr, 0, 0, "mode=bulk"}};
#else
constexpr ConfigKey kKeys[] = {{ConfigKey::kString, "topic", "", "Where to."}};
#endif

constexpr ConnectorDescriptor made() {
  auto d = source<Idle>("IdleSource", "", "Does nothing.", kKeys);
#if defined(WRONG_FACTORY)
  d.make_source = nullptr;
#endif
  return d;
}
constexpr ConnectorDescriptor kConnectors[] = {made()};

#if defined(WRONG_MAGIC)
constexpr std::uint64_t kMagic = 1;
#else
constexpr std::uint64_t kMagic = PENSTOCK_PLUGIN_MAGIC;
#endif
#if defined(WRONG_SIZE)
constexpr std::uint32_t kSize = 8;
#else
constexpr std::uint32_t kSize = sizeof(PluginDescriptor);
#endif
#if defined(WRONG_MAJOR)
constexpr std::uint16_t kMajor = 2;
#else
constexpr std::uint16_t kMajor = 1;
#endif
#if defined(WRONG_MINOR)
constexpr std::uint16_t kMinor = 99;
#else
constexpr std::uint16_t kMinor = PENSTOCK_PLUGIN_ABI_MINOR;
#endif
#if defined(WRONG_TOOLCHAIN)
constexpr const char* kToolchain = "gcc9 libstdc++98 c++20";
#else
constexpr const char* kToolchain = PENSTOCK_TOOLCHAIN;
#endif
#if defined(WRONG_COUNT)
constexpr std::uint32_t kCount = 65;
#else
constexpr std::uint32_t kCount = 1;
#endif

}  // namespace
}  // namespace penstock::wrong

extern "C" __attribute__((visibility("default")))
const penstock::PluginDescriptor PENSTOCK_PLUGIN_SYMBOL;
extern "C" const penstock::PluginDescriptor PENSTOCK_PLUGIN_SYMBOL = {penstock::wrong::kMagic,
                                                                      penstock::wrong::kSize,
                                                                      penstock::wrong::kMajor,
                                                                      penstock::wrong::kMinor,
                                                                      penstock::wrong::kToolchain,
                                                                      "wrong",
                                                                      "1.0.0",
                                                                      penstock::wrong::kConnectors,
                                                                      penstock::wrong::kCount,
                                                                      0};
