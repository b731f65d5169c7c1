#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "framework/base/error.h"
#include "framework/connect/convert/byte_arena.h"
#include "penstock/plugin.h"

namespace penstock::connect {

/// The bytes of a record's key, value or header; nullopt is Kafka's null.
using NullableBytes = std::optional<std::string_view>;

/// Turns values into bytes and back. One thread at a time.
class Converter {
 public:
  virtual ~Converter() = default;
  /// The bytes live in `out` until it is reset. `schema` may be nullptr. kInvalid says which field
  /// cannot be written and why.
  virtual Result<NullableBytes> encode(const Schema* schema, const Value& value,
                                       ByteArena& out) = 0;
  /// Fills `schema` (nullptr: schema-less) and `value`, whose bytes live in `memory`. kInvalid says
  /// what is wrong with the bytes.
  virtual Status decode(NullableBytes bytes, Block& memory, const Schema*& schema,
                        Value& value) = 0;
};

/// The three converters of a task.
struct Converters {
  std::unique_ptr<Converter> key, value, header;
};

/// The converter whose class is `config[prefix]` ("key.converter"), set up by the keys behind
/// `prefix` and a dot; without the key, JsonConverter for key and value, SimpleHeaderConverter for
/// headers. `context` interns schemas and outlives the converter. kInvalid names the key: unknown
/// class, unknown or malformed setting.
Result<std::unique_ptr<Converter>> make_converter(const std::map<std::string, std::string>& config,
                                                  const std::string& prefix, Context& context);
/// JSON without a schema in which what JSON cannot hold is described: for dead letters that no
/// other converter can write.
std::unique_ptr<Converter> make_describing_converter(Context& context);
Result<Converters> make_converters(const std::map<std::string, std::string>& config,
                                   Context& context);

}  // namespace penstock::connect
