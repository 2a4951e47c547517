#include "http/task_stream.hpp"

#include "http/read_members.hpp"
#include "http/route_table.hpp"
#include "http/sse_event.hpp"
#include "http/task_events.hpp"
#include "http/task_rows.hpp"

namespace signalbox::http {
namespace {

/// One reader: passes on what arrives about its task.
class TaskWatch {
 public:
  TaskWatch(Context& context, std::optional<EventId> seen) : x_context{context}, x_events{seen} {}

  void run(TaskId task) {
    Services& services = x_context.services;
    const actors::CallNumber number = services.next_call++;
    actors::WatchTask watch;
    watch.task = task;
    watch.is_observer = true;
    caf::anon_send(services.front, BeginCall{number, x_reply_box, std::move(watch)});
    watch_hang_up(x_context, number);
    while (!x_is_over) {
      const auto patience = x_has_begun ? ping_interval : ask_patience;
      auto arrival = x_reply_box->take(ReplyBox::Clock::now() + patience);
      if (arrival)
        std::visit([this](auto& each) { take(each); }, *arrival);
      else if (x_has_begun)
        write(ping_event);
      else
        refuse(make_error(ErrorCode::store_failed, "the broker did not answer in time"));
    }
    // Nobody watches any more, whoever ended it.
    caf::anon_send(services.front, HangUp{number});
  }

  /// The only event of a task that was over before.
  void end_at_once(const Task& task) { end(task, {}); }

 private:
  void take(actors::TaskRefused& refused) { refuse(refused.error); }
  void take(actors::TaskMoved& moved) {
    begin(moved.task->id);
    write(x_events.moved(*moved.task, moved.at));
  }
  void take(actors::TaskData& data) { write(x_events.passed(*data.data, data.first_event)); }
  void take(actors::TaskReset& reset) { write(x_events.reset(*reset.task)); }
  void take(actors::TaskEnded& ended) {
    end(*ended.task, ended.tail ? std::string_view{*ended.tail} : std::string_view{});
  }
  void take(HungUp&) { x_is_over = true; }
  void take(Error& error) { refuse(error); }
  /// That it was accepted or began is told by its states; nothing else comes.
  template <class Other>
  void take(Other&) {}

  void begin(TaskId task) {
    if (x_has_begun) return;
    x_has_begun = true;
    Response response;
    response.content_type = event_stream;
    response.headers.emplace_back("X-Request-Id", x_context.request_id);
    response.headers.emplace_back("X-Signalbox-Task", task.to_string());
    x_context.responder.begin_stream(response);
  }

  void write(std::string_view bytes) {
    if (bytes.empty() || !x_has_begun) return;
    if (!x_context.responder.write(bytes)) x_is_over = true;
  }

  void end(const Task& task, std::string_view tail) {
    x_is_over = true;
    auto row = task_row(x_context.services, task);
    if (row.has_error()) {
      // A stream that breaks off is asked for again.
      if (!x_has_begun) x_context.send_error(row.error());
      return;
    }
    begin(task.id);
    write(x_events.ended(task, tail, std::move(*row)));
    x_context.responder.end_stream();
  }

  void refuse(const Error& error) {
    x_is_over = true;
    if (!x_has_begun) x_context.send_error(error);
  }

  Context& x_context;
  TaskEvents x_events;
  std::shared_ptr<ReplyBox> x_reply_box = std::make_shared<ReplyBox>();
  bool x_has_begun = false;
  bool x_is_over = false;
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
  TaskWatch watch{context, *seen};
  is_terminal(task->state) ? watch.end_at_once(*task) : watch.run(task->id);
}

}  // namespace signalbox::http
