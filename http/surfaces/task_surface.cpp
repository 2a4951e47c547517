#include "http/surfaces/task_surface.hpp"

#include <charconv>

#include "http/front/call_options.hpp"
#include "http/front/render.hpp"
#include "http/front/route_table.hpp"
#include "http/surfaces/agent_surface.hpp"
#include "http/surfaces/inference_request.hpp"
#include "http/surfaces/inference_surface.hpp"
#include "http/surfaces/task_control.hpp"
#include "http/surfaces/task_rows.hpp"
#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

constexpr std::size_t list_limit_max = 500;
constexpr std::size_t metadata_bytes_max = 16'384;
constexpr double wait_s_max = 600;
/// A page of rows with their bodies ends behind the row that makes it as long. Unit: bytes.
constexpr std::size_t page_bytes_max = std::size_t{32} * 1024 * 1024;

void send_row(Context& context, const Task& task, std::string row, int status) {
  Response response;
  response.status = status;
  response.body = std::move(row);
  if (status == 201) {
    response.headers.emplace_back("Location", "/api/v1/inference-tasks/" + task.id.to_string());
  }
  response.headers.emplace_back("X-Signalbox-Task", task.id.to_string());
  response.headers.emplace_back("X-Signalbox-Profile", task.profile);
  response.headers.emplace_back("X-Signalbox-Priority", to_string(task.priority));
  context.send(std::move(response));
}

void send_row(Context& context, const Task& task, int status = 200) {
  auto row = task_row(context.services, task);
  if (row.has_error()) return context.send_error(row.error());
  send_row(context, task, std::move(*row), status);
}

/// Of a task made just now: nothing of it has to be read back.
void send_new_row(Context& context, const Task& task, const Bytes& request,
                  const std::optional<actors::Position>& position) {
  JsonWriter json;
  write_task(json, task, TaskBodies{request, nullptr}, position);
  send_row(context, task, json.take(), 201);
}

Result<TaskKind> kind_of(const std::vector<Member>& members, std::string_view request) {
  const Member* kind = find_given(members, "kind");
  if (kind == nullptr) return kind_of_body(request);
  const auto parsed = parse_task_kind(unquote(kind->value).value_or(""));
  if (!parsed || *parsed == TaskKind::native_chat) {
    return invalid_request("kind must be chat, completion or embedding", "kind");
  }
  return *parsed;
}

/// Fields of the envelope that say the same as headers do; they win over them.
std::optional<Error> apply_envelope(const std::vector<Member>& members, const Caller& caller,
                                    CallOptions& options, actors::SubmitTask& submit) {
  if (const Member* field = find_given(members, "priority")) {
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
    const Member* field = find_given(members, name);
    if (field == nullptr) continue;
    const auto duration = read_seconds(field->value, name);
    if (duration.has_error()) return duration.error();
    *target = *duration;
  }
  if (const Member* field = find_given(members, "fail_fast")) {
    if (field->value != "true" && field->value != "false") {
      return invalid_request("fail_fast must be true or false", "fail_fast");
    }
    submit.task.fail_fast = field->value == "true";
  }
  if (const Member* field = find_given(members, "metadata")) {
    if (!field->value.starts_with('{') || field->value.size() > metadata_bytes_max) {
      return invalid_request("metadata must be an object of at most 16 KiB", "metadata");
    }
    submit.task.metadata = field->value;
  }
  return std::nullopt;
}

/// Who is to run it; at most one of the three is given.
struct Target {
  std::string llm;
  std::string agent;
  std::string model;
};

Result<Target> read_target(const std::vector<Member>& members) {
  Target target;
  bool has_one = false;
  for (const auto& [name, field] :
       {std::pair{"llm", &target.llm}, std::pair{"agent", &target.agent},
        std::pair{"model", &target.model}}) {
    auto text = read_string(members, name);
    if (text.has_error()) return text.error();
    if (!*text) continue;
    if (has_one) return invalid_request("give one of llm, agent and model", name);
    if ((*text)->empty()) return invalid_request(std::string{name} + " must be a name", name);
    *field = std::move(**text);
    has_one = true;
  }
  return target;
}

/// An agent's task: always a chat.
Result<CallOptions> read_agent_submission(Context& context, const std::vector<Member>& members,
                                          const std::string& agent, std::string_view request,
                                          actors::SubmitTask& submit) {
  const Member* kind = find_given(members, "kind");
  if (kind != nullptr && kind->value != "\"chat\"") {
    return invalid_request("an agent's task is a chat", "kind");
  }
  return prepare_agent_call(context, agent, request, submit);
}

Result<CallOptions> read_plain_submission(const Context& context,
                                          const std::vector<Member>& members, const Target& target,
                                          std::string_view request, actors::SubmitTask& submit) {
  const auto kind = kind_of(members, request);
  if (kind.has_error()) return kind.error();
  const bool has_target = !target.llm.empty() || !target.model.empty();
  const auto rule = has_target ? ModelMember::optional : ModelMember::required;
  auto inference = read_inference_request(std::string{request}, *kind, rule);
  if (inference.has_error()) return inference.error();
  submit.task.kind = *kind;
  submit.task.streaming = inference->streaming;
  submit.is_llm_only = !target.llm.empty();
  submit.target = submit.is_llm_only ? target.llm : has_target ? target.model : inference->model;
  submit.request = make_bytes(std::move(inference->body));
  submit.session = std::move(inference->session);
  submit.size = inference->size;
  return read_call_options(context.request.headers, context.caller, inference->priority,
                           default_priority(*kind));
}

Result<actors::SubmitTask> read_submission(Context& context) {
  const auto members = scan_object(context.request.body);
  if (members.has_error()) return members.error();
  const Member* request = find_member(*members, "request");
  if (request == nullptr || !request->value.starts_with('{')) {
    return invalid_request("request must be the call's body, an object", "request");
  }
  const auto target = read_target(*members);
  if (target.has_error()) return target.error();
  actors::SubmitTask submit;
  submit.is_async = true;
  auto options =
      target->agent.empty()
          ? read_plain_submission(context, *members, *target, request->value, submit)
          : read_agent_submission(context, *members, target->agent, request->value, submit);
  if (options.has_error()) return options.error();
  // Who makes a task for an agent and goes away can wait; who waits for one cannot.
  submit.task.fail_fast = false;
  if (auto error = apply_envelope(*members, context.caller, *options, submit)) return *error;
  apply_options(context, *options, "inference-tasks", submit);
  return submit;
}

}  // namespace

void answer_create_task(Context& context) {
  auto submission = read_submission(context);
  if (submission.has_error()) return context.send_error(submission.error());
  const TaskId id = submission->task.id;
  const Bytes request = submission->request;
  const auto made = submit_and_leave(context, std::move(*submission));
  if (made.has_error()) return context.send_error(made.error());
  if (made->task->id == id && made->task->state == TaskState::pending) {
    send_new_row(context, *made->task, request, made->position);
  } else {
    send_row(context, *made->task, 201);
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
      return context.send_error(invalid_request("wait_s must be 0 to 600 seconds", "wait_s"));
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
  const auto task = cancel_task(context, id);
  if (task.has_error()) return context.send_error(task.error());
  send_row(context, *task);
}

namespace {

std::optional<Error> apply_filter(const std::string& name, const std::string& value,
                                  TaskQuery& query, bool& include_bodies) {
  if (name == "status") {
    const auto state = parse_task_state(value);
    if (!state) return invalid_request("no task status is called that", "status");
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
    if (!query.cursor) return invalid_request("this is no cursor that a list gave", "cursor");
  } else if (name == "limit") {
    if (!read_number(value, query.limit) || query.limit < 1 || query.limit > list_limit_max) {
      return invalid_request("limit must be 1 to 500", "limit");
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
    return invalid_request("there is no such parameter", name);
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
  std::optional<TaskId> next_cursor = page->next_cursor;
  std::optional<TaskId> last;
  for (const Task& task : page->tasks) {
    // Without bodies no page comes near to it.
    if (json.size() >= page_bytes_max) {
      next_cursor = last;
      break;
    }
    std::optional<TaskBodies> bodies;
    if (include_bodies) {
      auto loaded = load_bodies(store, task.id);
      if (loaded.has_error()) return context.send_error(loaded.error());
      bodies = std::move(*loaded);
    }
    write_task(json, task, bodies, position_of(positions, task.id));
    last = task.id;
  }
  json.end_array().key("next_cursor");
  json.string_or_null(next_cursor ? next_cursor->to_string() : "").end_object();
  context.send_json(json.take());
}

}  // namespace signalbox::http
