#include "framework/connect/supervise/plugin_catalog.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "framework/base/sha256.h"
#include "framework/base/unique_fd.h"

namespace penstock::connect {
namespace {

using Json = nlohmann::json;
constexpr std::string_view kSuffix = "Connector";

Result<PluginFile> look_at(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return fail_errno(errno, path);
  PluginFile file;
  file.path = path;
  file.modified_ns =
      static_cast<std::int64_t>(about.st_mtim.tv_sec) * 1'000'000'000 + about.st_mtim.tv_nsec;
  file.size_bytes = about.st_size;
  return file;
}

Result<std::string> checksum(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(errno, path);
  Sha256 sum;
  std::array<std::byte, 65536> buffer;
  for (;;) {
    const auto n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, path);
    if (n == 0) return sum.hex();
    sum.add(ByteView(buffer).first(static_cast<std::size_t>(n)));
  }
}

std::string without_package(const std::string& name) {
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}
std::string without_suffix(const std::string& name) {
  return name.size() > kSuffix.size() && name.ends_with(kSuffix)
             ? name.substr(0, name.size() - kSuffix.size())
             : name;
}

bool answers_to(const message::ConnectorDefinition& connector, const std::string& asked) {
  const auto matches = [&](const std::string& name) {
    return asked == name || without_suffix(asked) == without_suffix(name) ||
           without_suffix(asked) == without_suffix(without_package(name));
  };
  return matches(connector.name) || std::ranges::any_of(connector.aliases, matches);
}

}  // namespace

PluginCatalog::PluginCatalog(std::vector<std::string> folders, std::string cache_path)
    : folders_(std::move(folders)), cache_path_(std::move(cache_path)) {
  load_cache();
}

std::vector<PluginFile> PluginCatalog::scan() {
  folder_problems_.clear();
  std::set<std::string> paths;
  for (const auto& folder : folders_) {
    std::error_code error;
    for (const auto& item : std::filesystem::directory_iterator(folder, error)) {
      if (item.path().extension() == ".so") paths.insert(item.path().string());
    }
    if (error) folder_problems_.push_back("plugin.path: " + folder + ": " + error.message());
  }
  std::erase_if(entries_, [&](const auto& entry) { return !paths.contains(entry.first); });
  std::vector<PluginFile> unknown;
  for (const auto& path : paths) {
    auto file = look_at(path);
    if (!file) continue;  // went away meanwhile
    const auto found = entries_.find(path);
    if (found != entries_.end() && found->second.file.same_time_and_size(*file)) continue;
    const auto cached = cached_.find(path);
    if (cached != cached_.end() && cached->second.file.same_time_and_size(*file)) {
      entries_[path] = cached->second;
      continue;
    }
    auto sum = checksum(path);
    if (!sum) {
      refused(*file, sum.error().text);
      continue;
    }
    file->sha256 = std::move(*sum);
    if (cached != cached_.end() && cached->second.file.sha256 == file->sha256) {
      entries_[path] = cached->second;
      entries_[path].file = *file;
      continue;
    }
    unknown.push_back(std::move(*file));
  }
  return unknown;
}

void PluginCatalog::described(const PluginFile& file, message::Definition definition) {
  entries_[file.path] = Entry{file, true, std::move(definition), {}};
  save_cache();
}

void PluginCatalog::refused(const PluginFile& file, std::string why) {
  entries_[file.path] = Entry{file, false, {}, std::move(why)};
}

Result<PluginCatalog::Class> PluginCatalog::find(const std::string& class_name) const {
  std::string names;
  std::optional<Class> alias;
  for (const auto& one : classes()) {
    if (one.connector->name == class_name) return one;
    if (!alias && answers_to(*one.connector, class_name)) alias = one;
    names += (names.empty() ? "" : ", ") + one.connector->name;
  }
  if (alias) return *alias;
  std::string text = "Failed to find any class that implements Connector and which name matches " +
                     class_name + ", available connectors are: " + (names.empty() ? "none" : names);
  for (const auto& problem : problems()) text += "; " + problem;
  return fail(Errc::kNotFound, std::move(text));
}

std::vector<PluginCatalog::Class> PluginCatalog::classes() const {
  std::vector<Class> all;
  for (const auto& [path, entry] : entries_) {
    for (const auto& connector : entry.definition.connectors)
      all.push_back({&entry.file, &entry.definition, &connector});
  }
  return all;
}

std::vector<std::string> PluginCatalog::problems() const {
  auto all = folder_problems_;
  for (const auto& [path, entry] : entries_) {
    if (entry.known) continue;
    const bool named = entry.refusal.starts_with(path + ": ");
    all.push_back(
        path + " was refused: " + (named ? entry.refusal.substr(path.size() + 2) : entry.refusal));
  }
  return all;
}

void PluginCatalog::load_cache() {
  std::ifstream in(cache_path_);
  std::string line;
  while (std::getline(in, line)) {
    const auto json = Json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    try {
      Entry entry;
      entry.file = {json.at("path").get<std::string>(), json.at("modified_ns").get<std::int64_t>(),
                    json.at("size_bytes").get<std::int64_t>(),
                    json.at("sha256").get<std::string>()};
      auto envelope = decode(json.at("definition").get<std::string>());
      if (!envelope || !std::holds_alternative<message::Definition>(envelope->body)) continue;
      entry.known = true;
      entry.definition = std::get<message::Definition>(std::move(envelope->body));
      auto path = entry.file.path;
      cached_[std::move(path)] = std::move(entry);
    } catch (const Json::exception&) {
      continue;  // a cache line of another version: the plugin is described anew
    }
  }
}

void PluginCatalog::save_cache() const {
  if (cache_path_.empty()) return;
  const auto temporary = cache_path_ + ".new";
  {
    std::ofstream out(temporary, std::ios::trunc);
    for (const auto& [path, entry] : entries_) {
      Envelope envelope;
      envelope.body = entry.definition;
      const auto text = encode(envelope);
      if (!entry.known || !text) continue;
      out << Json{{"path", path},
                  {"modified_ns", entry.file.modified_ns},
                  {"size_bytes", entry.file.size_bytes},
                  {"sha256", entry.file.sha256},
                  {"definition", *text}}
                 .dump()
          << '\n';
    }
    if (!out.flush())
      return;  // a cache that cannot be written costs time at the next start, no more
  }
  std::error_code ignored;
  std::filesystem::rename(temporary, cache_path_, ignored);
}

}  // namespace penstock::connect
