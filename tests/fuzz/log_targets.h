#pragma once

#include "framework/base/bytes.h"

// Batches and the files of a log directory as a fuzzer calls them: any bytes may come in, nothing
// but an answer or an error may come out. Where a checksum stands in the way, it is made right and
// the bytes are tried again.
namespace penstock::fuzz {

/// A record batch: header, records, marker, and the codecs its records may be rewritten with.
void batch(ByteView bytes);
/// The first byte chooses the codec.
void decompress(ByteView bytes);
/// Offset index, time index, producer snapshot, leader epochs.
void index(ByteView bytes);
/// The small files that are read whole: checkpoints, meta.properties and the like.
void checkpoint(ByteView bytes);
/// A segment that a whole log is opened on, read, appended to, compacted and truncated. The first
/// byte says how the last process stopped, the second which other file there is (index, time and
/// transaction index, leader epochs, producer snapshot) and how many times 8 bytes of it follow.
void segment(ByteView bytes);

}  // namespace penstock::fuzz
