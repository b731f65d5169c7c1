#include <algorithm>

#include "framework/log/checkpoint_file.h"
#include "framework/log/compaction.h"
#include "framework/log/header_walker.h"

namespace penstock::log {
namespace {

constexpr std::size_t kNameDigits = 20;

struct Name {
  Offset base;
  std::string kind;    // ".log"
  std::string suffix;  // ".swap" or nothing
};

std::optional<Name> parse_name(std::string_view name) {
  std::int64_t base = 0;
  if (name.size() <= kNameDigits || !parse_number(name.substr(0, kNameDigits), base) || base < 0)
    return std::nullopt;
  const std::string_view rest = name.substr(kNameDigits);
  const std::size_t dot = rest.find('.', 1);
  Name out{Offset(base), std::string(rest.substr(0, dot)),
           dot == std::string_view::npos ? "" : std::string(rest.substr(dot))};
  return out;
}

/// Behind the last offset of a segment that compaction wrote.
Result<Offset> end_of(FileSystem& system, const std::string& path, Offset base) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto file, system.open(path, OpenMode::kRead));
  PENSTOCK_ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  HeaderWalker walker(*file, 0, size);
  Offset end = base;
  while (true) {
    const auto more = walker.next();
    if (!more && more.error().code == Errc::kIo) return tl::make_unexpected(more.error());
    if (!more || (*more && walker.header().base_offset < end)) {
      return fail(Errc::kCorrupt, path + " at byte " + std::to_string(walker.position()) +
                                      ": damaged, though compaction had made it durable. Restore "
                                      "the file from a copy; or, if the segments from " +
                                      segment_stem("", base).substr(1) +
                                      ".log on are all there, remove it");
    }
    if (!*more) return end;
    end = walker.header().last_offset() + 1;
  }
}

Status rename_if_there(FileSystem& system, const std::string& from, const std::string& to) {
  return system.exists(from) ? system.rename(from, to) : Status();
}

}  // namespace

Status complete_swaps(FileSystem& system, const std::string& directory,
                      std::vector<std::string>& names, std::vector<std::string>& notes) {
  std::vector<Offset> swaps;
  std::vector<Name> segments;
  bool changed = false;
  for (const std::string& text : names) {
    const auto name = parse_name(text);
    if (!name) continue;
    if (name->suffix == kCleanedSuffix) {
      PENSTOCK_RETURN_IF_ERROR(system.remove(directory + "/" + text));
      changed = true;
    }
    if (name->suffix == kSwapSuffix && name->kind == ".log") swaps.push_back(name->base);
    if (name->suffix.empty() && name->kind == ".log") segments.push_back(*name);
  }
  // First all that is to go: a new segment must not lose its suffix while one that it stands for
  // may come back.
  for (const Offset base : swaps) {
    PENSTOCK_ASSIGN_OR_RETURN(
        const Offset end,
        end_of(system, segment_stem(directory, base) + ".log" + kSwapSuffix, base));
    for (const Name& old : segments) {
      if (old.base <= base || old.base >= end) continue;
      for (const char* kind : {".log", ".index", ".timeindex", ".txnindex", ".snapshot"}) {
        const std::string path = segment_stem(directory, old.base) + kind;
        PENSTOCK_RETURN_IF_ERROR(rename_if_there(system, path, path + ".deleted"));
      }
    }
  }
  if (!swaps.empty()) PENSTOCK_RETURN_IF_ERROR(system.sync_directory(directory));
  for (const std::string& text : names) {
    const auto name = parse_name(text);
    if (!name || name->suffix != kSwapSuffix || name->kind == ".log") continue;
    changed = true;
    const std::string stem = segment_stem(directory, name->base);
    if (name->kind == ".txnindex") {
      // It holds what the old one did and more, but for transactions of which no record is left.
      PENSTOCK_RETURN_IF_ERROR(system.rename(directory + "/" + text, stem + name->kind));
    } else {
      PENSTOCK_RETURN_IF_ERROR(system.remove(directory + "/" + text));
      if (system.exists(stem + name->kind))
        PENSTOCK_RETURN_IF_ERROR(system.remove(stem + name->kind));
    }
  }
  for (const Offset base : swaps) {
    const std::string stem = segment_stem(directory, base);
    // Made anew when they are needed: which log those that are there belong to is not known.
    for (const char* kind : {".index", ".timeindex"}) {
      if (system.exists(stem + kind)) PENSTOCK_RETURN_IF_ERROR(system.remove(stem + kind));
    }
    PENSTOCK_RETURN_IF_ERROR(system.rename(stem + ".log" + kSwapSuffix, stem + ".log"));
    notes.push_back(stem + ".log: completed a compaction that was interrupted");
  }
  if (!changed && swaps.empty()) return {};
  PENSTOCK_RETURN_IF_ERROR(system.sync_directory(directory));
  PENSTOCK_ASSIGN_OR_RETURN(names, system.list(directory));
  return {};
}

}  // namespace penstock::log
