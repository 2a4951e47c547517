#include "http/surfaces/task_stream.hpp"

#include "http/front/route_table.hpp"
#include "http/surfaces/task_events.hpp"
#include "http/surfaces/task_rows.hpp"
#include "http/surfaces/task_watch.hpp"
#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

/// Passes on what arrives about a task.
class TaskStream final : public TaskWatch {
 public:
  TaskStream(Context& context, std::optional<EventId> seen) : TaskWatch{context}, x_events{seen} {}

  /// The only event of a task that was over before.
  void end_at_once(const Task& task) { end(task, {}); }

 private:
  void take(actors::TaskRefused& refused) override { refuse(refused.error); }
  void take(actors::TaskMoved& moved) override {
    begin_for(moved.task->id);
    write(x_events.moved(*moved.task, moved.at));
  }
  void take(actors::TaskData& data) override {
    write(x_events.passed(*data.data, data.first_event));
  }
  void take(actors::TaskReset& reset) override { write(x_events.reset(*reset.task)); }
  void take(actors::TaskEnded& ended) override {
    end(*ended.task, ended.tail ? std::string_view{*ended.tail} : std::string_view{});
  }

  void begin_for(TaskId task) { begin({{"X-Signalbox-Task", task.to_string()}}); }

  void end(const Task& task, std::string_view tail) {
    auto row = task_row(x_context.services, task);
    if (row.has_error()) return refuse(row.error());
    begin_for(task.id);
    write(x_events.ended(task, tail, std::move(*row)));
    end_stream();
  }

  TaskEvents x_events;
};

/// From the header, or for those who cannot set one from the query; what is no id says nothing.
Result<std::optional<EventId>> read_seen(const Request& request) {
  if (const std::string* header = find_header(request.headers, "Last-Event-ID")) {
    return parse_event_id(*header);
  }
  const auto query = parse_query(request.query);
  if (query.has_error()) return query.error();
  std::optional<EventId> seen;
  for (const auto& [name, value] : *query) {
    if (name != "last_event_id") return invalid_request("there is no such parameter", name);
    seen = parse_event_id(value);
  }
  return seen;
}

}  // namespace

void answer_task_stream(Context& context, const std::string& id) {
  const auto task = find_task(context, id, "tasks:view");
  if (task.has_error()) return context.send_error(task.error());
  const auto seen = read_seen(context.request);
  if (seen.has_error()) return context.send_error(seen.error());
  if (*seen && (*seen)->is_end) {
    // The reader has it all; a browser's EventSource asks again until it is told so.
    Response response;
    response.status = 204;
    return context.send(std::move(response));
  }
  TaskStream stream{context, *seen};
  if (is_terminal(task->state)) return stream.end_at_once(*task);
  actors::WatchTask watch;
  watch.task = task->id;
  stream.run(std::move(watch));
}

}  // namespace signalbox::http
