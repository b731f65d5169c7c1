#include "tests/fuzz/seeds.h"

#include "framework/log/directory_files.h"
#include "framework/log/epoch_cache.h"
#include "framework/log/producer_state.h"
#include "framework/log/segment_index.h"
#include "framework/protocol/request_header.h"
#include "framework/record/batch.h"
#include "tests/fuzz/wire_targets.h"

namespace penstock::fuzz {
namespace {

using Bytes = std::vector<std::byte>;

constexpr int kCodecs = 5;
constexpr std::size_t kTransactionEntryBytes = 34;
constexpr std::size_t kBesideUnitBytes = 8;

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

Bytes batch_of(const record::BatchBuilder::Options& options, std::int64_t base, int records) {
  record::BatchBuilder builder(options);
  const record::HeaderView headers[] = {{"header", "value"}, {"", std::nullopt}};
  for (int i = 0; i < records; ++i) {
    builder.add(1000 + i, "key", "a value that repeats a value that repeats");
    if (i % 7 == 3) builder.add(1000 + i, "key", std::nullopt, headers);
  }
  return builder.finish(Offset(base));
}

Bytes marker_of(record::BatchBuilder::Options options, std::int64_t base, bool commit) {
  options.control = true;
  options.base_sequence = -1;
  record::BatchBuilder builder(options);
  constexpr std::string_view kAbortKey("\0\0\0\0", 4);
  constexpr std::string_view kCommitKey("\0\0\0\1", 4);
  builder.add(2000, commit ? kCommitKey : kAbortKey, std::string_view("\0\0\0\0\0\7", 6));
  return builder.finish(Offset(base));
}

record::BatchBuilder::Options transactional() {
  record::BatchBuilder::Options options;
  options.producer_id = ProducerId(7);
  options.producer_epoch = ProducerEpoch(1);
  options.base_sequence = 0;
  options.transactional = true;
  return options;
}

std::vector<Seed> batches() {
  std::vector<Seed> all;
  for (int codec = 0; codec < kCodecs; ++codec) {
    record::BatchBuilder::Options options;
    options.codec = static_cast<record::Codec>(codec);
    all.push_back({"codec-" + std::to_string(codec), batch_of(options, 0, 20)});
  }
  all.push_back({"abort-marker", marker_of(transactional(), 5, false)});
  return all;
}

std::vector<Seed> compressed() {
  std::vector<Seed> all;
  for (int codec = 0; codec < kCodecs; ++codec) {
    const Bytes plain = bytes_of("text that repeats text that repeats text that repeats, and ends");
    Bytes bytes{static_cast<std::byte>(codec)};
    const auto packed = record::compress(static_cast<record::Codec>(codec), plain);
    if (packed) bytes.insert(bytes.end(), packed->begin(), packed->end());
    all.push_back({"codec-" + std::to_string(codec), std::move(bytes)});
  }
  return all;
}

std::vector<Seed> indexes() {
  Bytes offsets;
  Bytes times;
  log::ProducerState producers;
  log::EpochCache epochs;
  for (std::uint32_t i = 1; i < 6; ++i) {
    encode_entry(log::OffsetEntry{10 * i, 100 * i}, offsets);
    encode_entry(log::TimeEntry{1000 + i, 10 * i}, times);
    epochs.assign(LeaderEpoch(static_cast<std::int32_t>(i)), Offset(10 * i));
    record::BatchHeader header;
    header.base_offset = Offset(10 * i);
    header.producer_id = ProducerId(i);
    header.producer_epoch = ProducerEpoch(0);
    header.base_sequence = 0;
    if (i == 3) header.attributes = 0x10;
    static_cast<void>(producers.appended(header, std::nullopt, -1));
  }
  return {{"offsets", offsets},
          {"times", times},
          {"epochs", bytes_of(epochs.encode())},
          {"snapshot", producers.encode()}};
}

std::vector<Seed> small_files() {
  log::MetaProperties meta;
  meta.cluster_id = "abcdefghijklmnopqrstug";
  meta.node_id = "1";
  meta.directory_id = {1, 2};
  Bytes transactions(2 * kTransactionEntryBytes);
  transactions[kTransactionEntryBytes - 1] = std::byte{9};
  return {{"offsets",
           bytes_of(log::format_offsets({{{"events", 0}, Offset(5)}, {{"events", 1}, Offset(6)}}))},
          {"meta-properties", bytes_of(log::format_meta_properties(meta))},
          {"partition-metadata", bytes_of(log::format_partition_metadata({1, 2}))},
          {"boot-record", bytes_of(log::format_boot_record({"boot", {{"events", 0}}}))},
          {"damage-note", bytes_of("42\nsegment 42 at byte 8192: crc mismatch\n")},
          {"transaction-index", transactions}};
}

/// As log_targets.h says.
std::vector<Seed> segments() {
  std::vector<Seed> all;
  Bytes log = batch_of({}, 0, 2);
  const std::size_t second = log.size();
  const auto add = [&log](const Bytes& more) { log.insert(log.end(), more.begin(), more.end()); };
  record::BatchBuilder::Options zipped;
  zipped.codec = record::Codec::kLz4;
  add(batch_of(zipped, 2, 3));
  add(batch_of(transactional(), 5, 2));
  add(marker_of(transactional(), 7, false));
  for (unsigned flags = 0; flags < 16; ++flags) {
    Bytes bytes{static_cast<std::byte>(flags | 0x80), std::byte{1}};
    encode_entry(log::OffsetEntry{4, static_cast<std::uint32_t>(second)}, bytes);
    bytes.insert(bytes.end(), log.begin(), log.end());
    all.push_back({"flags-" + std::to_string(flags), std::move(bytes)});
  }
  // The files that may lie beside it: zeros behind an index, and in front of a number, mean
  // nothing.
  unsigned kind = 0;
  for (const Seed& beside : indexes()) {
    Bytes bytes = beside.bytes;
    while (bytes.size() % (2 * log::TimeEntry::kBytes) != 0) {
      if (beside.name == "epochs")
        bytes.insert(bytes.begin(), std::byte{'0'});
      else
        bytes.push_back(std::byte{0});
    }
    const auto units = static_cast<unsigned>(bytes.size() / kBesideUnitBytes);
    bytes.insert(bytes.begin(), {std::byte{0x80}, static_cast<std::byte>(kind << 6 | units)});
    bytes.insert(bytes.end(), log.begin(), log.end());
    all.push_back({"beside-" + beside.name, std::move(bytes)});
    ++kind;
  }
  return all;
}

std::vector<Seed> requests() {
  std::vector<Seed> all;
  for (const WireMessage& message : wire_messages()) {
    for (std::int16_t version = 0; version <= kVersionMax; ++version) {
      const bool flexible = protocol::is_flexible(message.api, version);
      Bytes bytes;
      protocol::write_request_header(bytes, {message.api, version, 1, "fuzz", 0});
      const Bytes body = message.make(static_cast<std::uint64_t>(version), version, flexible);
      bytes.insert(bytes.end(), body.begin(), body.end());
      all.push_back({std::string(to_string(message.api)) + "-" + std::to_string(version) +
                         (message.request ? "-request" : "-response"),
                     std::move(bytes)});
    }
  }
  return all;
}

std::vector<Seed> property_files() {
  return {{"every-form", bytes_of("# comment\n! too\nkey=value\nother : text\\\n   goes "
                                  "on\n\\u0041=\\t\\n\nempty\nlist=a,b\\,c\r\nspaces   x y \n"
                                  "size=64KiB\nwait=5s\nflag=TRUE\nreal=-1.5e3\nnumber=-7\n"
                                  "pair=\\uD83D\\uDE00\n")}};
}

}  // namespace

std::vector<Seed> seeds(std::string_view target) {
  if (target == "batch") return batches();
  if (target == "decompress") return compressed();
  if (target == "index") return indexes();
  if (target == "checkpoint") return small_files();
  if (target == "segment") return segments();
  if (target == "wire" || target == "wire_everywhere") return requests();
  if (target == "properties") return property_files();
  return {};
}

}  // namespace penstock::fuzz
