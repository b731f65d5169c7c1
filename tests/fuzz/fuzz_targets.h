#pragma once

#include "framework/log/directory_files.h"
#include "framework/log/epoch_cache.h"
#include "framework/log/producer_state.h"
#include "framework/log/segment_index.h"
#include "framework/record/batch.h"

// What a fuzzer calls, and what the corpus is run through: any bytes may come in, nothing but an
// answer or an error may come out.
namespace penstock::fuzz {

inline constexpr std::size_t kOutputMax = 1U << 20;

inline void batch(ByteView bytes) {
  const auto view = record::BatchView::parse(bytes);
  if (!view) return;
  const bool sound = view->crc_matches();
  static_cast<void>(sound);
  auto reader = record::RecordReader::open(*view, kOutputMax);
  if (!reader) return;
  record::RecordView record;
  while (true) {
    const auto more = reader->next(record);
    if (!more || !*more) break;
  }
  const auto marker = record::read_marker(*view);
  static_cast<void>(marker);
}

inline void decompress(ByteView bytes) {
  if (bytes.empty()) return;
  const auto codec = static_cast<record::Codec>(static_cast<unsigned>(bytes[0]) % 5);
  const auto plain = record::decompress(codec, bytes.subspan(1), kOutputMax);
  if (plain && plain->size() > kOutputMax) __builtin_trap();
}

inline void index(ByteView bytes) {
  const auto offsets = log::decode_offset_index(bytes, 1U << 30);
  const auto times = log::decode_time_index(bytes);
  static_cast<void>(offsets);
  static_cast<void>(times);
  log::ProducerState producers;
  const auto snapshot = producers.decode(bytes);
  static_cast<void>(snapshot);
  log::EpochCache epochs;
  const auto decoded = epochs.decode(as_text(bytes));
  static_cast<void>(decoded);
}

}  // namespace penstock::fuzz
