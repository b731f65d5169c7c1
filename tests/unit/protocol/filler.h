#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <string>

#include "framework/protocol/codec.h"

namespace penstock::protocol::testing {

/// Fills every field of a message with random values, from one seed; keeps the bytes that the
/// message's views point into.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  template <class T>
  void operator()(T& field, Versions = {}) {
    fill(field);
  }
  template <class T>
  void tagged(std::uint32_t, T& field, Versions = {}) {
    fill(field);
  }
  template <class T>
  void fill(T& field) {
    if constexpr (std::is_same_v<T, bool>) {
      field = random_() % 2 == 0;
    } else if constexpr (std::is_enum_v<T>) {
      field = static_cast<T>(static_cast<std::underlying_type_t<T>>(random_()));
    } else if constexpr (std::is_same_v<T, double>) {
      field = static_cast<double>(random_() % 1000) / 8;
    } else if constexpr (std::is_integral_v<T>) {
      field = static_cast<T>(random_());
    } else if constexpr (detail::IdType<T>) {
      field.value = static_cast<typename T::rep>(random_());
    } else if constexpr (std::is_same_v<T, Uuid>) {
      field = {random_(), random_()};
    } else if constexpr (std::is_same_v<T, std::string>) {
      field = text();
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      field = texts_.emplace_back(text());
    } else if constexpr (std::is_same_v<T, ByteView>) {
      field = as_bytes(texts_.emplace_back(text()));
    } else if constexpr (detail::IsVector<T>::value) {
      field.resize(random_() % 4);
      for (auto& item : field) fill(item);
    } else if constexpr (detail::IsOptional<T>::value) {
      field.reset();
      if (random_() % 3 != 0) fill(field.emplace());
    } else {
      field.fields(*this);
    }
  }

 private:
  std::string text() {
    std::string out(random_() % 200, ' ');
    for (char& c : out) c = static_cast<char>('!' + random_() % 90);
    return out;
  }

  std::mt19937_64 random_;
  std::deque<std::string> texts_;
};

}  // namespace penstock::protocol::testing
