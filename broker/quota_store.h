#pragma once

#include <string>
#include <vector>

#include "broker/client_quotas.h"
#include "framework/base/error.h"

namespace penstock::broker {

class Broker;

/// One entity's quotas as they are to be; none takes it out.
struct QuotaChange {
  QuotaEntity entity;
  QuotaValues values;
};

/// Both on the control thread. What is stored is in force when they return.
Status load_quotas(Broker& broker);
Status store_quotas(Broker& broker, const std::vector<QuotaChange>& changes);

}  // namespace penstock::broker
