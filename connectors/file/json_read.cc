#include <simdjson.h>

#include <stdexcept>

#include "connectors/file/json.h"

namespace penstock::file {
namespace {

namespace dom = simdjson::dom;

Value text_of(std::string_view text, Block& memory) { return Value::string(memory.copy(text)); }

/// size() of simdjson stops at 2^24 - 1.
template <class List>
std::size_t count(const List& list) {
  std::size_t out = list.size();
  if (out < 0xFFFFFF) return out;
  out = 0;
  for (auto at = list.begin(); at != list.end(); ++at) ++out;
  return out;
}

Value value_of(const dom::element& element, Block& memory) {
  switch (element.type()) {
    case dom::element_type::OBJECT: {
      const dom::object object = element.get_object().value_unsafe();
      const auto items = memory.values(2 * count(object));
      std::size_t at = 0;
      for (const auto field : object) {
        items[at++] = text_of(field.key, memory);
        items[at++] = value_of(field.value, memory);
      }
      return Value::map(items);
    }
    case dom::element_type::ARRAY: {
      const dom::array array = element.get_array().value_unsafe();
      const auto items = memory.values(count(array));
      std::size_t at = 0;
      for (const dom::element item : array) items[at++] = value_of(item, memory);
      return Value::array(items);
    }
    case dom::element_type::INT64:
      return Value::integer(element.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      throw std::invalid_argument("a whole number does not fit 64 bits");
    case dom::element_type::DOUBLE:
      return Value::float64(element.get_double().value_unsafe());
    case dom::element_type::STRING:
      return text_of(element.get_string().value_unsafe(), memory);
    case dom::element_type::BOOL:
      return Value::boolean(element.get_bool().value_unsafe());
    case dom::element_type::NULL_VALUE:
      return Value::null();
  }
  return Value::null();
}

}  // namespace

struct JsonLines::Parser {
  dom::parser parser;
};

JsonLines::JsonLines() : parser_(std::make_unique<Parser>()) {}
JsonLines::~JsonLines() = default;

Value JsonLines::parse(std::string_view line, Block& memory) {
  dom::element root;
  if (const auto error = parser_->parser.parse(line.data(), line.size(), true).get(root);
      error != simdjson::SUCCESS) {
    throw std::invalid_argument(simdjson::error_message(error));
  }
  return value_of(root, memory);
}

}  // namespace penstock::file
