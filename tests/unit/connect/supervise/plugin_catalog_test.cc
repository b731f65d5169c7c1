#include "framework/connect/supervise/plugin_catalog.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace penstock::connect {
namespace {

class PluginCatalogTest : public ::testing::Test {
 protected:
  PluginCatalogTest() {
    std::string name = ::testing::TempDir() + "catalogXXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~PluginCatalogTest() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }
  static message::Definition definition() {
    message::Definition d{"demo", "1.0", {}};
    auto& c = d.connectors.emplace_back();
    c.name = "DemoSource";
    c.kind = "source";
    c.aliases = {"io.example.DemoSourceConnector"};
    return d;
  }
  std::string folder_;
};

TEST_F(PluginCatalogTest, AClassIsFoundByNameAliasAndSuffix) {
  write("a.so", "a");
  PluginCatalog catalog({folder_}, "");
  const auto files = catalog.scan();
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].sha256, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
  catalog.described(files[0], definition());
  for (const char* name : {"DemoSource", "DemoSourceConnector", "io.example.DemoSourceConnector",
                           "io.example.DemoSource"}) {
    EXPECT_TRUE(catalog.find(name)) << name;
  }
  EXPECT_FALSE(catalog.find("Demo"));
}

TEST_F(PluginCatalogTest, AMissingClassNamesWhatThereIsAndWhatWasRefused) {
  write("a.so", "a");
  write("b.so", "b");
  PluginCatalog catalog({folder_}, "");
  const auto files = catalog.scan();
  catalog.described(files[0], definition());
  catalog.refused(files[1], "wrong ABI");
  EXPECT_EQ(catalog.find("Other").error().text,
            "Failed to find any class that implements Connector and which name matches Other, "
            "available connectors are: DemoSource; " +
                folder_ + "/b.so was refused: wrong ABI");
}

TEST_F(PluginCatalogTest, DescriptionsAreKeptUntilTheFileChanges) {
  write("a.so", "a");
  const auto cache = folder_ + "/cache.json";
  {
    PluginCatalog catalog({folder_}, cache);
    catalog.described(catalog.scan()[0], definition());
  }
  {
    PluginCatalog again({folder_}, cache);
    EXPECT_TRUE(again.scan().empty());
    EXPECT_TRUE(again.find("DemoSource"));
  }
  write("a.so", "other content");
  PluginCatalog changed({folder_}, cache);
  EXPECT_EQ(changed.scan().size(), 1U);
}

TEST_F(PluginCatalogTest, ADamagedCacheIsNoProblem) {
  write("a.so", "a");
  write("cache.json", "{\"path\":3}\nnot json\n[]\n");
  PluginCatalog catalog({folder_}, folder_ + "/cache.json");
  EXPECT_EQ(catalog.scan().size(), 1U);
}

TEST_F(PluginCatalogTest, AFolderThatIsMissingIsSaid) {
  PluginCatalog catalog({folder_ + "/none"}, "");
  catalog.scan();
  ASSERT_EQ(catalog.problems().size(), 1U);
  EXPECT_EQ(catalog.problems()[0], "plugin.path: " + folder_ + "/none: No such file or directory");
}

}  // namespace
}  // namespace penstock::connect
