#include "framework/connect/plugin/library.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace penstock::plugin {
namespace {

namespace fs = std::filesystem;
const std::string kWrong = PENSTOCK_WRONG_PLUGINS;

struct Case {
  const char* file;
  const char* text;
};

class Refused : public ::testing::TestWithParam<Case> {};

TEST_P(Refused, WithOneExactSentence) {
  const std::string file = kWrong + "/" + GetParam().file;
  const auto loaded = PluginLibrary::load(file);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().text, file + ": " + GetParam().text);
}

static_assert(sizeof(PluginDescriptor) == 56 && sizeof(ConnectorDescriptor) == 112);

INSTANTIATE_TEST_SUITE_P(
    Plugin, Refused,
    ::testing::Values(
        Case{"missing.so", "no such file; check plugin.path"},
        Case{
            "not_elf.so",
            "not a shared object (ELF); build it with penstock_add_plugin() and PENSTOCK_PLUGIN()"},
        Case{"wrong_symbol_none.so",
             "exports no penstock_plugin_v1, so it is not a Penstock plugin; build it with "
             "penstock_add_plugin() and PENSTOCK_PLUGIN()"},
        Case{"wrong_symbol_newer.so",
             "exports penstock_plugin_v2, which is plugin ABI 2; this Penstock has ABI 1: rebuild "
             "the plugin with PenstockPluginSdk 1"},
        Case{"unloadable.so",
             "cannot be loaded: undefined symbol: penstock_test_function_that_nobody_has; install "
             "what is "
             "missing or rebuild it"},
        Case{"wrong_magic.so",
             "its penstock_plugin_v1 is not a plugin descriptor (wrong magic number); build it "
             "with PENSTOCK_PLUGIN()"},
        Case{"wrong_size.so",
             "its descriptor has 8 bytes, this Penstock expects 56; rebuild the plugin with this "
             "Penstock's SDK"},
        Case{"wrong_major.so",
             "it says plugin ABI 2; this Penstock has ABI 1: rebuild the plugin with "
             "PenstockPluginSdk 1"},
        Case{"wrong_minor.so",
             "it needs plugin ABI 1.99, this Penstock has 1.1; upgrade Penstock, or rebuild the "
             "plugin with "
             "this Penstock's SDK"},
        Case{"wrong_toolchain.so",
             "built with gcc9 libstdc++98 c++20, this Penstock with " PENSTOCK_TOOLCHAIN
             "; rebuild the plugin with the same compiler major and standard library"},
        Case{"wrong_count.so",
             "it has 65 connectors; 1 to 64 are allowed; ask the plugin's author for a corrected "
             "one"},
        Case{"wrong_factory.so",
             "connector IdleSource: its factories do not match its kind; ask the plugin's author "
             "for a corrected one"},
        Case{"wrong_fallback.so",
             "connector IdleSource: setting batch.size: its fallback many is refused: Not a number "
             "of type "
             "INT; ask the plugin's author for a corrected one"},
        Case{"wrong_twice.so",
             "connector IdleSource: setting topic is declared twice; ask the plugin's author for a "
             "corrected one"},
        Case{"wrong_condition.so",
             "connector IdleSource: setting column: its condition mode=bulk names no other "
             "setting; ask the "
             "plugin's author for a corrected one"}),
    [](const auto& param_info) {
      std::string name = param_info.param.file;
      name.resize(name.size() - 3);
      return name;
    });

TEST(PluginLibrary, RefusesAFolderAndADamagedFile) {
  const fs::path folder =
      fs::temp_directory_path() / ("penstock-loader-" + std::to_string(::getpid()));
  fs::create_directories(folder / "dir.so");
  const auto directory = PluginLibrary::load(folder / "dir.so");
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().text,
            (folder / "dir.so").string() + ": not a regular file; remove it from plugin.path");

  fs::copy_file(kWrong + "/unruly.so", folder / "cut.so");
  fs::resize_file(folder / "cut.so", fs::file_size(folder / "cut.so") / 2);
  const auto cut = PluginLibrary::load(folder / "cut.so");
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().text,
            (folder / "cut.so").string() +
                ": its symbol table cannot be read: the file is damaged; build or copy it again");
  fs::remove_all(folder);
}

TEST(PluginLibrary, DescribesItsConnectorsAsData) {
  const auto loaded = PluginLibrary::load(kWrong + "/unruly.so");
  ASSERT_TRUE(loaded) << loaded.error().text;
  const PluginLibrary& library = **loaded;
  EXPECT_EQ(library.name(), "unruly");
  EXPECT_EQ(library.version(), "1.0.0");
  const ConnectorDescriptor* connector = library.find("CrashInPollSource");
  ASSERT_NE(connector, nullptr);
  EXPECT_EQ(definition_of(*connector).keys().size(), 3U);
  EXPECT_EQ(definition_of(*connector).find("topic")->fallback, "unruly");
  EXPECT_EQ(library.find("Nothing"), nullptr);
}

TEST(PluginLibrary, LoadingTwiceGivesTheSameDescriptor) {
  const auto first = PluginLibrary::load(kWrong + "/unruly.so");
  const auto second = PluginLibrary::load(kWrong + "/../plugins/unruly.so");
  ASSERT_TRUE(first && second);
  EXPECT_EQ((*first)->connectors().data(), (*second)->connectors().data());
}

TEST(PluginLibrary, ListsSharedObjectsInFoldersAndTheirSubfolders) {
  const fs::path folder =
      fs::temp_directory_path() / ("penstock-list-" + std::to_string(::getpid()));
  fs::create_directories(folder / "sub" / "deep");
  for (const char* name : {"b.so", "a.so", "readme.txt", "sub/c.so", "sub/deep/d.so"})
    std::ofstream(folder / name) << "x";
  const std::string folders[] = {folder.string(), "/nonexistent"};
  const auto listed = list_plugin_files(folders);
  EXPECT_EQ(listed.files,
            (std::vector<fs::path>{folder / "a.so", folder / "b.so", folder / "sub/c.so"}));
  ASSERT_EQ(listed.problems.size(), 1U);
  EXPECT_EQ(listed.problems[0].text, "plugin.path: /nonexistent: No such file or directory");
  fs::remove_all(folder);
}

TEST(PluginLibrary, AnswersToItsNameItsAliasesAndJavasSpellings) {
  ConnectorDescriptor connector{};
  connector.name = "FileSource";
  connector.aliases = "org.apache.kafka.connect.file.FileStreamSourceConnector|Other";
  for (const char* name :
       {"FileSource", "FileSourceConnector", "FileStreamSource", "FileStreamSourceConnector",
        "Other", "org.apache.kafka.connect.file.FileStreamSourceConnector"}) {
    EXPECT_TRUE(answers_to(connector, name)) << name;
  }
  for (const char* name : {"", "FileSink", "org.example.FileSource", "Connector", "filesource"})
    EXPECT_FALSE(answers_to(connector, name)) << name;
}

}  // namespace
}  // namespace penstock::plugin
