#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/delete_records.h"

// DeleteRecords (key 21), versions 0-2 (KIP-107). Offset -1 means the high watermark.
namespace penstock::broker {

void handle_delete_records(RequestContext context, protocol::DeleteRecordsRequest request,
                           Reply<protocol::DeleteRecordsResponse> reply);

}  // namespace penstock::broker
