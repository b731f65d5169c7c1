#pragma once
// FileSource: lines, NDJSON and CSV from files that grow and rotate. Sink and source are at least
// once by themselves; offsets are the byte behind each record.

#include <memory>
#include <string>
#include <vector>

#include "connectors/file/input.h"
#include "connectors/file/json.h"
#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace penstock::file {

class FileSource final : public SourceTask {
 public:
  void start(const Config& config, SourceContext& context) override;
  Polled poll(Block& out) override;

 private:
  enum class Format : std::uint8_t { kLines, kNdjson, kCsv };
  struct Source {
    std::uint32_t partition = 0;
    Input input;
    const Schema* row = nullptr;  // CSV
    bool reported = false;
  };
  void add_new_inputs();
  void add_input(const std::string& path);
  /// False: nothing more from this one now.
  bool take(Source& source, Block& out);
  void csv_header(Source& source, std::string_view line);
  Value csv_row(const Source& source, std::string_view line, Block& out) const;

  SourceContext* context_ = nullptr;
  std::string pattern_, topic_;
  Format format_ = Format::kLines;
  InputSettings settings_;
  std::size_t batch_ = 0;
  bool header_ = true;
  std::chrono::milliseconds scan_interval_{};
  std::chrono::steady_clock::time_point scanned_{};
  const Schema* text_ = nullptr;
  const Schema* cell_ = nullptr;
  JsonLines json_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::size_t turn_ = 0;
};

class FileSourceConnector final : public Connector {
 public:
  void validate(const Config& config, Problems& problems) override;
  void tasks(const Config& config, int max, TaskConfigs& out) override;
};

/// Fields of one CSV record without its line end; a quoted field has its quotes undone. Throws
/// std::invalid_argument.
struct CsvField {
  std::string_view raw;  // inside the quotes, doubled quotes not yet undone
  bool quoted = false;
};
std::vector<CsvField> split_csv(std::string_view line, char delimiter);
std::string csv_text(const CsvField& field);

inline constexpr ConfigKey kSourceKeys[] = {
    {ConfigKey::kString, "file", nullptr,
     "Path of the input, or a pattern with *, ? and [] for several. Rotated names (a.log.1 beside "
     "a.log) are found by themselves.",
     nullptr, nullptr, 0, 0, nullptr, ConfigKey::kHigh},
    {ConfigKey::kString, "topic", nullptr, "Topic of all records.", nullptr,
     "[a-zA-Z0-9._-]{1,249}", 0, 0, nullptr, ConfigKey::kHigh},
    {ConfigKey::kString, "format", "lines",
     "lines: a string a line. ndjson: one JSON value a line. csv: a struct of strings, named by "
     "the header.",
     "lines|ndjson|csv", nullptr, 0, 0, nullptr, ConfigKey::kHigh},
    {ConfigKey::kString, "on.eof", "follow",
     "follow: wait for more, through rotations. end: the input is finite; a last line needs no "
     "line end.",
     "follow|end", nullptr, 0, 0, nullptr, ConfigKey::kMedium},
    {ConfigKey::kInt, "batch.size", "2000", "Records of one poll at most.", nullptr, nullptr, 1,
     1'000'000, nullptr, ConfigKey::kLow},
    {ConfigKey::kBytes, "line.bytes.max", "1MiB", "A longer line fails the task.", nullptr, nullptr,
     1, 512.0 * 1024 * 1024, nullptr, ConfigKey::kLow},
    {ConfigKey::kBool, "csv.header", "true",
     "The first record of each file names the columns; otherwise they are c1, c2, ...", nullptr,
     nullptr, 0, 0, nullptr, ConfigKey::kMedium, "CSV"},
    {ConfigKey::kString, "csv.delimiter", ",", "One character, or tab.", nullptr, "[^\"\r\n]|tab",
     0, 0, nullptr, ConfigKey::kLow, "CSV"},
    {ConfigKey::kDuration, "scan.interval.ms", "1s", "How often a pattern is looked up again.",
     nullptr, nullptr, 10, 86'400'000, nullptr, ConfigKey::kLow},
    {ConfigKey::kDuration, "rotation.wait.ms", "1s",
     "A renamed file is left when it was silent for so long.", nullptr, nullptr, 0, 3'600'000,
     nullptr, ConfigKey::kLow},
};
inline constexpr ConnectorDescriptor kSource =
    with_connector<FileSourceConnector>(source<FileSource>(
        "FileSource", "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "Reads lines, JSON lines or CSV from files that grow and rotate.", kSourceKeys));

}  // namespace penstock::file
