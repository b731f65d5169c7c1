#pragma once

#include "penstock/plugin.h"

namespace penstock::relational {

/// The database is there and cannot be used at this moment: locked, starting, stopping, or out of
/// connections or memory. Tasks wait for it; validation refuses no connector for it.
struct BusyError : RetriableError {
  using RetriableError::RetriableError;
};

}  // namespace penstock::relational
