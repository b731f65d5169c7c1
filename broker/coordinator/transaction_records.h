#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/coordinator/transaction.h"
#include "framework/base/error.h"

// Keys and values of __transaction_state, as Kafka writes them: keys v0; values v0, or v1 from
// transaction.version 1 on.
namespace penstock::broker {

[[nodiscard]] std::string encode_transaction_key(std::string_view transactional_id);
/// The transactional id; nullopt for a key of a kind that this broker does not know. kCorrupt when
/// it is no key.
[[nodiscard]] Result<std::optional<std::string>> decode_transaction_key(std::string_view bytes);

[[nodiscard]] std::string encode_transaction(const TransactionData& data,
                                             std::int16_t transaction_version);
[[nodiscard]] Result<TransactionData> decode_transaction(std::string_view bytes);

}  // namespace penstock::broker
