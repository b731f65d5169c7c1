// Random schemas and values through the envelope and back: nothing changes.
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <random>

#include "framework/connect/convert/converter.h"
#include "framework/connect/host/block.h"
#include "tests/unit/connect/convert/schemas_context.h"

namespace penstock::connect {
namespace {

class Generator {
 public:
  Generator(std::uint64_t seed, SchemasContext& context, host::HostBlock& block)
      : random_(seed), context_(context), block_(block) {}

  const Schema* schema(int depth) {
    SchemaSpec spec;
    spec.optional = chance(2);
    constexpr Type kScalars[] = {Type::kBool,    Type::kInt8,   Type::kInt16,
                                 Type::kInt32,   Type::kInt64,  Type::kFloat32,
                                 Type::kFloat64, Type::kString, Type::kBytes};
    std::deque<std::string> names;
    std::vector<Field> fields;
    spec.type = kScalars[below(std::size(kScalars))];
    if (depth > 0 && chance(2)) {
      constexpr Type kNested[] = {Type::kArray, Type::kMap, Type::kStruct};
      spec.type = kNested[below(3)];
      if (spec.type == Type::kStruct) {
        for (std::size_t i = below(6); i > 0; --i) {
          names.push_back("f" + std::to_string(i) + string());
          fields.push_back({names.back(), schema(depth - 1)});
        }
        spec.fields = fields;
      } else {
        spec.items = schema(depth - 1);
        if (spec.type == Type::kMap)
          spec.keys = context_.of(chance(2) ? Type::kString : Type::kInt32);
      }
    }
    const std::string name = chance(3) ? "n" + string() : "";
    spec.name = name;
    return context_.schema(spec);
  }

  Value value(const Schema& schema, bool may_be_absent = false) {
    if (may_be_absent && chance(8)) return Value::absent();
    if (schema.optional() && chance(4)) return Value::null();
    switch (schema.type()) {
      case Type::kBool:
        return Value::boolean(chance(2));
      case Type::kInt8:
        return Value::integer(static_cast<std::int8_t>(random_()), Type::kInt8);
      case Type::kInt16:
        return Value::integer(static_cast<std::int16_t>(random_()), Type::kInt16);
      case Type::kInt32:
        return Value::integer(static_cast<std::int32_t>(random_()), Type::kInt32);
      case Type::kInt64:
        return Value::integer(static_cast<std::int64_t>(random_()));
      case Type::kFloat32:
        return Value::float32(static_cast<float>(real()));
      case Type::kFloat64:
        return Value::float64(real());
      case Type::kString:
        return Value::string(block_.copy(string()));
      case Type::kBytes: {
        std::string bytes(below(20), '\0');
        for (char& c : bytes) c = static_cast<char>(random_());
        return Value::binary(block_.copy(bytes));
      }
      case Type::kArray: {
        const auto items = block_.values(below(4));
        for (Value& item : items) item = value(*schema.items());
        return Value::array(items);
      }
      case Type::kMap: {
        const auto items = block_.values(2 * below(4));
        for (std::size_t i = 0; i < items.size(); i += 2) {
          items[i] = value(*schema.keys());
          items[i + 1] = value(*schema.items());
        }
        return Value::map(items);
      }
      default:
        break;
    }
    const auto items = block_.values(schema.fields().size());
    for (std::size_t i = 0; i < items.size(); ++i)
      items[i] = value(*schema.fields()[i].schema, true);
    return Value::row(items);
  }

 private:
  bool chance(std::size_t of) { return below(of) == 0; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  double real() {
    for (;;) {
      const std::uint64_t bits = random_();
      double out;
      std::memcpy(&out, &bits, sizeof out);
      if (std::abs(out) < 1e30 && std::abs(out) > 1e-30) return out;
    }
  }
  std::string string() {
    constexpr const char* kPieces[] = {"a",  "Zug", "\"", "\\",   "\n",           "\x01", "é",
                                       "日", "😀",   "/",  "\x7F", "{\"schema\":", " "};
    std::string out;
    for (std::size_t i = below(12); i > 0; --i) out += kPieces[below(std::size(kPieces))];
    return out;
  }
  std::mt19937_64 random_;
  SchemasContext& context_;
  host::HostBlock& block_;
};

bool equal(const Value& a, const Value& b) {
  if (a.type != b.type) return false;
  switch (a.type) {
    case Type::kNull:
    case Type::kAbsent:
      return true;
    case Type::kBool:
      return a.b == b.b;
    case Type::kFloat32:
    case Type::kFloat64:
      return std::memcmp(&a.d, &b.d, sizeof a.d) == 0;
    case Type::kString:
    case Type::kBytes:
      return a.text() == b.text();
    case Type::kArray:
    case Type::kMap:
    case Type::kStruct: {
      if (a.size != b.size) return false;
      for (std::uint32_t i = 0; i < a.size; ++i) {
        if (!equal(a.items[i], b.items[i])) return false;
      }
      return true;
    }
    default:
      return a.i == b.i;
  }
}

TEST(JsonProperty, EnvelopeRoundTripChangesNothing) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (std::uint64_t round = 0; round < 300; ++round) {
    SchemasContext context;
    host::HostBlock block;
    ByteArena arena;
    Generator generator(seed + round, context, block);
    const auto converter = make_converter({}, "value.converter", context).value();
    const Schema* schemas[] = {generator.schema(3), generator.schema(3)};
    for (int i = 0; i < 10; ++i) {
      const Schema* const schema = schemas[i % 2];
      const Value value = generator.value(*schema);
      const auto bytes = converter->encode(schema, value, arena);
      ASSERT_TRUE(bytes) << bytes.error().text;
      const Schema* back_schema = nullptr;
      Value back;
      const auto read = converter->decode(*bytes, block, back_schema, back);
      ASSERT_TRUE(read) << read.error().text << " in " << **bytes;
      ASSERT_EQ(back_schema, schema) << **bytes;
      ASSERT_TRUE(equal(back, value)) << **bytes;
    }
  }
}

TEST(JsonProperty, HostileBytesNeverCrash) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  SchemasContext context;
  host::HostBlock block;
  ByteArena arena;
  Generator generator(seed, context, block);
  const auto envelope = make_converter({}, "value.converter", context).value();
  const auto plain =
      make_converter({{"value.converter.schemas.enable", "false"}}, "value.converter", context)
          .value();
  for (int round = 0; round < 5000; ++round) {
    const Schema* schema = generator.schema(2);
    const Value value = generator.value(*schema);
    std::string bytes(*envelope->encode(schema, value, arena).value());
    for (auto hits = 1 + random() % 3; hits > 0; --hits)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 3 == 0) bytes.resize(random() % bytes.size());
    Value back;
    static_cast<void>(envelope->decode(bytes, block, schema, back).has_value());
    static_cast<void>(plain->decode(bytes, block, schema, back).has_value());
    if (block.bytes() > 8 << 20) {
      block.reset();
      arena.reset();
    }
  }
}

}  // namespace
}  // namespace penstock::connect
