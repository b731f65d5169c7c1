#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace penstock::connect {

/// Texts that stay where they are until reset(). One text is written at a time; while it grows it
/// may move. One thread.
class ByteArena {
 public:
  static constexpr std::size_t kSlabBytes = std::size_t{256} << 10;

  ByteArena() = default;
  ByteArena(const ByteArena&) = delete;
  ByteArena& operator=(const ByteArena&) = delete;

  /// Forgets an unfinished text and begins another.
  void begin() { at_ = start_; }
  /// Room for `size` more bytes of this text; write there, then tell advance() how many.
  char* room(std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < size) grow(size);
    return at_;
  }
  void advance(char* behind_last) { at_ = behind_last; }
  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()), text.data(), text.size());
    at_ += text.size();
  }
  void append(char c) {
    *room(1) = c;
    ++at_;
  }
  /// The text since begin(). It never moves again.
  std::string_view finish() {
    const std::string_view text(start_ == nullptr ? "" : start_,
                                static_cast<std::size_t>(at_ - start_));
    used_ += text.size();
    start_ = at_;
    return text;
  }
  /// Bytes of finished texts.
  [[nodiscard]] std::size_t bytes() const { return used_; }
  /// Memory held.
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// All texts become invalid. Keeps one slab of the usual size.
  void reset();

 private:
  void grow(std::size_t size);
  struct Slab {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Slab> slabs_;
  char* start_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace penstock::connect
