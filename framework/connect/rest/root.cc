#include "framework/connect/rest/await.h"
#include "framework/connect/rest/json_views.h"

namespace penstock::connect::rest {

void add_root(Router& router, const ServerInfo& info, Herder& herder,
              std::chrono::milliseconds health_timeout) {
  router.add("GET", "/", [info](const Request&) {
    return ok({{"version", info.version}, {"commit", info.commit}, {"kafka_cluster_id", Json()}});
  });
  // KIP-1017: whether the thread that everything needs still takes requests.
  router.add("GET", "/health", [&herder, health_timeout](const Request&) {
    const auto done =
        await_within<Nothing>(health_timeout, [&](auto reply) { herder.health(std::move(reply)); });
    if (done && !*done) return failure(done->error());
    if (done) {
      return ok({{"status", "healthy"},
                 {"message", "Worker has completed startup and is ready to handle requests."}});
    }
    if (!herder.is_ready())
      return ok({{"status", "starting"}, {"message", "Worker is still starting up."}}, 503);
    return ok({{"status", "unhealthy"},
               {"message",
                "Worker was unable to handle this request and may be unable to handle other "
                "requests."}},
              500);
  });
}

}  // namespace penstock::connect::rest
