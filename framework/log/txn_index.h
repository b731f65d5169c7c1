#pragma once

#include <string>
#include <vector>

#include "framework/log/file_system.h"
#include "framework/log/producer_state.h"

// A segment's .txnindex: the aborted transactions whose abort marker lies in it. 34 bytes each, in
// marker order.
namespace penstock::log {

/// An absent file is an empty index; a partial last entry is dropped (it is rebuilt with the
/// producer state).
Result<std::vector<ProducerState::Aborted>> read_txn_index(FileSystem& system,
                                                           const std::string& path);
/// Adds those entries to `found` that overlap [from, to). True when no entry behind them does, in
/// this index or in that of a later segment. Reads a few entries more than it finds.
Result<bool> find_in_txn_index(FileSystem& system, const std::string& path, Offset from, Offset to,
                               std::vector<ProducerState::Aborted>& found);
Status append_txn_index(File& file, const ProducerState::Aborted& aborted);
/// Not synced.
Status rewrite_txn_index(FileSystem& system, const std::string& path,
                         const std::vector<ProducerState::Aborted>& all);

}  // namespace penstock::log
