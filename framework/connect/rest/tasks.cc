#include <charconv>

#include "framework/connect/rest/await.h"
#include "framework/connect/rest/json_views.h"

namespace penstock::connect::rest {
namespace {

/// -1 for what is no task number, which no task has.
int number(const std::string& text) {
  int value = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size() ? value : -1;
}

}  // namespace

void add_tasks(Router& router, Herder& herder) {
  router.add("GET", "/connectors/{}/tasks", [&herder](const Request& r) {
    const auto view = one_connector(herder, r.captured[0]);
    if (!view) return view.error();
    Json out = Json::array();
    for (const auto& task : view->tasks) {
      out.push_back(
          {{"id", {{"connector", view->name}, {"task", task.id}}}, {"config", task.config}});
    }
    return ok(out);
  });
  router.add("GET", "/connectors/{}/tasks/{}/status", [&herder](const Request& r) {
    const auto none = "No status found for task " + r.captured[0] + "-" + r.captured[1];
    const auto view = one_connector(herder, r.captured[0], none);
    if (!view) return view.error();
    for (const auto& task : view->tasks) {
      if (task.id == number(r.captured[1])) return ok(task_status_json(*view, task));
    }
    return error(404, none);
  });
  router.add("POST", "/connectors/{}/tasks/{}/restart", [&herder](const Request& r) {
    const auto done = await<Nothing>([&](auto reply) {
      herder.restart_task(r.captured[0], number(r.captured[1]), std::move(reply));
    });
    return done ? Response{204, {}, {}} : failure(done.error());
  });
}

}  // namespace penstock::connect::rest
