#include "framework/log/damage_note.h"

#include <memory>
#include <string_view>

#include "framework/log/checkpoint_file.h"

namespace penstock::log {
namespace {

constexpr std::size_t kNoteBytesMax = 64U << 10;

std::string path_in(const std::string& directory) { return directory + "/" + kDamageNote; }

}  // namespace

Status write_damage_note(FileSystem& system, const std::string& directory, Offset segment,
                         const std::string& what) {
  std::shared_ptr<File> written;
  return replace_file(system, path_in(directory),
                      std::to_string(segment.value) + "\n" + what + "\n", written);
}

std::optional<Offset> read_damage_note(FileSystem& system, const std::string& directory) {
  const auto text = read_file(system, path_in(directory), kNoteBytesMax);
  std::int64_t base = 0;
  if (!text || !parse_number(std::string_view(*text).substr(0, text->find('\n')), base))
    return std::nullopt;
  return Offset(base);
}

Status sync_damage_note(FileSystem& system, const std::string& directory) {
  const auto file = system.open(path_in(directory), OpenMode::kReadWrite);
  if (!file && file.error().code == Errc::kNotFound) return {};
  if (!file) return tl::make_unexpected(file.error());
  PENSTOCK_RETURN_IF_ERROR((*file)->sync());
  return system.sync_directory(directory);
}

}  // namespace penstock::log
