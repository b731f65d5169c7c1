#include "framework/log/txn_index.h"

namespace penstock::log {
namespace {

constexpr std::size_t kEntryBytes = 34;
constexpr std::size_t kFileBytesMax = 256U << 20;
constexpr std::size_t kEntriesAtOnce = 64;

void encode(const ProducerState::Aborted& aborted, std::vector<std::byte>& out) {
  const std::size_t at = out.size();
  out.resize(at + kEntryBytes);
  store_be<std::int16_t>(out.data() + at, 0);
  store_be(out.data() + at + 2, aborted.producer_id.value);
  store_be(out.data() + at + 10, aborted.first.value);
  store_be(out.data() + at + 18, aborted.last.value);
  store_be(out.data() + at + 26, aborted.last_stable.value);
}

Result<ProducerState::Aborted> decode(const std::byte* entry, const std::string& path) {
  if (load_be<std::int16_t>(entry) != 0)
    return fail(Errc::kUnsupported, path + ": entry of an unknown version");
  return ProducerState::Aborted{
      ProducerId(load_be<std::int64_t>(entry + 2)), Offset(load_be<std::int64_t>(entry + 10)),
      Offset(load_be<std::int64_t>(entry + 18)), Offset(load_be<std::int64_t>(entry + 26))};
}

Result<ProducerState::Aborted> read_entry(const File& file, std::uint64_t index) {
  std::byte bytes[kEntryBytes];
  PENSTOCK_ASSIGN_OR_RETURN(const std::size_t got, file.read_at(index * kEntryBytes, bytes));
  if (got < sizeof bytes) return fail(Errc::kCorrupt, file.path() + " ends early");
  return decode(bytes, file.path());
}

}  // namespace

Result<bool> find_in_txn_index(FileSystem& system, const std::string& path, Offset from, Offset to,
                               std::vector<ProducerState::Aborted>& found) {
  const auto file = system.open(path, OpenMode::kRead);
  if (!file && file.error().code == Errc::kNotFound) return false;
  if (!file) return tl::make_unexpected(file.error());
  PENSTOCK_ASSIGN_OR_RETURN(const std::uint64_t size, (*file)->size());
  // The first one that ends at or beyond `from`: they are in the order of their markers.
  std::uint64_t next = 0;
  const std::uint64_t count = size / kEntryBytes;
  for (std::uint64_t end = count; next < end;) {
    const std::uint64_t middle = next + (end - next) / 2;
    PENSTOCK_ASSIGN_OR_RETURN(const auto one, read_entry(**file, middle));
    if (one.last < from)
      next = middle + 1;
    else
      end = middle;
  }
  std::byte bytes[kEntriesAtOnce * kEntryBytes];
  while (next < count) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::size_t got, (*file)->read_at(next * kEntryBytes, bytes));
    if (got < kEntryBytes) return fail(Errc::kCorrupt, path + " ends early");
    for (std::size_t at = 0; at + kEntryBytes <= got; at += kEntryBytes, ++next) {
      PENSTOCK_ASSIGN_OR_RETURN(const auto one, decode(bytes + at, path));
      if (one.last >= from && one.first < to) found.push_back(one);
      // Transactions that end later began at or beyond this one's last stable offset.
      if (one.last_stable >= to) return true;
    }
  }
  return false;
}

Result<std::vector<ProducerState::Aborted>> read_txn_index(FileSystem& system,
                                                           const std::string& path) {
  std::vector<ProducerState::Aborted> all;
  if (!system.exists(path)) return all;
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, read_file(system, path, kFileBytesMax));
  const ByteView bytes = as_bytes(text);
  for (std::size_t at = 0; at + kEntryBytes <= bytes.size(); at += kEntryBytes) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto one, decode(bytes.data() + at, path));
    all.push_back(one);
  }
  return all;
}

Status append_txn_index(File& file, const ProducerState::Aborted& aborted) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::uint64_t size, file.size());
  std::vector<std::byte> bytes;
  encode(aborted, bytes);
  return file.write_at(size - size % kEntryBytes, bytes);
}

Status rewrite_txn_index(FileSystem& system, const std::string& path,
                         const std::vector<ProducerState::Aborted>& all) {
  if (all.empty() && !system.exists(path)) return {};
  PENSTOCK_ASSIGN_OR_RETURN(const auto file, system.open(path, OpenMode::kCreate));
  PENSTOCK_RETURN_IF_ERROR(file->truncate(0));
  std::vector<std::byte> bytes;
  for (const ProducerState::Aborted& aborted : all) encode(aborted, bytes);
  return file->write_at(0, bytes);
}

}  // namespace penstock::log
