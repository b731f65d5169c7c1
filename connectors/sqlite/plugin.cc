#include "connectors/sqlite/sink.h"
#include "connectors/sqlite/source.h"

namespace {

constexpr penstock::ConnectorDescriptor kConnectors[] = {
    penstock::sqlite::kSource,
    penstock::sqlite::kSink,
};

}  // namespace

PENSTOCK_PLUGIN("sqlite", "0.1.0", kConnectors);
