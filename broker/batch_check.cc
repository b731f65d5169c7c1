#include "broker/batch_check.h"

#include <optional>
#include <utility>

#include "framework/record/recode.h"
#include "framework/record/survey.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {

constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kMagicAt = 16;
constexpr std::int32_t kLengthMin = 49;  // of a batch without records, counted behind the length
constexpr std::int16_t kZstdFromVersion = 7;

BatchCheck refuse(ErrorCode error, std::string text) {
  BatchCheck out;
  out.error = error;
  out.text = std::move(text);
  return out;
}

/// Kafka calls a batch corrupt when its length or format is impossible, and else says that the
/// request holds no batch.
ErrorCode parse_error(ByteSpan records, std::int8_t magic) {
  const auto length = load_be<std::int32_t>(records.data() + kLengthAt);
  const bool possible = length >= kLengthMin && magic == record::kMagic;
  return possible ? ErrorCode::kInvalidRecord : ErrorCode::kCorruptMessage;
}

BatchCheck check_header(const record::BatchHeader& header, std::int16_t produce_version) {
  if (header.control())
    return refuse(ErrorCode::kInvalidRecord, "Control batches come from brokers only");
  if (header.transactional() && header.producer_id.value < 0) {
    return refuse(ErrorCode::kInvalidRecord, "A transactional batch needs a producer id");
  }
  if (header.base_offset.value != 0)
    return refuse(ErrorCode::kInvalidRecord, "The base offset of a produced batch is 0");
  if (header.record_count <= 0 || header.last_offset_delta != header.record_count - 1) {
    return refuse(ErrorCode::kInvalidRecord,
                  "Record count and last offset delta of the batch do not agree");
  }
  if (header.codec() == record::Codec::kZstd && produce_version < kZstdFromVersion) {
    return refuse(ErrorCode::kUnsupportedCompressionType, "zstd needs Produce version 7 or later");
  }
  if (header.has_delete_horizon())
    return refuse(ErrorCode::kInvalidRecord, "A delete horizon comes from brokers only");
  if (header.producer_id.value >= 0 && header.base_sequence < 0)
    return refuse(ErrorCode::kInvalidRecord, "A batch with a producer id needs a sequence");
  if (header.producer_id.value >= 0 && header.producer_epoch.value < 0)
    return refuse(ErrorCode::kInvalidProducerEpoch, "A batch with a producer id needs an epoch");
  return {};
}

bool too_new(std::int64_t time_ms, const TopicSettings& settings, std::int64_t now_ms) {
  return time_ms > now_ms && time_ms - now_ms > settings.timestamp_after_max_ms;
}

bool too_old(std::int64_t time_ms, const TopicSettings& settings, std::int64_t now_ms) {
  return time_ms >= 0 && time_ms < now_ms && now_ms - time_ms > settings.timestamp_before_max_ms;
}

BatchCheck check_times(std::int64_t oldest, std::int64_t newest, const TopicSettings& settings,
                       std::int64_t now_ms) {
  if (too_new(newest, settings, now_ms)) {
    return refuse(ErrorCode::kInvalidTimestamp, "Timestamp " + std::to_string(newest) +
                                                    " is further ahead of the broker's clock than "
                                                    "message.timestamp.after.max.ms allows");
  }
  if (too_old(oldest, settings, now_ms)) {
    return refuse(ErrorCode::kInvalidTimestamp,
                  "Timestamp " + std::to_string(oldest) +
                      " is older than message.timestamp.before.max.ms allows");
  }
  return {};
}

BatchCheck refuse(const Error& error) {
  return refuse(
      error.code == Errc::kTooLarge ? ErrorCode::kMessageTooLarge : ErrorCode::kInvalidRecord,
      error.text);
}

/// The records of a batch, and those of a compressed one as they are when it is opened.
struct Walked {
  record::Survey survey;
  std::vector<std::byte> plain;
};

/// What fails may have come to the most, and costs that.
Result<std::vector<std::byte>> open(const record::BatchView& batch, OpenedBytes& opened) {
  const std::size_t most = opened.most();
  auto plain = record::decompress(batch.header().codec(), batch.records(), most);
  opened.spend(plain ? plain->size() : most);
  return plain;
}

Result<Walked> walk(const record::BatchView& batch, OpenedBytes& opened) {
  Walked out;
  if (batch.header().codec() == record::Codec::kNone) {
    PENSTOCK_ASSIGN_OR_RETURN(out.survey, record::survey_records(batch));
    return out;
  }
  PENSTOCK_ASSIGN_OR_RETURN(out.plain, open(batch, opened));
  PENSTOCK_ASSIGN_OR_RETURN(out.survey, record::survey_records(batch.header(), out.plain));
  return out;
}

/// The records at fault of a batch that was walked; `text` of one that is not is empty. A
/// compressed batch costs as much again as it did to open it.
template <class Text>
std::vector<RecordFault> faults(const record::BatchView& batch, const Walked& walked,
                                OpenedBytes& opened, Text text) {
  std::vector<RecordFault> out;
  if (walked.plain.size() > opened.most()) return out;
  opened.spend(walked.plain.size());
  auto reader = record::RecordReader::open(batch);
  if (!reader) return out;
  record::RecordView record;
  for (std::int32_t i = 0; out.size() < BatchCheck::kFaultsMax; ++i) {
    const auto more = reader->next(record);
    if (!more || !*more) break;
    if (std::string found = text(record); !found.empty()) out.push_back({i, std::move(found)});
  }
  return out;
}

/// compression.type: the broker's, unless it says "producer".
BatchCheck stored_as(BatchCheck out, ByteView records, const TopicSettings& settings,
                     const std::optional<Walked>& walked, OpenedBytes& opened) {
  if (!settings.compression || *settings.compression == out.header.codec()) return out;
  const auto batch = record::BatchView::parse(records);
  std::vector<std::byte> found;
  ByteView plain = batch->records();
  if (out.header.codec() != record::Codec::kNone && walked) {
    // To pack it costs as much again as it did to open it.
    if (walked->plain.size() > opened.most())
      return refuse(ErrorCode::kMessageTooLarge, "The request's batches are too large unpacked");
    opened.spend(walked->plain.size());
    plain = walked->plain;
  } else if (out.header.codec() != record::Codec::kNone) {
    auto now = open(*batch, opened);
    if (!now) return refuse(now.error());
    found = std::move(*now);
    plain = found;
  }
  auto recoded = record::with_codec(*batch, *settings.compression, plain);
  if (!recoded) return refuse(recoded.error());
  if (recoded->size() > static_cast<std::size_t>(settings.max_message_bytes)) {
    return refuse(ErrorCode::kMessageTooLarge,
                  "The record batch has " + std::to_string(recoded->size()) +
                      " bytes as compression.type asks for it, max.message.bytes allows " +
                      std::to_string(settings.max_message_bytes));
  }
  out.header = record::BatchView::parse(*recoded)->header();
  out.recoded = std::move(*recoded);
  return out;
}

}  // namespace

BatchCheck check_batch(ByteSpan records, const TopicSettings& settings,
                       std::int16_t produce_version, std::int64_t now_ms, OpenedBytes& opened) {
  if (records.size() <= kMagicAt)
    return refuse(ErrorCode::kInvalidRecord, "Record batch is shorter than its header");
  const auto magic = static_cast<std::int8_t>(records[kMagicAt]);
  if (magic >= 0 && magic < record::kMagic) {
    return refuse(ErrorCode::kInvalidRecord,
                  "Message formats before record batch v2 are not supported");
  }
  const auto batch = record::BatchView::parse(records);
  if (!batch) return refuse(parse_error(records, magic), batch.error().text);
  if (batch->bytes().size() != records.size()) {
    return refuse(ErrorCode::kInvalidRecord,
                  "A produce request holds exactly one record batch a partition");
  }
  if (records.size() > static_cast<std::size_t>(settings.max_message_bytes)) {
    return refuse(ErrorCode::kMessageTooLarge, "The record batch has " +
                                                   std::to_string(records.size()) +
                                                   " bytes, max.message.bytes allows " +
                                                   std::to_string(settings.max_message_bytes));
  }
  if (!batch->crc_matches())
    return refuse(ErrorCode::kCorruptMessage, "Record batch CRC does not match");
  BatchCheck out = check_header(batch->header(), produce_version);
  out.header = batch->header();
  if (out.error != ErrorCode::kNone) return out;
  const bool compacted = settings.log.cleanup_policy != log::CleanupPolicy::kDelete;
  std::optional<Walked> walked;
  if (out.header.codec() == record::Codec::kNone || settings.check_compressed || compacted) {
    auto found = walk(*batch, opened);
    if (!found) return refuse(found.error());
    if (compacted && !found->survey.all_keyed) {
      out = refuse(ErrorCode::kInvalidRecord, "Compacted topic cannot accept message without key");
      out.faults = faults(*batch, *found, opened, [](const record::RecordView& record) {
        return record.key ? "" : "Compacted topic cannot accept message without key";
      });
      return out;
    }
    walked = std::move(*found);
  }
  if (out.header.timestamp_type() != record::TimestampType::kCreate) {
    out = refuse(ErrorCode::kInvalidTimestamp,
                 "Producers do not set the timestamp type to log-append time");
    // Where Kafka refuses it, it names the first record.
    if (settings.timestamp_type == record::TimestampType::kLogAppend)
      out.faults.push_back({0, out.text});
    return out;
  }
  if (settings.timestamp_type == record::TimestampType::kLogAppend) {
    record::set_log_append_time(records, now_ms);
    out.log_append_time_ms = now_ms;
    out.header.max_timestamp_ms = now_ms;
    return stored_as(std::move(out), records, settings, walked, opened);
  }
  // As Kafka does, a wrong maximum is put right: the time index and retention go by it.
  if (walked && walked->survey.newest_ms != out.header.max_timestamp_ms) {
    out.header.max_timestamp_ms = walked->survey.newest_ms;
    record::set_max_timestamp(records, walked->survey.newest_ms);
  }
  const std::int64_t oldest = walked ? walked->survey.oldest_ms : out.header.base_timestamp_ms;
  BatchCheck times = check_times(oldest, out.header.max_timestamp_ms, settings, now_ms);
  if (times.error != ErrorCode::kNone) {
    if (!walked) return times;
    times.faults = faults(*batch, *walked, opened, [&](const record::RecordView& record) {
      const std::int64_t at = record.timestamp_ms;
      const bool wrong = too_new(at, settings, now_ms) || too_old(at, settings, now_ms);
      return wrong ? "Timestamp " + std::to_string(at) + " is out of range." : std::string();
    });
    return times;
  }
  return stored_as(std::move(out), records, settings, walked, opened);
}

}  // namespace penstock::broker
