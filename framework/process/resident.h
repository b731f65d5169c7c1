#pragma once

#include <sys/types.h>

#include <cstdint>

namespace penstock::process {

/// Resident memory of a process as the kernel says now; 0 when it is gone.
std::int64_t resident_bytes(pid_t pid);

}  // namespace penstock::process
