#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/list_offsets.h"

// ListOffsets (key 2), versions 1-11. Timestamp -1 gives the high watermark, or the last stable
// offset when read_committed; -2 the log start; -3 the record with the largest timestamp (KIP-734,
// v7); -4 the earliest local offset, which is the log start (KIP-405, v8); -5 and -6 what tiered
// storage has or waits for, which is nothing (KIP-1005, v9; KIP-1023, v11). v4 leader epoch, v6
// flexible, v10 timeout, which nothing here waits for. Left out: v0 (several offsets a partition).
namespace penstock::broker {

void handle_list_offsets(RequestContext context, protocol::ListOffsetsRequest request,
                         Reply<protocol::ListOffsetsResponse> reply);

}  // namespace penstock::broker
