#include "framework/config/properties.h"

#include <cerrno>
#include <cstdio>
#include <memory>

namespace penstock::config {
namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

/// Four hex digits at `at`, or -1.
int hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  int out = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    out = out * 16 + digit;
  }
  return out;
}

Result<std::string> unescape(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out += raw[i];
      continue;
    }
    if (++i == raw.size()) break;
    switch (raw[i]) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u': {
        const int unit = hex4(raw, i + 1);
        if (unit < 0) return fail(Errc::kInvalid, "\\u needs four hexadecimal digits");
        i += 4;
        auto code = static_cast<std::uint32_t>(unit);
        if (code >= 0xD800 && code < 0xDC00) {
          const int low = raw.substr(i + 1, 2) == "\\u" ? hex4(raw, i + 3) : -1;
          if (low < 0xDC00 || low > 0xDFFF) return fail(Errc::kInvalid, "half of a surrogate pair");
          code = 0x10000 + ((code - 0xD800) << 10) + (static_cast<std::uint32_t>(low) - 0xDC00);
          i += 6;
        } else if (code >= 0xDC00 && code < 0xE000) {
          return fail(Errc::kInvalid, "half of a surrogate pair");
        }
        append_utf8(out, code);
        break;
      }
      default:
        out += raw[i];
    }
  }
  return out;
}

/// Takes natural lines off the front; knows CR, LF and CRLF.
struct Lines {
  std::string_view rest;
  int number = 0;

  std::string_view next() {
    ++number;
    const std::size_t end = rest.find_first_of("\r\n");
    const std::string_view line = rest.substr(0, end);
    if (end == std::string_view::npos) {
      rest = {};
    } else {
      rest.remove_prefix(end + (rest.substr(end, 2) == "\r\n" ? 2 : 1));
    }
    return line;
  }
};

std::string_view without_indent(std::string_view line) {
  while (!line.empty() && blank(line.front())) line.remove_prefix(1);
  return line;
}

bool continues(std::string_view line) {
  std::size_t slashes = 0;
  while (slashes < line.size() && line[line.size() - 1 - slashes] == '\\') ++slashes;
  return slashes % 2 == 1;
}

Status add_line(std::string_view line, Map& out) {
  std::size_t end = 0;
  while (end < line.size() && !blank(line[end]) && line[end] != '=' && line[end] != ':') {
    end += line[end] == '\\' && end + 1 < line.size() ? 2 : 1;
  }
  std::size_t value = end;
  while (value < line.size() && blank(line[value])) ++value;
  if (value < line.size() && (line[value] == '=' || line[value] == ':')) ++value;
  while (value < line.size() && blank(line[value])) ++value;
  PENSTOCK_ASSIGN_OR_RETURN(auto name, unescape(line.substr(0, end)));
  PENSTOCK_ASSIGN_OR_RETURN(out[name], unescape(line.substr(value)));
  return {};
}

}  // namespace

Result<Map> parse_properties(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.find('\0') != std::string_view::npos)
    return fail(Errc::kInvalid, "holds a zero byte: not a text file");
  Map out;
  Lines lines{text};
  while (!lines.rest.empty()) {
    std::string line(without_indent(lines.next()));
    const int first = lines.number;
    if (line.empty() || line[0] == '#' || line[0] == '!') continue;
    while (continues(line)) {
      line.pop_back();
      if (lines.rest.empty()) break;
      line += without_indent(lines.next());
    }
    if (line.empty()) continue;
    if (auto added = add_line(line, out); !added) {
      return tl::make_unexpected(added.error().in("line " + std::to_string(first)));
    }
  }
  return out;
}

Result<Map> load_properties(const std::string& path) {
  const auto close = [](std::FILE* f) { std::fclose(f); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rbe"), close);
  if (!file) return fail_errno(errno, path);
  std::string text;
  char buffer[16 * 1024];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, file.get())) {
    text.append(buffer, got);
    if (text.size() > kPropertiesBytesMax)
      return fail(Errc::kTooLarge, path + ": larger than 1 MiB: not a properties file");
  }
  if (std::ferror(file.get()) != 0) return fail_errno(errno, path);
  auto map = parse_properties(text);
  if (!map) return tl::make_unexpected(map.error().in(path));
  return map;
}

}  // namespace penstock::config
