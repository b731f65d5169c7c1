#include "framework/log/txn_index.h"

namespace penstock::log {
namespace {

constexpr std::size_t kEntryBytes = 34;
constexpr std::size_t kFileBytesMax = 256U << 20;

void encode(const ProducerState::Aborted& aborted, std::vector<std::byte>& out) {
  const std::size_t at = out.size();
  out.resize(at + kEntryBytes);
  store_be<std::int16_t>(out.data() + at, 0);
  store_be(out.data() + at + 2, aborted.producer_id.value);
  store_be(out.data() + at + 10, aborted.first.value);
  store_be(out.data() + at + 18, aborted.last.value);
  store_be(out.data() + at + 26, aborted.last_stable.value);
}

}  // namespace

Result<std::vector<ProducerState::Aborted>> read_txn_index(FileSystem& system,
                                                           const std::string& path) {
  std::vector<ProducerState::Aborted> all;
  if (!system.exists(path)) return all;
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, read_file(system, path, kFileBytesMax));
  const ByteView bytes = as_bytes(text);
  for (std::size_t at = 0; at + kEntryBytes <= bytes.size(); at += kEntryBytes) {
    const std::byte* entry = bytes.data() + at;
    if (load_be<std::int16_t>(entry) != 0)
      return fail(Errc::kUnsupported, path + ": entry of an unknown version");
    all.push_back(
        {ProducerId(load_be<std::int64_t>(entry + 2)), Offset(load_be<std::int64_t>(entry + 10)),
         Offset(load_be<std::int64_t>(entry + 18)), Offset(load_be<std::int64_t>(entry + 26))});
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
