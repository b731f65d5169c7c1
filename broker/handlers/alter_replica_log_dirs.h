#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/alter_replica_log_dirs.h"

// AlterReplicaLogDirs (key 34), versions 1-2 (KIP-113). There is one log directory: a partition may
// be asked to be where it is; any other directory is LOG_DIR_NOT_FOUND.
namespace penstock::broker {

void handle_alter_replica_log_dirs(RequestContext context,
                                   protocol::AlterReplicaLogDirsRequest request,
                                   Reply<protocol::AlterReplicaLogDirsResponse> reply);

}  // namespace penstock::broker
