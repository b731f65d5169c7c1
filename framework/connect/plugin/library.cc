#include "framework/connect/plugin/library.h"

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/library_info.hpp>
#include <boost/dll/shared_library.hpp>

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "framework/connect/host/plugin_config.h"

namespace penstock::plugin {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSymbolStem = "penstock_plugin_v";
constexpr const char* kBuildIt = "build it with penstock_add_plugin() and PENSTOCK_PLUGIN()";

tl::unexpected<Error> refuse(const fs::path& file, Errc code, const std::string& why) {
  return fail(code, file.string() + ": " + why);
}

Status check_file(const fs::path& file) {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found)
    return refuse(file, Errc::kNotFound, "no such file; check plugin.path");
  if (!fs::is_regular_file(status))
    return refuse(file, Errc::kInvalid, "not a regular file; remove it from plugin.path");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return refuse(file, Errc::kIo, "cannot be read; check its permissions");
  Elf64_Ehdr header{};
  stream.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!stream || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_type != ET_DYN) {
    return refuse(file, Errc::kInvalid, std::string("not a shared object (ELF); ") + kBuildIt);
  }
#if defined(__x86_64__)
  constexpr auto kMachine = EM_X86_64;
#elif defined(__aarch64__)
  constexpr auto kMachine = EM_AARCH64;
#endif
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != kMachine) {
    return refuse(file, Errc::kUnsupported,
                  "built for another processor; build it on a machine like this one");
  }
  return {};
}

Status check_symbol(const fs::path& file) {
  std::vector<std::string> symbols;
  try {
    symbols = boost::dll::library_info(file).symbols();
  } catch (const std::exception&) {
    return refuse(file, Errc::kInvalid,
                  "its symbol table cannot be read: the file is damaged; build or copy it again");
  }
  if (std::find(symbols.begin(), symbols.end(), PENSTOCK_PLUGIN_SYMBOL_TEXT) != symbols.end())
    return {};
  for (const std::string& symbol : symbols) {
    if (!symbol.starts_with(kSymbolStem)) continue;
    const std::string abi = symbol.substr(kSymbolStem.size());
    return refuse(file, Errc::kUnsupported,
                  "exports " + symbol + ", which is plugin ABI " + abi +
                      "; this Penstock has ABI 1: rebuild the plugin with PenstockPluginSdk 1");
  }
  return refuse(
      file, Errc::kInvalid,
      std::string("exports no " PENSTOCK_PLUGIN_SYMBOL_TEXT ", so it is not a Penstock plugin; ") +
          kBuildIt);
}

/// What dlopen said, without Boost.DLL's wrapping.
std::string loader_text(const fs::path& file, std::string text) {
  const auto drop = [&text](const std::string& piece) {
    for (std::size_t at = text.find(piece); !piece.empty() && at != std::string::npos;
         at = text.find(piece))
      text.erase(at, piece.size());
  };
  drop("boost::dll::shared_library::load() failed");
  drop(" (dlerror system message: ");
  drop("Bad file descriptor");
  drop(": Bad file descriptor");
  drop(file.string() + ": ");
  if (const std::size_t end = text.find(" [system:"); end != std::string::npos) text.resize(end);
  while (!text.empty() && (text.front() == ' ' || text.front() == ':')) text.erase(0, 1);
  while (!text.empty() && (text.back() == ')' || text.back() == ' ' || text.back() == ':'))
    text.pop_back();
  return text;
}

}  // namespace

ListedFiles list_plugin_files(std::span<const std::string> folders) {
  ListedFiles out;
  const auto take = [&out](const fs::directory_entry& entry) {
    std::error_code ignored;
    if (entry.path().extension() == ".so" && entry.is_regular_file(ignored))
      out.files.push_back(entry.path());
  };
  for (const std::string& folder : folders) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      take(*at);
      std::error_code inner;
      if (!at->is_directory(inner)) continue;
      for (fs::directory_iterator sub(at->path(), inner), last; !inner && sub != last;
           sub.increment(inner))
        take(*sub);
    }
    if (error)
      out.problems.push_back({Errc::kNotFound, "plugin.path: " + folder + ": " + error.message()});
  }
  std::sort(out.files.begin(), out.files.end());
  out.files.erase(std::unique(out.files.begin(), out.files.end()), out.files.end());
  return out;
}

bool answers_to(const ConnectorDescriptor& connector, std::string_view asked) {
  const auto simple = [](std::string_view name) {
    if (const std::size_t dot = name.rfind('.'); dot != std::string_view::npos)
      name.remove_prefix(dot + 1);
    constexpr std::string_view kSuffix = "Connector";
    if (name.ends_with(kSuffix) && name.size() > kSuffix.size()) name.remove_suffix(kSuffix.size());
    return name;
  };
  // A name with a package must be the whole alias; a simple one may be any name's last part.
  const bool package = asked.find('.') != std::string_view::npos;
  const auto same = [&](std::string_view name) {
    return !name.empty() && (name == asked || (!package && simple(name) == simple(asked)));
  };
  if (same(connector.name)) return true;
  std::string_view rest = connector.aliases == nullptr ? "" : connector.aliases;
  while (!rest.empty()) {
    const std::size_t bar = rest.find('|');
    if (same(rest.substr(0, bar))) return true;
    rest = bar == std::string_view::npos ? std::string_view() : rest.substr(bar + 1);
  }
  return false;
}

Result<std::shared_ptr<const PluginLibrary>> PluginLibrary::load(const fs::path& given) {
  std::error_code error;
  const fs::path file = fs::absolute(given, error).lexically_normal();
  PENSTOCK_RETURN_IF_ERROR(check_file(file));
  PENSTOCK_RETURN_IF_ERROR(check_symbol(file));
  const PluginDescriptor* descriptor = nullptr;
  try {
    // Leaked on purpose: never dlclose().
    auto* library = new boost::dll::shared_library(
        file, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    descriptor = &library->get<const PluginDescriptor>(PENSTOCK_PLUGIN_SYMBOL_TEXT);
    static auto* const kept =
        new std::vector<boost::dll::shared_library*>;  // reachable, so that no leak is reported
    kept->push_back(library);
  } catch (const std::exception& failed) {
    return refuse(file, Errc::kInvalid,
                  "cannot be loaded: " + loader_text(file, failed.what()) +
                      "; install what is missing or rebuild it");
  } catch (...) {
    return refuse(file, Errc::kInvalid,
                  "cannot be loaded: an initialiser of it threw; ask its author");
  }
  if (const std::string why = refusal_of(*descriptor); !why.empty())
    return refuse(file, Errc::kUnsupported, why);
  return std::shared_ptr<const PluginLibrary>(new PluginLibrary(file, descriptor));
}

const ConnectorDescriptor* PluginLibrary::find(std::string_view connector_class) const {
  for (const ConnectorDescriptor& connector : connectors()) {
    if (answers_to(connector, connector_class)) return &connector;
  }
  return nullptr;
}

config::Definition definition_of(const ConnectorDescriptor& connector) {
  return host::definition_of({connector.keys, connector.key_count});
}

}  // namespace penstock::plugin
