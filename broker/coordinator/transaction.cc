#include "broker/coordinator/transaction.h"

namespace penstock::broker {

std::string_view to_string(TransactionState state) {
  switch (state) {
    case TransactionState::kEmpty:
      return "Empty";
    case TransactionState::kOngoing:
      return "Ongoing";
    case TransactionState::kPrepareCommit:
      return "PrepareCommit";
    case TransactionState::kPrepareAbort:
      return "PrepareAbort";
    case TransactionState::kCompleteCommit:
      return "CompleteCommit";
    case TransactionState::kCompleteAbort:
      return "CompleteAbort";
    case TransactionState::kDead:
      return "Dead";
    case TransactionState::kPrepareEpochFence:
      return "PrepareEpochFence";
  }
  return "Unknown";
}

std::optional<TransactionState> transaction_state_of(std::string_view name) {
  for (std::int8_t id = 0; id <= static_cast<std::int8_t>(TransactionState::kPrepareEpochFence);
       ++id) {
    const auto state = static_cast<TransactionState>(id);
    if (to_string(state) == name) return state;
  }
  return std::nullopt;
}

}  // namespace penstock::broker
