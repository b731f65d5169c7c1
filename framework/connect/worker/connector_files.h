#pragma once

#include <string>

#include "framework/connect/herder/herder.h"

namespace penstock::connect {

/// Reads a connector file as Connect's standalone mode takes it: .properties, or JSON as for POST
/// /connectors or PUT .../config. Errors name the file.
Result<Herder::Put> read_connector_file(const std::string& path);

}  // namespace penstock::connect
