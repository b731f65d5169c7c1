#include <algorithm>
#include <stdexcept>

#include "connectors/file/file_source.h"

namespace penstock::file {

std::vector<CsvField> split_csv(std::string_view line, char delimiter) {
  std::vector<CsvField> out;
  std::size_t at = 0;
  while (true) {
    if (at < line.size() && line[at] == '"') {
      const std::size_t from = ++at;
      while (at < line.size() && (line[at] != '"' || (at + 1 < line.size() && line[at + 1] == '"')))
        at += line[at] == '"' ? 2 : 1;
      if (at >= line.size()) throw std::invalid_argument("a quoted field has no end");
      out.push_back({line.substr(from, at - from), true});
      ++at;
      if (at < line.size() && line[at] != delimiter)
        throw std::invalid_argument("text behind a closing quote");
    } else {
      const std::size_t end = std::min(line.find(delimiter, at), line.size());
      out.push_back({line.substr(at, end - at), false});
      at = end;
    }
    if (at >= line.size()) return out;
    ++at;
  }
}

std::string csv_text(const CsvField& field) {
  std::string out;
  for (std::size_t i = 0; i < field.raw.size(); ++i) {
    out += field.raw[i];
    if (field.quoted && field.raw[i] == '"') ++i;
  }
  return out;
}

}  // namespace penstock::file
