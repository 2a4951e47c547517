#include "http/task_surface.hpp"

#include <charconv>

#include "http/call_options.hpp"
#include "http/inference_request.hpp"
#include "http/inference_surface.hpp"
#include "http/json_members.hpp"
#include "http/render.hpp"
#include "http/route_table.hpp"

namespace signalbox::http {
namespace {

constexpr std::size_t list_limit_max = 500;
constexpr std::size_t metadata_bytes_max = 16'384;
constexpr double wait_s_max = 600;

Error invalid(std::string message, std::string param) {
  return make_error(ErrorCode::invalid_request, std::move(message)).at_param(std::move(param));
}

Error no_such_task() {
  return make_error(ErrorCode::task_not_found, "there is no such task");
}

/// @returns the task when the caller may see it; another owner's is not there for it.
Result<Task> find_task(const Context& context, const std::string& id, std::string_view grant) {
  const auto parsed = TaskId::parse(id);
  if (!parsed) return no_such_task();
  auto loaded = context.services.ports.store->load(*parsed);
  if (loaded.has_error()) return loaded.error();
  if (!loaded->has_value()) return no_such_task();
  Task& task = **loaded;
  const bool is_own = task.owner == context.caller.owner;
  if (!is_own && !context.caller.may(grant)) return no_such_task();
  return std::move(task);
}

std::vector<actors::Position> find_positions(Services& services, const std::vector<Task>& tasks) {
  actors::FindPositions question;
  for (const Task& task : tasks) {
    if (task.state == TaskState::pending) question.tasks.emplace_back(task.profile, task.id);
  }
  if (question.tasks.empty()) return {};
  auto answer = ask<actors::Positions>(services, std::move(question));
  return answer.has_error() ? std::vector<actors::Position>{} : std::move(answer->positions);
}

std::optional<actors::Position> position_of(const std::vector<actors::Position>& all, TaskId task) {
  for (const auto& each : all) {
    if (each.task == task) return each;
  }
  return std::nullopt;
}

Result<TaskBodies> load_bodies(const TaskStore& store, TaskId id) {
  auto request = store.load_body(id, BodyKind::request);
  if (request.has_error()) return request.error();
  auto response = store.load_body(id, BodyKind::response);
  if (response.has_error()) return response.error();
  return TaskBodies{*request, *response};
}

void send_row(Context& context, const Task& task, int status = 200) {
  const auto bodies = load_bodies(*context.services.ports.store, task.id);
  if (bodies.has_error()) return context.send_error(bodies.error());
  const auto positions = find_positions(context.services, {task});
  JsonWriter json;
  write_task(json, task, *bodies, position_of(positions, task.id));
  Response response;
  response.status = status;
  response.body = json.take();
  if (status == 201) {
    response.headers.emplace_back("Location", "/api/v1/inference-tasks/" + task.id.to_string());
  }
  response.headers.emplace_back("X-Signalbox-Task", task.id.to_string());
  response.headers.emplace_back("X-Signalbox-Profile", task.profile);
  response.headers.emplace_back("X-Signalbox-Priority", to_string(task.priority));
  context.send(std::move(response));
}

/// Watches a task until it ended or `deadline`; the thread waits, the task does not notice.
void wait_for_end(Context& context, TaskId id, ReplyBox::Clock::time_point deadline) {
  Services& services = context.services;
  const actors::CallNumber number = services.next_call++;
  const auto reply_box = std::make_shared<ReplyBox>();
  actors::WatchTask watch;
  watch.task = id;
  caf::anon_send(services.front, BeginCall{number, reply_box, std::move(watch)});
  context.responder.on_hang_up(
      [front = services.front, number] { caf::anon_send(front, LeaveCall{number}); });
  while (auto arrival = reply_box->take(deadline)) {
    const bool is_end = std::holds_alternative<actors::TaskEnded>(*arrival) ||
                        std::holds_alternative<actors::TaskRefused>(*arrival) ||
                        std::holds_alternative<HungUp>(*arrival);
    if (is_end) break;
  }
  caf::anon_send(services.front, LeaveCall{number});
}

Result<TaskKind> kind_of(const std::vector<Member>& members, std::string_view request) {
  if (const Member* kind = find_member(members, "kind"); kind != nullptr && kind->value != "null") {
    const auto parsed = parse_task_kind(unquote(kind->value).value_or(""));
    if (!parsed || *parsed == TaskKind::native_chat) {
      return invalid("kind must be chat, completion or embedding", "kind");
    }
    return *parsed;
  }
  if (!value_of(request, "messages").empty()) return TaskKind::chat;
  if (!value_of(request, "prompt").empty()) return TaskKind::completion;
  if (!value_of(request, "input").empty()) return TaskKind::embedding;
  return TaskKind::chat;
}

/// Fields of the envelope that say the same as headers do; they win over them.
std::optional<Error> apply_envelope(const std::vector<Member>& members, const Caller& caller,
                                    CallOptions& options, actors::SubmitTask& submit) {
  if (const Member* field = find_member(members, "priority");
      field != nullptr && field->value != "null") {
    const auto priority = parse_priority(unquote(field->value).value_or(""));
    if (!priority) {
      return make_error(ErrorCode::invalid_priority,
                        "priority must be interactive, workflow or background")
          .at_param("priority");
    }
    options.priority = cap_priority(*priority, caller.max_priority);
  }
  for (const auto& [name, target] : {std::pair{"queue_wait_s", &options.queue_wait},
                                     std::pair{"inference_s", &options.inference}}) {
    const Member* field = find_member(members, name);
    if (field == nullptr || field->value == "null") continue;
    const auto duration = read_seconds(field->value, name);
    if (duration.has_error()) return duration.error();
    *target = *duration;
  }
  if (const Member* field = find_member(members, "fail_fast");
      field != nullptr && field->value != "null") {
    if (field->value != "true" && field->value != "false") {
      return invalid("fail_fast must be true or false", "fail_fast");
    }
    submit.task.fail_fast = field->value == "true";
  }
  if (const Member* field = find_member(members, "metadata");
      field != nullptr && field->value != "null") {
    if (!field->value.starts_with('{') || field->value.size() > metadata_bytes_max) {
      return invalid("metadata must be an object of at most 16 KiB", "metadata");
    }
    submit.task.metadata = field->value;
  }
  return std::nullopt;
}

/// @returns the one name given as `llm` or `model`.
Result<std::string> read_target(const std::vector<Member>& members, actors::SubmitTask& submit) {
  std::string target;
  for (const char* name : {"llm", "model"}) {
    const Member* field = find_member(members, name);
    if (field == nullptr || field->value == "null") continue;
    if (!target.empty()) return invalid("give one of llm, agent and model", name);
    target = unquote(field->value).value_or("");
    if (target.empty()) return invalid(std::string{name} + " must be a name", name);
    submit.is_llm_only = std::string_view{name} == "llm";
  }
  return target;
}

Result<actors::SubmitTask> read_submission(const Context& context) {
  const std::string& body = context.request.body;
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  const Member* request = find_member(*members, "request");
  if (request == nullptr || !request->value.starts_with('{')) {
    return invalid("request must be the call's body, an object", "request");
  }
  actors::SubmitTask submit;
  submit.is_async = true;
  const auto kind = kind_of(*members, request->value);
  if (kind.has_error()) return kind.error();
  auto target = read_target(*members, submit);
  if (target.has_error()) return target.error();
  const auto rule = target->empty() ? ModelMember::required : ModelMember::optional;
  auto inference = read_inference_request(std::string{request->value}, *kind, rule);
  if (inference.has_error()) return inference.error();
  auto options = read_call_options(context.request.headers, context.caller, inference->priority,
                                   default_priority(*kind));
  if (options.has_error()) return options.error();
  if (auto error = apply_envelope(*members, context.caller, *options, submit)) return *error;
  submit.task.kind = *kind;
  submit.task.streaming = inference->streaming;
  submit.target = target->empty() ? inference->model : *target;
  submit.request = make_bytes(std::move(inference->body));
  apply_options(context, *options, "inference-tasks", submit);
  return submit;
}

}  // namespace

void answer_create_task(Context& context) {
  auto submission = read_submission(context);
  if (submission.has_error()) return context.send_error(submission.error());
  Services& services = context.services;
  const actors::CallNumber number = services.next_call++;
  const auto reply_box = std::make_shared<ReplyBox>();
  caf::anon_send(services.front, BeginCall{number, reply_box, std::move(*submission)});
  auto arrival = reply_box->take(ReplyBox::Clock::now() + services.await_timeout);
  caf::anon_send(services.front, LeaveCall{number});
  if (!arrival) {
    context.send_error(make_error(ErrorCode::await_timeout, "the broker did not answer in time"));
  } else if (const auto* accepted = std::get_if<actors::TaskAccepted>(&*arrival)) {
    send_row(context, *accepted->task, 201);
  } else if (const auto* refused = std::get_if<actors::TaskRefused>(&*arrival)) {
    context.send_error(refused->error);
  } else if (const auto* ended = std::get_if<actors::TaskEnded>(&*arrival)) {
    send_row(context, *ended->task, 201);
  }
}

void answer_get_task(Context& context, const std::string& id) {
  auto task = find_task(context, id, "tasks:view");
  if (task.has_error()) return context.send_error(task.error());
  const auto query = parse_query(context.request.query);
  if (query.has_error()) return context.send_error(query.error());
  for (const auto& [name, value] : *query) {
    if (name != "wait_s") continue;
    double seconds = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (read.ec != std::errc{} || !(seconds >= 0) || seconds > wait_s_max) {
      return context.send_error(invalid("wait_s must be 0 to 600 seconds", "wait_s"));
    }
    if (is_terminal(task->state)) continue;
    const auto patience =
        std::chrono::duration_cast<ReplyBox::Clock::duration>(from_seconds(seconds));
    wait_for_end(context, task->id, ReplyBox::Clock::now() + patience);
    task = find_task(context, id, "tasks:view");
    if (task.has_error()) return context.send_error(task.error());
  }
  send_row(context, *task);
}

void answer_cancel_task(Context& context, const std::string& id) {
  auto task = find_task(context, id, "tasks:delete");
  if (task.has_error()) return context.send_error(task.error());
  if (!is_terminal(task->state)) {
    const auto done = ask<actors::Done>(context.services, actors::CancelTask{task->id});
    if (done.has_error()) return context.send_error(done.error());
    wait_for_end(context, task->id, ReplyBox::Clock::now() + std::chrono::seconds{10});
    task = find_task(context, id, "tasks:delete");
    if (task.has_error()) return context.send_error(task.error());
  }
  send_row(context, *task);
}

namespace {

std::optional<Error> apply_filter(const std::string& name, const std::string& value,
                                  TaskQuery& query, bool& include_bodies) {
  if (name == "status") {
    const auto state = parse_task_state(value);
    if (!state) return invalid("no task status is called that", "status");
    query.states.push_back(*state);
  } else if (name == "priority") {
    query.priority = parse_priority(value);
    if (!query.priority) {
      return make_error(ErrorCode::invalid_priority,
                        "priority must be interactive, workflow or background")
          .at_param("priority");
    }
  } else if (name == "cursor") {
    query.cursor = TaskId::parse(value);
    if (!query.cursor) return invalid("this is no cursor that a list gave", "cursor");
  } else if (name == "limit") {
    const auto read = std::from_chars(value.data(), value.data() + value.size(), query.limit);
    if (read.ec != std::errc{} || read.ptr != value.data() + value.size() || query.limit < 1 ||
        query.limit > list_limit_max) {
      return invalid("limit must be 1 to 500", "limit");
    }
  } else if (name == "pool") {
    query.pool = value;
  } else if (name == "llm") {
    query.llm = value;
  } else if (name == "agent") {
    query.agent = value;
  } else if (name == "owner") {
    query.owner = value;
  } else if (name == "include") {
    include_bodies = value == "bodies";
  } else {
    return invalid("there is no such parameter", name);
  }
  return std::nullopt;
}

}  // namespace

void answer_list_tasks(Context& context) {
  const auto parameters = parse_query(context.request.query);
  if (parameters.has_error()) return context.send_error(parameters.error());
  TaskQuery query;
  bool include_bodies = false;
  for (const auto& [name, value] : *parameters) {
    if (auto error = apply_filter(name, value, query, include_bodies)) {
      return context.send_error(*error);
    }
  }
  const bool sees_all = context.caller.may("tasks:view");
  if (!sees_all && !query.owner.empty() && query.owner != context.caller.owner) {
    return context.send_json(R"({"tasks":[],"next_cursor":null})");
  }
  if (!sees_all) query.owner = context.caller.owner;
  const TaskStore& store = *context.services.ports.store;
  const auto page = store.list(query);
  if (page.has_error()) return context.send_error(page.error());
  const auto positions = find_positions(context.services, page->tasks);
  JsonWriter json;
  json.begin_object().key("tasks").begin_array();
  for (const Task& task : page->tasks) {
    std::optional<TaskBodies> bodies;
    if (include_bodies) {
      auto loaded = load_bodies(store, task.id);
      if (loaded.has_error()) return context.send_error(loaded.error());
      bodies = std::move(*loaded);
    }
    write_task(json, task, bodies, position_of(positions, task.id));
  }
  json.end_array().key("next_cursor");
  json.string_or_null(page->next_cursor ? page->next_cursor->to_string() : "").end_object();
  context.send_json(json.take());
}

}  // namespace signalbox::http
