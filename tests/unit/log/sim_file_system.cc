#include "tests/unit/log/sim_file_system.h"

#include <algorithm>

namespace penstock::log::testing {
namespace {

constexpr std::uint64_t kPageBytes = 512;

class SimFile final : public File {
 public:
  SimFile(SimFileSystem& system, std::shared_ptr<SimFileSystem::Inode> inode, std::string path)
      : system_(system), inode_(std::move(inode)), path_(std::move(path)) {
    ++system_.open_files;
  }
  ~SimFile() override { --system_.open_files; }
  SimFile(const SimFile&) = delete;
  SimFile& operator=(const SimFile&) = delete;

  Result<std::size_t> read_at(std::uint64_t position, ByteSpan into) const override {
    const auto& bytes = inode_->now;
    if (position >= bytes.size()) return std::size_t{0};
    const std::size_t n = std::min<std::size_t>(into.size(), bytes.size() - position);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(position), n, into.begin());
    system_.bytes_read += n;
    return n;
  }
  Status write_at(std::uint64_t position, ByteView from) override {
    PENSTOCK_RETURN_IF_ERROR(system_.change(path_));
    const std::uint64_t end = position + from.size();
    const std::uint64_t more = end > inode_->now.size() ? end - inode_->now.size() : 0;
    const std::uint64_t used = system_.used_bytes();
    if (more > 0 && used + more > system_.bytes_max) {
      const std::uint64_t fits = system_.bytes_max > used ? system_.bytes_max - used : 0;
      inode_->now.resize(inode_->now.size() + fits, std::byte{0xEE});
      return fail(Errc::kStorageFull, "write " + path_ + ": no space left");
    }
    if (end > inode_->now.size()) inode_->now.resize(end);
    std::copy(from.begin(), from.end(),
              inode_->now.begin() + static_cast<std::ptrdiff_t>(position));
    return {};
  }
  Status truncate(std::uint64_t size) override {
    PENSTOCK_RETURN_IF_ERROR(system_.change(path_));
    inode_->now.resize(size);
    return {};
  }
  Status reserve(std::uint64_t) override { return {}; }
  Status sync() override {
    PENSTOCK_RETURN_IF_ERROR(system_.change(path_));
    if (system_.fail_sync) return fail(Errc::kIo, "fdatasync " + path_ + ": input/output error");
    inode_->durable = inode_->now;
    return {};
  }
  Result<std::uint64_t> size() const override { return inode_->now.size(); }
  int fd() const override { return -1; }
  const std::string& path() const override { return path_; }

 private:
  SimFileSystem& system_;
  std::shared_ptr<SimFileSystem::Inode> inode_;
  std::string path_;
};

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
bool below(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.compare(0, directory.size(), directory) == 0 &&
         path[directory.size()] == '/';
}

}  // namespace

Result<std::unique_ptr<File>> SimFileSystem::open(const std::string& path, OpenMode mode) {
  const auto found = files.find(path);
  if (found != files.end()) {
    if (mode == OpenMode::kCreateNew) return fail(Errc::kExists, path);
    ++opens[path];
    return std::make_unique<SimFile>(*this, found->second, path);
  }
  if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite)
    return fail(Errc::kNotFound, "open " + path + ": no such file");
  if (used_bytes() >= bytes_max)
    return fail(Errc::kStorageFull, "open " + path + ": no space left");
  PENSTOCK_RETURN_IF_ERROR(change(path));
  auto inode = std::make_shared<Inode>();
  files[path] = inode;
  return std::make_unique<SimFile>(*this, std::move(inode), path);
}

Status SimFileSystem::change(const std::string& what) {
  if (operations_left == 0) return fail(Errc::kIo, what + ": the process is dead");
  if (operations_left != UINT64_MAX) --operations_left;
  ++operations;
  return {};
}

Status SimFileSystem::rename(const std::string& from, const std::string& to) {
  PENSTOCK_RETURN_IF_ERROR(change(from));
  const auto found = files.find(from);
  if (directories_.erase(from) > 0) {
    directories_.insert(to);
    std::map<std::string, std::shared_ptr<Inode>> moved;
    for (const auto& [name, inode] : files)
      moved[below(name, from) ? to + name.substr(from.size()) : name] = inode;
    files = std::move(moved);
    return {};
  }
  if (found == files.end()) return fail(Errc::kNotFound, "rename " + from);
  renames_.push_back({from, to, found->second});
  files[to] = found->second;
  files.erase(from);
  return {};
}

Status SimFileSystem::remove(const std::string& path) {
  PENSTOCK_RETURN_IF_ERROR(change(path));
  if (files.erase(path) == 0) return fail(Errc::kNotFound, "remove " + path);
  return {};
}

Status SimFileSystem::remove_tree(const std::string& path) {
  std::erase_if(files,
                [&](const auto& item) { return item.first == path || below(item.first, path); });
  directories_.erase(path);
  return {};
}

Status SimFileSystem::create_directories(const std::string& path) {
  directories_.insert(path);
  return {};
}

Status SimFileSystem::sync_directory(const std::string& path) {
  PENSTOCK_RETURN_IF_ERROR(change(path));
  if (fail_sync) return fail(Errc::kIo, "fsync " + path);
  std::erase_if(renames_, [&](const Rename& one) { return parent_of(one.to) == path; });
  std::erase_if(durable_names_, [&](const auto& item) { return parent_of(item.first) == path; });
  for (const auto& [name, inode] : files) {
    if (parent_of(name) == path) durable_names_[name] = inode;
  }
  return {};
}

Result<std::vector<std::string>> SimFileSystem::list(const std::string& path) const {
  std::set<std::string> names;
  for (const auto& [name, inode] : files) {
    if (below(name, path))
      names.insert(name.substr(path.size() + 1, name.find('/', path.size() + 1) - path.size() - 1));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

bool SimFileSystem::exists(const std::string& path) const {
  if (files.contains(path) || directories_.contains(path)) return true;
  return std::any_of(files.begin(), files.end(),
                     [&](const auto& item) { return below(item.first, path); });
}

Result<std::unique_ptr<File>> SimFileSystem::lock(const std::string& path) {
  return open(path, OpenMode::kCreate);
}

Result<FileStatus> SimFileSystem::status(const std::string& path) const {
  const auto found = files.find(path);
  if (found == files.end()) return fail(Errc::kNotFound, path);
  return FileStatus{found->second->now.size(), 0};
}

Result<std::uint64_t> SimFileSystem::free_bytes(const std::string&) const {
  const std::uint64_t used = used_bytes();
  return bytes_max > used ? bytes_max - used : 0;
}

std::uint64_t SimFileSystem::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [name, inode] : files) used += inode->now.size();
  return used;
}

void SimFileSystem::lose_power(std::mt19937_64& random) {
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  std::map<std::string, std::shared_ptr<Inode>> kept = durable_names_;
  // Each name change since the last directory sync is kept or lost by itself.
  for (const auto& [name, inode] : files) {
    const auto old = durable_names_.find(name);
    if ((old == durable_names_.end() || old->second != inode) && chance(50)) kept[name] = inode;
  }
  for (const auto& [name, inode] : durable_names_) {
    if (!files.contains(name) && chance(50)) kept.erase(name);
  }
  for (const Rename& one : renames_) {
    // The old name may have been reused since, the new one replaced.
    const auto to = kept.find(one.to);
    const auto from = kept.find(one.from);
    const bool has_new = to != kept.end() && to->second == one.inode;
    const bool has_old = from != kept.end() && from->second == one.inode;
    if (has_new && has_old) kept.erase(from);
    if (!has_new && !has_old && files.contains(one.to) && files.at(one.to) == one.inode &&
        durable_names_.contains(one.from) && durable_names_.at(one.from) == one.inode &&
        !kept.contains(one.from)) {
      kept[one.from] = one.inode;
    }
  }
  renames_.clear();
  std::set<Inode*> done;
  for (const auto& [name, inode] : kept) {
    if (!done.insert(inode.get()).second || inode->now == inode->durable) continue;
    std::vector<std::byte> after = inode->durable;
    const auto& now = inode->now;
    // Pages go to the disk in any order; the size may be ahead of them, which leaves zeros.
    if (now.size() > after.size() || chance(50))
      after.resize(after.size() > now.size()
                       ? now.size()
                       : after.size() + random() % (now.size() - after.size() + 1));
    for (std::uint64_t at = 0; at < after.size(); at += kPageBytes) {
      const std::uint64_t end =
          std::min<std::uint64_t>({after.size(), now.size(), at + kPageBytes});
      if (at >= end || !chance(70)) continue;
      std::copy(now.begin() + static_cast<std::ptrdiff_t>(at),
                now.begin() + static_cast<std::ptrdiff_t>(end),
                after.begin() + static_cast<std::ptrdiff_t>(at));
    }
    inode->now = inode->durable = std::move(after);
  }
  files = kept;
  durable_names_ = kept;
}

void SimFileSystem::tear_last_write(const std::string& path, std::uint64_t bytes) {
  auto& now = files.at(path)->now;
  now.resize(now.size() - std::min<std::uint64_t>(bytes, now.size()));
}

}  // namespace penstock::log::testing
