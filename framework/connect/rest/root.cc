#include "framework/connect/rest/json_views.h"

namespace penstock::connect::rest {

void add_root(Router& router, const ServerInfo& info) {
  router.add("GET", "/", [info](const Request&) {
    return ok({{"version", info.version}, {"commit", info.commit}, {"kafka_cluster_id", Json()}});
  });
  router.add("GET", "/health", [](const Request&) {
    return ok({{"status", "healthy"},
               {"message", "Worker has completed startup and is ready to handle requests."}});
  });
}

}  // namespace penstock::connect::rest
