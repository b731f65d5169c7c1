#include "connectors/file/file_sink.h"
#include "connectors/file/file_source.h"

namespace {

constexpr penstock::ConnectorDescriptor kConnectors[] = {penstock::file::kSource,
                                                         penstock::file::kSink};

}  // namespace

PENSTOCK_PLUGIN("file", "0.1.0", kConnectors)
