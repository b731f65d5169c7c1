#pragma once

#include <optional>
#include <string>

#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/log/file_system.h"

// What is left in a partition's directory when damage was met while the log was in use, so that the
// next open looks at that segment before the log takes appends again.
namespace penstock::log {

inline constexpr const char* kDamageNote = "damaged-segment";

/// Which segment, and for the reader what was wrong. Not synced: see sync_damage_note().
Status write_damage_note(FileSystem& system, const std::string& directory, Offset segment,
                         const std::string& what);
/// The base offset of the segment; nullopt when there is no note that can be read.
std::optional<Offset> read_damage_note(FileSystem& system, const std::string& directory);
/// Makes the note durable, if there is one. May block: not on a shard.
Status sync_damage_note(FileSystem& system, const std::string& directory);

}  // namespace penstock::log
