#include "connectors/sqlite/sink_bind.h"

#include <cmath>
#include <string>

#include "connectors/relational/sink_value.h"

namespace penstock::sqlite {

using relational::as_boolean;
using relational::as_bytes;
using relational::as_integer;
using relational::as_real;
using relational::as_text;
using relational::does_not_fit;
using relational::Logical;
using relational::Misfit;
using relational::PlanColumn;

namespace {

/// NUMERIC keeps 15 digits of a decimal fraction.
constexpr std::size_t kNumericDigitsMax = 15;

const char* data(std::string_view text) { return text.data() == nullptr ? "" : text.data(); }

/// `index` counts from 1.
struct Parameter {
  sqlite3_stmt* statement;
  int index;

  void null() const { check(sqlite3_bind_null(statement, index)); }
  void integer(std::int64_t value) const { check(sqlite3_bind_int64(statement, index, value)); }
  void real(double value) const {
    if (std::isnan(value)) throw Misfit("SQLite cannot store NaN");
    check(sqlite3_bind_double(statement, index, value));
  }
  void text(std::string_view value, sqlite3_destructor_type keep = SQLITE_STATIC) const {
    check(sqlite3_bind_text64(statement, index, data(value), value.size(), keep, SQLITE_UTF8));
  }
  void blob(std::string_view value, sqlite3_destructor_type keep = SQLITE_STATIC) const {
    check(sqlite3_bind_blob64(statement, index, data(value), value.size(), keep));
  }
  void copied_text(std::string_view value) const { text(value, transient()); }
  void copied_blob(std::string_view value) const { blob(value, transient()); }
  static sqlite3_destructor_type transient() {
    // SQLITE_TRANSIENT without its C cast. NOLINTNEXTLINE(performance-no-int-to-ptr): SQLite's own
    return reinterpret_cast<sqlite3_destructor_type>(-1);
  }
  static void check(int code) {
    if (code == SQLITE_TOOBIG)
      throw Misfit("the value is larger than SQLite's limit of 1,000,000,000 bytes");
    if (code == SQLITE_NOMEM) throw std::bad_alloc();
    if (code != SQLITE_OK) throw std::logic_error(std::string("bind: ") + sqlite3_errstr(code));
  }
};

/// By the value's own storage class.
void bind_natural(const Parameter& to, const PlanColumn& column, const Value& value) {
  std::string buffer;
  if (value.is_float()) return to.real(value.d);
  if (value.type == Type::kBool) return to.integer(value.b ? 1 : 0);
  if (value.type == Type::kBytes && column.logical != Logical::kDecimal)
    return to.blob(value.text());
  if (value.is_integer() && column.logical == Logical::kNone) return to.integer(value.i);
  if (value.type == Type::kString) return to.text(value.text());
  if (const auto text = as_text(column, value, buffer)) return to.copied_text(*text);
  throw does_not_fit(column, value);
}

/// A text in a NUMERIC column becomes a number when it looks like one: only if that loses nothing.
void bind_numeric_text(const Parameter& to, const PlanColumn& column, const Value& value,
                       std::string_view text) {
  if (const auto integer = relational::integer_from_text(text)) {
    if (std::to_string(*integer) != text) throw does_not_fit(column, value);
    return to.integer(*integer);
  }
  const std::size_t start = text.find_first_not_of(" \t\n\v\f\r");
  const bool like_number = start != std::string_view::npos &&
                           (text[start] == '+' || text[start] == '-' || text[start] == '.' ||
                            (text[start] >= '0' && text[start] <= '9'));
  if (!like_number) return to.copied_text(text);
  const auto real = relational::real_from_text(text);
  if (!real) {
    // 2013-01-31 or 10.0.0.1; what SQLite trims or reads as a number in another spelling is
    // refused.
    if (text.find_first_of(" \t\n\v\f\r+") == std::string_view::npos ||
        text.find_first_of("-:") != std::string_view::npos) {
      return to.copied_text(text);
    }
    throw does_not_fit(column, value);
  }
  std::size_t digits = 0;
  for (const char c : text) digits += c >= '0' && c <= '9' ? 1U : 0U;
  const bool plain = text.find_first_of("eE") == std::string_view::npos;
  if (!plain || digits > kNumericDigitsMax || std::isinf(*real)) throw does_not_fit(column, value);
  to.real(*real);
}

void bind_numeric(const Parameter& to, const PlanColumn& column, const Value& value) {
  if (value.type != Type::kString && column.logical != Logical::kDecimal)
    return bind_natural(to, column, value);
  std::string buffer;
  auto text = as_text(column, value, buffer);
  if (!text) throw does_not_fit(column, value);
  if (column.logical == Logical::kDecimal && text->find('.') != std::string_view::npos) {
    while (text->ends_with('0')) text->remove_suffix(1);
    if (text->ends_with('.')) text->remove_suffix(1);
  }
  bind_numeric_text(to, column, value, *text);
}

void bind_converted(const Parameter& to, const PlanColumn& column, const Value& value) {
  std::string buffer;
  switch (column.column.kind) {
    case kIntegerKind:
      if (const auto v = as_integer(column, value)) return to.integer(*v);
      break;
    case kRealKind:
      if (const auto v = as_real(column, value)) return to.real(*v);
      break;
    case kBooleanKind:
      if (const auto v = as_boolean(column, value)) return to.integer(*v ? 1 : 0);
      if (const auto v = as_integer(column, value)) return to.integer(*v);
      break;
    case kTextKind:
      if (const auto v = as_text(column, value, buffer)) return to.copied_text(*v);
      break;
    case kBlobKind:
      if (const auto v = as_bytes(column, value, buffer)) return to.copied_blob(*v);
      break;
    case kTimeKind:
      if (value.type == Type::kBytes) break;
      if (const auto v = as_text(column, value, buffer); v && column.logical != Logical::kNone)
        return to.copied_text(*v);
      return bind_numeric(to, column, value);
    case kNumericKind:
      return bind_numeric(to, column, value);
    default:
      return bind_natural(to, column, value);
  }
  throw does_not_fit(column, value);
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

}  // namespace

ColumnKind kind_of(std::string_view declared_type) {
  std::string type;
  for (const char c : declared_type) type += upper(c);
  const auto has = [&](std::string_view part) { return type.find(part) != std::string::npos; };
  if (has("INT")) return kIntegerKind;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return kTextKind;
  if (has("BLOB")) return kBlobKind;
  if (type.empty() || type == "ANY") return kAnyKind;
  if (has("REAL") || has("FLOA") || has("DOUB")) return kRealKind;
  if (has("BOOL")) return kBooleanKind;
  return has("DATE") || has("TIME") ? kTimeKind : kNumericKind;
}

void bind_value(sqlite3_stmt* statement, int parameter, const PlanColumn& column,
                const Value& value) {
  const Parameter to{statement, parameter};
  if (value.type == Type::kNull) {
    if (column.is_key) throw Misfit("a key column must not be NULL");
    if (column.column.not_null) throw Misfit("NULL in a NOT NULL column");
    return to.null();
  }
  if (column.logical == Logical::kSqliteAny) {
    std::string buffer;
    const Value inner = relational::unwrap_any(value, buffer);
    if (inner.is_null()) return bind_value(statement, parameter, column, inner);
    if (inner.type == Type::kBytes) return to.copied_blob(inner.text());
    PlanColumn plain = column;
    plain.logical = Logical::kNone;
    return bind_natural(to, plain, inner);
  }
  const int kind = column.column.kind;
  if (column.logical == Logical::kNone) {
    if (value.is_integer() && (kind == kIntegerKind || kind == kAnyKind))
      return to.integer(value.i);
    if (value.is_float() && kind == kRealKind) return to.real(value.d);
    if (value.type == Type::kString && kind == kTextKind) return to.text(value.text());
    if (value.type == Type::kBytes && kind == kBlobKind) return to.blob(value.text());
  }
  bind_converted(to, column, value);
}

}  // namespace penstock::sqlite
