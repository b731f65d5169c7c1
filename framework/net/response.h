#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace penstock::net {

/// A part of a file that goes out by sendfile; `keep` holds the file open until it was sent.
struct FileRange {
  std::shared_ptr<const void> keep;
  int fd = -1;
  std::uint64_t position = 0;
  std::uint64_t length = 0;
};

/// One answer frame: head bytes, then pieces in order.
class Response {
 public:
  /// Bytes at the front of `head` that the connection overwrites with the length of the frame.
  static constexpr std::size_t kLengthBytes = 4;
  using Piece = std::variant<std::vector<std::byte>, FileRange>;

  Response() : head(kLengthBytes) {}
  std::vector<std::byte> head;  // begins with kLengthBytes of room
  std::vector<Piece> pieces;

  /// Held in memory: all but the file ranges. Does not change while the response is sent.
  [[nodiscard]] std::uint64_t owned_bytes() const {
    std::uint64_t size = head.size();
    for (const Piece& piece : pieces) {
      if (const auto* bytes = std::get_if<std::vector<std::byte>>(&piece)) size += bytes->size();
    }
    return size;
  }
  /// Of the frame, without the length itself.
  [[nodiscard]] std::uint64_t size_bytes() const {
    std::uint64_t size = head.size() - kLengthBytes;
    for (const Piece& piece : pieces) {
      if (const auto* bytes = std::get_if<std::vector<std::byte>>(&piece))
        size += bytes->size();
      else
        size += std::get<FileRange>(piece).length;
    }
    return size;
  }
};

}  // namespace penstock::net
