#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::connect {

/// Connect's key of a source offset: ["connector",partition]. `partition` is JSON text and is kept
/// byte by byte: compaction compares bytes.
std::string offset_key(std::string_view connector, std::string_view partition);
/// Connector and partition text of such a key; nullopt for anything else.
std::optional<std::pair<std::string, std::string>> parse_offset_key(std::string_view key);

}  // namespace penstock::connect
