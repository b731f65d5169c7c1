#include <charconv>

#include "penstock/testing/harness.h"

namespace penstock::testing {
namespace {

template <class T>
void append_number(std::string& out, T x) {
  char buffer[64];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, x).ptr);
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
}

void append(std::string& out, const Schema* schema, const Value& value) {
  switch (value.type) {
    case Type::kNull:
      out += "null";
      return;
    case Type::kAbsent:
      out += "absent";
      return;
    case Type::kBool:
      out += value.b ? "true" : "false";
      return;
    case Type::kInt8:
    case Type::kInt16:
    case Type::kInt32:
    case Type::kInt64:
      append_number(out, value.i);
      return;
    case Type::kFloat32:
      append_number(out, static_cast<float>(value.d));
      return;
    case Type::kFloat64:
      append_number(out, value.d);
      return;
    case Type::kString:
      append_quoted(out, value.text());
      return;
    case Type::kBytes: {
      static constexpr char kHex[] = "0123456789abcdef";
      out += "x'";
      for (const char c : value.text()) {
        const auto byte = static_cast<unsigned char>(c);
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
      }
      out += '\'';
      return;
    }
    case Type::kArray:
      out += '[';
      for (std::size_t i = 0; i < value.size; ++i) {
        if (i != 0) out += ',';
        append(out, schema == nullptr ? nullptr : schema->items(), value.items[i]);
      }
      out += ']';
      return;
    case Type::kMap:
    case Type::kStruct: {
      const bool row = value.type == Type::kStruct;
      bool first = true;
      out += '{';
      for (std::size_t i = 0; i < value.size; i += row ? 1 : 2) {
        const Value& item = row ? value.items[i] : value.items[i + 1];
        if (row && item.type == Type::kAbsent) continue;
        if (!first) out += ',';
        first = false;
        const bool named = row && schema != nullptr && i < schema->fields().size();
        if (named) {
          append_quoted(out, schema->fields()[i].name);
        } else if (!row) {
          append(out, schema == nullptr ? nullptr : schema->keys(), value.items[i]);
        }
        out += ':';
        append(out,
               named                       ? schema->fields()[i].schema
               : !row && schema != nullptr ? schema->items()
                                           : nullptr,
               item);
      }
      out += '}';
      return;
    }
  }
}

}  // namespace

std::string to_text(const Schema* schema, const Value& value) {
  std::string out;
  append(out, schema, value);
  return out;
}

std::string to_text(const Record& record) {
  return std::string(record.topic) + " " + to_text(record.key_schema, record.key) + " " +
         to_text(record.value_schema, record.value);
}

}  // namespace penstock::testing
