#include "connectors/file/file_source.h"

#include <algorithm>
#include <stdexcept>

namespace penstock::file {
namespace {

constexpr std::string_view kFields[] = {"position", "inode", "fingerprint", "fingerprint_bytes"};
constexpr std::size_t kInputsMax = 10'000;

/// A path as a JSON string. Paths are bytes; those that are not UTF-8 cannot be named in an offset.
std::string partition_json(const std::string& path) {
  if (!valid_utf8(path))
    throw std::runtime_error(path + ": the name is not UTF-8; rename the file");
  std::string out = "{\"filename\":";
  append_json(out, nullptr, Value::string(path));
  return out + "}";
}

std::int64_t number_or(const Value& value, std::int64_t otherwise) {
  return value.is_integer() ? value.i : otherwise;
}

}  // namespace

void FileSourceConnector::validate(const Config& config, Problems& problems) {
  if (config.text("on.eof") == "end" && !has_wildcard(config.text("file")) &&
      !TrackedFile::open(std::string(config.text("file")))) {
    problems.add(
        "file", std::string(config.text("file")) + ": no such file; with on.eof=end it must exist");
  }
}

void FileSourceConnector::tasks(const Config&, int, TaskConfigs& out) { out.add(); }

void FileSource::start(const Config& config, SourceContext& context) {
  context_ = &context;
  pattern_ = config.text("file");
  topic_ = config.text("topic");
  const std::string_view format = config.text("format");
  format_ = format == "csv" ? Format::kCsv : format == "ndjson" ? Format::kNdjson : Format::kLines;
  settings_.follow = config.text("on.eof") == "follow";
  settings_.line_bytes_max = static_cast<std::size_t>(config.number("line.bytes.max"));
  settings_.quoted = format_ == Format::kCsv;
  settings_.rotation_wait = std::chrono::milliseconds(config.number("rotation.wait.ms"));
  scan_interval_ = std::chrono::milliseconds(config.number("scan.interval.ms"));
  batch_ = static_cast<std::size_t>(config.number("batch.size"));
  header_ = config.flag("csv.header");
  settings_.delimiter =
      config.text("csv.delimiter") == "tab" ? '\t' : config.text("csv.delimiter")[0];
  text_ = context.schema({.type = Type::kString});
  cell_ = context.schema({.type = Type::kString, .optional = true});
  add_new_inputs();
  if (sources_.empty() && !settings_.follow)
    throw std::runtime_error("file=" + pattern_ + ": no file matches");
}

void FileSource::add_new_inputs() {
  scanned_ = std::chrono::steady_clock::now();
  for (const std::string& path : matching(pattern_)) add_input(path);
}

void FileSource::add_input(const std::string& path) {
  const std::uint32_t partition = context_->partition(partition_json(path), kFields);
  for (const auto& known : sources_) {
    if (known->partition == partition) return;
  }
  if (sources_.size() == kInputsMax)
    throw std::runtime_error("file=" + pattern_ +
                             ": more than 10000 files match; use a narrower pattern");
  auto log = [context = context_](const std::string& text) {
    context->log(LogLevel::kWarn, text);
    context->count("files.lost", 1);
  };
  auto made = std::make_unique<Source>(
      Source{partition, Input(path, settings_, std::move(log)), nullptr, false});
  if (const auto stored = context_->stored(partition); stored.size() == std::size(kFields)) {
    made->input.resume(
        {number_or(stored[0], 0),
         {number_or(stored[1], 0), number_or(stored[2], 0), number_or(stored[3], 0)}});
  } else if (has_wildcard(pattern_)) {
    if (auto older = rotated(path); !older.empty()) made->input.start_with(std::move(older));
  }
  sources_.push_back(std::move(made));
}

Polled FileSource::poll(Block& out) {
  if (settings_.follow && has_wildcard(pattern_) &&
      std::chrono::steady_clock::now() - scanned_ >= scan_interval_)
    add_new_inputs();
  std::size_t quiet = 0;
  while (quiet < sources_.size() && !out.full() && out.size() < batch_) {
    Source& source = *sources_[turn_ % sources_.size()];
    if (take(source, out)) {
      quiet = 0;
    } else {
      ++turn_;
      ++quiet;
    }
  }
  if (quiet < sources_.size()) {
    ++turn_;  // the next poll begins with another file
    return Polled::kMore;
  }
  if (settings_.follow) return Polled::kIdle;
  return Polled::kEnd;
}

bool FileSource::take(Source& source, Block& out) {
  auto line = source.input.next();
  if (!line) {
    if (source.input.missing() && !source.reported) {
      source.reported = true;
      if (!settings_.follow) throw std::runtime_error(pattern_ + ": no such file");
      context_->log(LogLevel::kWarn, pattern_ + ": no such file; waiting for it");
    }
    return false;
  }
  if (source.input.take_file_changed() && format_ == Format::kCsv) {
    const bool first = source.input.line_start() == 0;
    const auto header = first ? std::optional<std::string>(*line) : source.input.first_line();
    csv_header(source, header.value_or(""));
    if (first && header_) return true;
  }
  if (format_ != Format::kLines && line->empty()) return true;  // a blank line is no record
  Record& record = out.add();
  record.topic = topic_;
  const Place& place = source.input.place();
  const auto offset = out.values(std::size(kFields));
  offset[0] = Value::integer(place.position);
  offset[1] = Value::integer(place.identity.inode);
  offset[2] = Value::integer(place.identity.fingerprint);
  offset[3] = Value::integer(place.identity.fingerprint_bytes);
  record.source = {source.partition, offset};
  try {
    if (!valid_utf8(*line)) throw std::invalid_argument("not UTF-8");
    if (format_ == Format::kNdjson) {
      record.value = json_.parse(*line, out);
    } else if (format_ == Format::kCsv) {
      record.value_schema = source.row;
      record.value = csv_row(source, *line, out);
    } else {
      record.value_schema = text_;
      record.value = Value::string(out.copy(*line));
    }
  } catch (const std::invalid_argument& error) {
    record.value_schema = nullptr;
    record.value = Value::binary(out.copy(*line));
    throw RecordError(out.size() - 1, source.input.name() + ": the line at byte " +
                                          std::to_string(source.input.line_start()) + ": " +
                                          error.what());
  }
  return true;
}

void FileSource::csv_header(Source& source, std::string_view line) {
  std::vector<std::string> names;
  for (const CsvField& field : split_csv(line, settings_.delimiter))
    names.push_back(header_ ? csv_text(field) : "c" + std::to_string(names.size() + 1));
  std::vector<Field> fields;
  fields.reserve(names.size());
  for (const std::string& name : names) fields.push_back({name, cell_});
  try {
    source.row = context_->schema({.type = Type::kStruct, .fields = fields});
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(source.input.name() +
                             ": its header is no list of column names: " + error.what());
  }
}

Value FileSource::csv_row(const Source& source, std::string_view line, Block& out) const {
  const auto fields = split_csv(line, settings_.delimiter);
  const std::size_t columns = source.row->fields().size();
  if (fields.size() != columns) {
    throw std::invalid_argument(std::to_string(fields.size()) + " fields where the header has " +
                                std::to_string(columns));
  }
  const auto values = out.values(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    values[i] = fields[i].raw.empty() && !fields[i].quoted
                    ? Value::null()
                    : Value::string(out.copy(csv_text(fields[i])));
  }
  return Value::row(values);
}

}  // namespace penstock::file
