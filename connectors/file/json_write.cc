#include <charconv>
#include <cmath>
#include <stdexcept>

#include "connectors/file/json.h"

namespace penstock::file {
namespace {

template <class T>
void append_number(std::string& out, T x) {
  char buffer[64];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, x).ptr);
}

template <class T>
void append_real(std::string& out, T x) {
  if (!std::isfinite(x)) throw std::invalid_argument("NaN and infinities do not exist in JSON");
  const std::size_t from = out.size();
  append_number(out, x);
  if (out.find_first_of(".e", from) == std::string::npos) out += ".0";
}

void append_text(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  if (!valid_utf8(text)) throw std::invalid_argument("a string is not UTF-8");
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[c >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_base64(std::string& out, std::string_view bytes) {
  static constexpr char kLetters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out += '"';
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k > bytes.size() ? '=' : kLetters[group >> (18 - 6 * k) & 63];
  }
  out += '"';
}

void append_fields(std::string& out, const Schema* schema, const Value& value) {
  if (schema == nullptr || schema->fields().size() != value.size)
    throw std::invalid_argument("a struct does not fit its schema");
  out += '{';
  bool first = true;
  for (std::size_t i = 0; i < value.size; ++i) {
    if (value.items[i].type == Type::kAbsent) continue;
    if (!first) out += ',';
    first = false;
    append_text(out, schema->fields()[i].name);
    out += ':';
    append_json(out, schema->fields()[i].schema, value.items[i]);
  }
  out += '}';
}

void append_map(std::string& out, const Schema* schema, const Value& value) {
  const Schema* keys = schema == nullptr ? nullptr : schema->keys();
  const Schema* items = schema == nullptr ? nullptr : schema->items();
  bool object = keys == nullptr || (keys->type() == Type::kString && !keys->optional());
  for (std::size_t i = 0; i < value.size; i += 2)
    object = object && value.items[i].type == Type::kString;
  out += object ? '{' : '[';
  for (std::size_t i = 0; i + 1 < value.size; i += 2) {
    if (i != 0) out += ',';
    if (!object) out += '[';
    append_json(out, keys, value.items[i]);
    out += object ? ':' : ',';
    append_json(out, items, value.items[i + 1]);
    if (!object) out += ']';
  }
  out += object ? '}' : ']';
}

}  // namespace

bool valid_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at != end) {
    if (*at < 0x80) {
      ++at;
      continue;
    }
    const int more = *at >= 0xC2 && *at < 0xE0   ? 1
                     : *at >= 0xE0 && *at < 0xF0 ? 2
                     : *at >= 0xF0 && *at < 0xF5 ? 3
                                                 : 0;
    if (more == 0 || end - at <= more) return false;
    if ((*at == 0xE0 && at[1] < 0xA0) || (*at == 0xED && at[1] > 0x9F) ||
        (*at == 0xF0 && at[1] < 0x90) || (*at == 0xF4 && at[1] > 0x8F))
      return false;
    for (int i = 1; i <= more; ++i) {
      if ((at[i] & 0xC0) != 0x80) return false;
    }
    at += more + 1;
  }
  return true;
}

void append_json(std::string& out, const Schema* schema, const Value& value) {
  switch (value.type) {
    case Type::kNull:
      // As JsonConverter does by default: a null with a default is written as the default.
      if (schema != nullptr && schema->default_value() != nullptr)
        return append_json(out, schema, *schema->default_value());
      out += "null";
      return;
    case Type::kAbsent:
      out += "null";
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
      append_real(out, static_cast<float>(value.d));
      return;
    case Type::kFloat64:
      append_real(out, value.d);
      return;
    case Type::kString:
      append_text(out, value.text());
      return;
    case Type::kBytes:
      append_base64(out, value.text());
      return;
    case Type::kArray:
      out += '[';
      for (std::size_t i = 0; i < value.size; ++i) {
        if (i != 0) out += ',';
        append_json(out, schema == nullptr ? nullptr : schema->items(), value.items[i]);
      }
      out += ']';
      return;
    case Type::kMap:
      append_map(out, schema, value);
      return;
    case Type::kStruct:
      append_fields(out, schema, value);
      return;
  }
}

}  // namespace penstock::file
