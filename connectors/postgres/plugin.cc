#include "connectors/postgres/sink.h"
#include "connectors/postgres/source.h"

namespace {

constexpr penstock::ConnectorDescriptor kConnectors[] = {
    penstock::postgres::kSource,
    penstock::postgres::kSink,
};

}  // namespace

PENSTOCK_PLUGIN("postgres", "0.1.0", kConnectors);
