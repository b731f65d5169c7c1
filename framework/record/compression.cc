#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "framework/record/batch.h"

namespace penstock::record {
namespace {

constexpr std::size_t kFirstOutputBytes = 64U << 10;
constexpr std::array<std::uint8_t, 8> kXerialMagic = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr std::size_t kXerialHeaderBytes = 16;  // magic, version, lowest compatible version
constexpr std::size_t kXerialBlockBytes = 32U << 10;

using Bytes = std::vector<std::byte>;

tl::unexpected<Error> too_large(std::size_t output_max) {
  return fail(Errc::kTooLarge,
              "decompressed records pass the limit of " + std::to_string(output_max) + " bytes");
}
tl::unexpected<Error> corrupt(const char* codec, const char* why) {
  return fail(Errc::kCorrupt, std::string(codec) + " records: " + why);
}

/// Output that doubles up to a cap. One byte more than the cap is offered, so that passing it can
/// be seen.
class Output {
 public:
  explicit Output(std::size_t input, std::size_t output_max) : max_(output_max) {
    bytes_.resize(std::min(max_ + 1, std::max(kFirstOutputBytes, input * 4)));
  }
  [[nodiscard]] ByteSpan room() { return ByteSpan(bytes_).subspan(used_); }
  void use(std::size_t n) { used_ += n; }
  [[nodiscard]] bool passed() const { return used_ > max_; }
  void grow() {
    if (used_ == bytes_.size() && bytes_.size() < max_ + 1)
      bytes_.resize(std::min(max_ + 1, bytes_.size() * 2));
  }
  Bytes take() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  std::size_t max_;
  std::size_t used_ = 0;
  Bytes bytes_;
};

// zlib takes 32-bit lengths.
uInt zlib_length(std::size_t n) { return static_cast<uInt>(std::min<std::size_t>(n, 1U << 30)); }

Result<Bytes> gunzip(ByteView from, std::size_t output_max) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return fail(Errc::kUnavailable, "zlib has no memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  Output out(from.size(), output_max);
  std::size_t at = 0;
  while (true) {
    out.grow();
    const ByteSpan room = out.room();
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.data() + at));
    stream.avail_in = zlib_length(from.size() - at);
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = zlib_length(room.size());
    const uInt in_before = stream.avail_in;
    const uInt out_before = stream.avail_out;
    const int state = inflate(&stream, Z_NO_FLUSH);
    at += in_before - stream.avail_in;
    out.use(out_before - stream.avail_out);
    if (out.passed()) return too_large(output_max);
    if (state == Z_STREAM_END) {
      if (at == from.size()) return out.take();
      if (inflateReset(&stream) != Z_OK) return corrupt("gzip", "cannot start the next member");
      continue;
    }
    if (state != Z_OK && state != Z_BUF_ERROR)
      return corrupt("gzip", stream.msg != nullptr ? stream.msg : "bad stream");
    if (in_before == stream.avail_in && out_before == stream.avail_out)
      return corrupt("gzip", "stream is cut short");
  }
}

Result<Bytes> gzip(ByteView from) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return fail(Errc::kUnavailable, "zlib has no memory");
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, deflateEnd);
  if (from.size() > (1U << 30)) return fail(Errc::kTooLarge, "gzip input above 1 GiB");
  Bytes out(deflateBound(&stream, static_cast<uLong>(from.size())));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.data()));
  stream.avail_in = static_cast<uInt>(from.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
    return fail(Errc::kUnavailable, "zlib could not compress");
  out.resize(stream.total_out);
  return out;
}

Status unsnappy_into(ByteView block, Bytes& out, std::size_t output_max) {
  const auto text = as_text(block);
  std::size_t length = 0;
  if (!snappy::GetUncompressedLength(text.data(), text.size(), &length))
    return corrupt("snappy", "bad length");
  if (length > output_max - out.size()) return too_large(output_max);
  const std::size_t before = out.size();
  // A copy element of three bytes makes 64 at most, so a bigger claim is a lie and not worth its
  // memory.
  if (length / 64 > block.size()) return corrupt("snappy", "length is impossible");
  out.resize(before + length);
  if (!snappy::RawUncompress(text.data(), text.size(),
                             reinterpret_cast<char*>(out.data() + before))) {
    return corrupt("snappy", "bad block");
  }
  return {};
}

Result<Bytes> unsnappy(ByteView from, std::size_t output_max) {
  Bytes out;
  if (from.size() < kXerialHeaderBytes ||
      std::memcmp(from.data(), kXerialMagic.data(), kXerialMagic.size()) != 0) {
    PENSTOCK_RETURN_IF_ERROR(unsnappy_into(from, out, output_max));
    return out;
  }
  std::size_t at = kXerialHeaderBytes;
  while (at < from.size()) {
    if (from.size() - at < 4) return corrupt("snappy", "block length is cut short");
    const auto length = load_be<std::uint32_t>(from.data() + at);
    at += 4;
    if (length > from.size() - at) return corrupt("snappy", "block reaches beyond the batch");
    PENSTOCK_RETURN_IF_ERROR(unsnappy_into(from.subspan(at, length), out, output_max));
    at += length;
  }
  return out;
}

Result<Bytes> snappy_xerial(ByteView from) {
  Bytes out(kXerialHeaderBytes);
  std::memcpy(out.data(), kXerialMagic.data(), kXerialMagic.size());
  store_be<std::int32_t>(out.data() + 8, 1);
  store_be<std::int32_t>(out.data() + 12, 1);
  for (std::size_t at = 0; at < from.size(); at += kXerialBlockBytes) {
    const auto block = as_text(from.subspan(at, std::min(kXerialBlockBytes, from.size() - at)));
    const std::size_t before = out.size();
    out.resize(before + 4 + snappy::MaxCompressedLength(block.size()));
    std::size_t length = 0;
    snappy::RawCompress(block.data(), block.size(),
                        reinterpret_cast<char*>(out.data() + before + 4), &length);
    store_be(out.data() + before, static_cast<std::uint32_t>(length));
    out.resize(before + 4 + length);
  }
  return out;
}

Result<Bytes> unlz4(ByteView from, std::size_t output_max) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)) != 0) {
    return fail(Errc::kUnavailable, "lz4 has no memory");
  }
  const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> context(
      raw, LZ4F_freeDecompressionContext);
  Output out(from.size(), output_max);
  std::size_t at = 0;
  std::size_t hint = 1;
  while (true) {
    out.grow();
    const ByteSpan room = out.room();
    std::size_t written = room.size();
    std::size_t taken = from.size() - at;
    hint = LZ4F_decompress(context.get(), room.data(), &written, from.data() + at, &taken, nullptr);
    if (LZ4F_isError(hint) != 0) return corrupt("lz4", LZ4F_getErrorName(hint));
    at += taken;
    out.use(written);
    if (out.passed()) return too_large(output_max);
    if (hint == 0 && at == from.size()) return out.take();
    if (taken == 0 && written == 0) return corrupt("lz4", "frame is cut short");
  }
}

Result<Bytes> lz4_frame(ByteView from) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  Bytes out(LZ4F_compressFrameBound(from.size(), &preferences));
  const std::size_t length =
      LZ4F_compressFrame(out.data(), out.size(), from.data(), from.size(), &preferences);
  if (LZ4F_isError(length) != 0) return fail(Errc::kUnavailable, LZ4F_getErrorName(length));
  out.resize(length);
  return out;
}

Result<Bytes> unzstd(ByteView from, std::size_t output_max) {
  const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                             ZSTD_freeDStream);
  if (!stream) return fail(Errc::kUnavailable, "zstd has no memory");
  Output out(from.size(), output_max);
  ZSTD_inBuffer in{from.data(), from.size(), 0};
  while (true) {
    out.grow();
    const ByteSpan room = out.room();
    ZSTD_outBuffer to{room.data(), room.size(), 0};
    const std::size_t in_before = in.pos;
    const std::size_t hint = ZSTD_decompressStream(stream.get(), &to, &in);
    if (ZSTD_isError(hint) != 0) return corrupt("zstd", ZSTD_getErrorName(hint));
    out.use(to.pos);
    if (out.passed()) return too_large(output_max);
    if (hint == 0 && in.pos == in.size) return out.take();
    if (to.pos == 0 && in.pos == in_before) return corrupt("zstd", "frame is cut short");
  }
}

Result<Bytes> zstd(ByteView from) {
  Bytes out(ZSTD_compressBound(from.size()));
  const std::size_t length = ZSTD_compress(out.data(), out.size(), from.data(), from.size(), 3);
  if (ZSTD_isError(length) != 0) return fail(Errc::kUnavailable, ZSTD_getErrorName(length));
  out.resize(length);
  return out;
}

}  // namespace

Result<Bytes> decompress(Codec codec, ByteView from, std::size_t output_max) {
  switch (codec) {
    case Codec::kNone:
      if (from.size() > output_max) return too_large(output_max);
      return Bytes(from.begin(), from.end());
    case Codec::kGzip:
      return gunzip(from, output_max);
    case Codec::kSnappy:
      return unsnappy(from, output_max);
    case Codec::kLz4:
      return unlz4(from, output_max);
    case Codec::kZstd:
      return unzstd(from, output_max);
  }
  return fail(Errc::kUnsupported, "unknown compression codec");
}

Result<Bytes> compress(Codec codec, ByteView from) {
  switch (codec) {
    case Codec::kNone:
      return Bytes(from.begin(), from.end());
    case Codec::kGzip:
      return gzip(from);
    case Codec::kSnappy:
      return snappy_xerial(from);
    case Codec::kLz4:
      return lz4_frame(from);
    case Codec::kZstd:
      return zstd(from);
  }
  return fail(Errc::kUnsupported, "unknown compression codec");
}

}  // namespace penstock::record
