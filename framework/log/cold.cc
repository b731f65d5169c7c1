#include "framework/log/cold.h"

namespace penstock::log {

Status ColdTask::run() {
  Segment::Judge judge;
  judge.epochs = &epochs;
  judge.contiguous = contiguous;
  judge.next_segment = next_segment;
  if (spans.empty()) {
    PENSTOCK_RETURN_IF_ERROR(twin->load(judge));
    spans.push_back(twin->span_of(from, bytes_max));
    if (below) spans.push_back(twin->span_of(*below, 0));
  }
  for (const Segment::Span& span : spans) PENSTOCK_RETURN_IF_ERROR(twin->check(span, judge));
  return {};
}

}  // namespace penstock::log
