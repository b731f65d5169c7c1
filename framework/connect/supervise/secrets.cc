#include "framework/connect/supervise/secrets.h"

#include <algorithm>
#include <cctype>

namespace penstock::connect {
namespace {

constexpr std::size_t kWordBytesMax = 3;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool stands_alone(std::string_view text, std::size_t at, std::size_t size) {
  return (at == 0 || !is_word(text[at - 1])) &&
         (at + size == text.size() || !is_word(text[at + size]));
}

void hide(std::string& text, const std::string& value) {
  const std::string_view hidden = kHidden;
  for (auto at = text.find(value); at != std::string::npos; at = text.find(value, at)) {
    if (value.size() <= kWordBytesMax && !stands_alone(text, at, value.size())) {
      at += value.size();
      continue;
    }
    text.replace(at, value.size(), hidden);
    at += hidden.size();
  }
}

}  // namespace

void Secrets::add(std::string value) {
  constexpr const char* kSpace = " \t\r\n";
  const auto begin = value.find_first_not_of(kSpace);
  if (begin == std::string::npos) return;
  value = value.substr(begin, value.find_last_not_of(kSpace) + 1 - begin);
  if (value == kHidden || std::ranges::find(values_, value) != values_.end()) return;
  const auto place =
      std::ranges::find_if(values_, [&](const auto& other) { return other.size() < value.size(); });
  values_.insert(place, std::move(value));
}

std::string Secrets::masked(std::string text) const {
  for (const auto& value : values_) hide(text, value);
  return text;
}

}  // namespace penstock::connect
