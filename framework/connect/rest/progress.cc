#include "framework/connect/rest/json_views.h"

namespace penstock::connect::rest {

void add_progress(Router& router, Herder& herder) {
  router.add("GET", "/connectors/{}/progress", [&herder](const Request& r) {
    const auto view = one_connector(herder, r.captured[0]);
    if (!view) return view.error();
    Json tasks = Json::array();
    for (const auto& task : view->tasks) {
      Json one{{"id", task.id},
               {"generation", task.generation},
               {"state", task.state},
               {"restarts", task.restarts},
               {"attempts", task.attempts},
               {"budget", task.budget},
               {"given_up", task.given_up},
               {"caught_up", task.caught_up},
               {"finished", task.finished},
               {"metrics", task.metrics}};
      if (!task.trace.empty()) one["trace"] = task.trace;
      if (task.next_retry_in_ms) one["next_retry_in_ms"] = *task.next_retry_in_ms;
      tasks.push_back(std::move(one));
    }
    Json out{{"name", view->name},         {"generation", view->generation},
             {"type", view->type},         {"state", view->state},
             {"restarts", view->restarts}, {"given_up", view->given_up},
             {"tasks", std::move(tasks)}};
    if (!view->trace.empty()) out["trace"] = view->trace;
    if (view->next_retry_in_ms) out["next_retry_in_ms"] = *view->next_retry_in_ms;
    return ok(out);
  });
}

}  // namespace penstock::connect::rest
