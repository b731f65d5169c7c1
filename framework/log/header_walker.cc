#include "framework/log/header_walker.h"

#include <algorithm>
#include <string>

namespace penstock::log {

Result<bool> HeaderWalker::next() {
  if (next_ >= end_) return false;
  const bool buffered =
      next_ >= buffer_at_ && next_ + record::kBatchHeaderBytes <= buffer_at_ + buffered_;
  if (!buffered) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kBufferBytes, end_ - next_));
    PENSTOCK_ASSIGN_OR_RETURN(buffered_, file_.read_at(next_, ByteSpan(buffer_).first(want)));
    buffer_at_ = next_;
  }
  const std::size_t skip = static_cast<std::size_t>(next_ - buffer_at_);
  auto header = record::parse_header(ByteView(buffer_).subspan(skip, buffered_ - skip));
  const auto where = [&] { return file_.path() + " at byte " + std::to_string(next_); };
  if (!header && header.error().code == Errc::kOutOfRange)
    return fail(Errc::kCorrupt, where() + ": batch header is cut short");
  if (!header) return tl::make_unexpected(header.error().in(where()));
  if (header->size_bytes() > end_ - next_)
    return fail(Errc::kCorrupt, where() + ": batch is cut short");
  header_ = *header;
  position_ = next_;
  next_ += header_.size_bytes();
  return true;
}

}  // namespace penstock::log
