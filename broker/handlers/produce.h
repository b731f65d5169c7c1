#pragma once

#include "broker/handler.h"

// Produce (key 0), versions 3-9; advertised from 0, because librdkafka before 2.11.1 turns
// compression off otherwise. v3 transactional id, record batches v2; v5 log start offset; v7 zstd;
// v8 record errors and error text (KIP-467); v9 flexible. Versions 0 to 2 are answered with
// UNSUPPORTED_VERSION for each partition. Left out: transactions (a transactional batch gets
// INVALID_TXN_STATE), record_errors (always empty), leader hints (v10), topic ids (v13).
namespace penstock::broker {

void handle_produce(RequestContext context, ByteSpan body, ReplyTo reply);

}  // namespace penstock::broker
