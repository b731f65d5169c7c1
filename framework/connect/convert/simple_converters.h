#pragma once

#include "framework/connect/convert/converter.h"

namespace penstock::connect {

/// Strings as their bytes; other values as Java's toString() gives them for primitives. Reads
/// optional strings; malformed UTF-8 is an error.
class StringConverter final : public Converter {
 public:
  explicit StringConverter(Context& context);
  Result<NullableBytes> encode(const Schema* schema, const Value& value, ByteArena& out) override;
  Status decode(NullableBytes bytes, Block& memory, const Schema*& schema, Value& value) override;

 private:
  const Schema* schema_;
};

/// Bytes as they are; nothing else.
class ByteArrayConverter final : public Converter {
 public:
  explicit ByteArrayConverter(Context& context);
  Result<NullableBytes> encode(const Schema* schema, const Value& value, ByteArena& out) override;
  Status decode(NullableBytes bytes, Block& memory, const Schema*& schema, Value& value) override;

 private:
  const Schema* schema_;
};

/// Connect's SimpleHeaderConverter for scalars: text; read back as null, boolean, the smallest
/// integer type that holds it, double or string; bytes that are no UTF-8 stay bytes. Left out:
/// arrays and maps, which are read as strings.
class SimpleHeaderConverter final : public Converter {
 public:
  explicit SimpleHeaderConverter(Context& context);
  Result<NullableBytes> encode(const Schema* schema, const Value& value, ByteArena& out) override;
  Status decode(NullableBytes bytes, Block& memory, const Schema*& schema, Value& value) override;

 private:
  Context& context_;
};

}  // namespace penstock::connect
