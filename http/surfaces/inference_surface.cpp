#include "http/surfaces/inference_surface.hpp"

#include "http/front/call_options.hpp"
#include "http/front/error_response.hpp"
#include "http/surfaces/inference_request.hpp"
#include "http/text/json_members.hpp"
#include "http/text/sse_event.hpp"
#include "http/upstream/stream_assembler.hpp"

namespace signalbox::http {
namespace {

void add_facts(Response& response, const actors::CallFacts& facts, const std::string& request_id) {
  auto& headers = response.headers;
  headers.emplace_back("X-Request-Id", request_id);
  if (!facts.task.is_nil()) headers.emplace_back("X-Signalbox-Task", facts.task.to_string());
  if (!facts.profile.empty()) {
    headers.emplace_back("X-Signalbox-Profile", facts.profile);
    headers.emplace_back("X-Signalbox-Priority", to_string(facts.priority));
  }
  if (facts.queue_wait_ms >= 0) {
    headers.emplace_back("X-Signalbox-Queue-Wait-Ms",
                         std::to_string(static_cast<std::int64_t>(facts.queue_wait_ms)));
  }
  if (!facts.backend.empty()) headers.emplace_back("X-Signalbox-Backend", facts.backend);
  headers.emplace_back("X-Signalbox-Attempts", std::to_string(facts.attempts));
}

/// One waiting caller: takes what arrives for its call and answers.
class CallAnswer {
 public:
  CallAnswer(Context& context, bool streaming, TaskKind kind)
      : x_context{context}, x_is_streaming{streaming}, x_kind{kind} {}

  void run(actors::SubmitTask submit) {
    Services& services = x_context.services;
    const actors::CallNumber number = services.next_call++;
    const auto patience_end = ReplyBox::Clock::now() + services.await_timeout;
    BeginCall begin{number, x_reply_box, std::move(submit)};
    caf::anon_send(services.front, std::move(begin));
    watch_hang_up(x_context, number);
    while (!x_is_over) {
      auto deadline = patience_end;
      if (x_has_begun) deadline = ReplyBox::Clock::now() + ping_interval;
      auto arrival = x_reply_box->take(deadline);
      if (arrival)
        std::visit([this](auto& each) { take(each); }, *arrival);
      else if (x_has_begun)
        write(ping_event);
      else
        out_of_patience(number);
    }
    x_relay.report_to(services.relay);
    if (x_is_cut) caf::anon_send(services.front, HangUp{number});
  }

 private:
  void take(actors::TaskRefused& refused) {
    // There is no task of that id.
    refused.facts.task = TaskId{};
    answer_error(refused.error, refused.facts);
  }
  void take(actors::TaskAccepted&) {}
  void take(actors::TaskBegan& began) {
    Response response;
    response.content_type = began.content_type.empty() ? event_stream : began.content_type;
    add_facts(response, began.facts, x_context.request_id);
    x_context.responder.begin_stream(response);
    x_has_begun = true;
  }
  void take(actors::TaskData& data) {
    write(*data.data);
    x_relay.handed_over(data.received_at);
  }
  void take(actors::TaskEnded& ended) {
    x_is_over = true;
    if (x_has_begun) {
      end_stream(ended);
    } else if (ended.error.code != ErrorCode::none) {
      answer_error(ended.error, ended.facts);
    } else if (x_is_streaming && is_json(ended.task->response_type)) {
      replay_as_stream(ended);
    } else {
      answer_whole(ended);
      x_relay.handed_over(ended.received_at);
    }
  }
  void take(HungUp&) { x_is_over = true; }
  void take(Error& error) {
    if (!x_has_begun) return answer_error(error, {});
    x_is_over = true;
    write_error(error);
    x_context.responder.end_stream();
  }
  /// Answers of questions; none is asked here.
  template <class Other>
  void take(Other&) {}

  static bool is_json(const std::string& type) {
    return type.empty() || type.find("json") != std::string::npos || type.starts_with(event_stream);
  }

  void write(std::string_view bytes) {
    if (x_context.responder.write(bytes)) return;
    x_is_over = true;
    x_is_cut = true;
  }

  // No [DONE] behind it: SDKs take a polite end for success.
  void write_error(const Error& error) {
    write("data: " + error_body(error, x_context.request_id) + "\n\n");
  }

  void end_stream(const actors::TaskEnded& ended) {
    if (ended.error.code != ErrorCode::none) {
      write_error(ended.error);
    } else if (ended.tail) {
      write(*ended.tail);
    }
    x_context.responder.end_stream();
  }

  void replay_as_stream(const actors::TaskEnded& ended) {
    Response response;
    response.content_type = event_stream;
    add_facts(response, ended.facts, x_context.request_id);
    x_context.responder.begin_stream(response);
    write(synthesize_events(ended.body ? *ended.body : "", x_kind));
    x_context.responder.end_stream();
  }

  void answer_whole(const actors::TaskEnded& ended) {
    Response response;
    const std::string& type = ended.task->response_type;
    if (!type.empty() && !type.starts_with(event_stream)) response.content_type = type;
    if (ended.body) response.body = *ended.body;
    add_facts(response, ended.facts, x_context.request_id);
    x_context.responder.send(std::move(response));
  }

  void answer_error(const Error& error, const actors::CallFacts& facts) {
    x_is_over = true;
    Response response = error_response(error, x_context.request_id);
    add_facts(response, facts, x_context.request_id);
    x_context.responder.send(std::move(response));
  }

  void out_of_patience(actors::CallNumber number) {
    caf::anon_send(x_context.services.front, LeaveCall{number});
    answer_error(make_error(ErrorCode::await_timeout,
                            "the task goes on, but this request waited as long as it may: ask "
                            "for the task by its id"),
                 {});
  }

  Context& x_context;
  bool x_is_streaming;
  TaskKind x_kind;
  std::shared_ptr<ReplyBox> x_reply_box = std::make_shared<ReplyBox>();
  /// The end of a stream is held back until it is durable, and is not counted.
  RelayTimer x_relay;
  bool x_has_begun = false;
  bool x_is_over = false;
  bool x_is_cut = false;
};

void submit_inference(Context& context, TaskKind kind, std::string_view route,
                      ModelMember model_rule, const std::string& llm) {
  auto read = read_inference_request(context.request.body, kind, model_rule);
  if (read.has_error()) return context.send_error(read.error());
  InferenceRequest& inference = *read;
  const auto options = read_call_options(context.request.headers, context.caller,
                                         inference.priority, default_priority(kind));
  if (options.has_error()) return context.send_error(options.error());
  actors::SubmitTask submit;
  submit.task.kind = kind;
  submit.task.streaming = inference.streaming;
  submit.task.fail_fast = !llm.empty();
  submit.is_llm_only = !llm.empty();
  submit.target = llm.empty() ? inference.model : llm;
  submit.request = make_bytes(std::move(inference.body));
  submit.session = std::move(inference.session);
  submit.size = inference.size;
  apply_options(context, *options, route, submit);
  run_call(context, std::move(submit));
}

}  // namespace

TaskKind kind_of_body(std::string_view body) {
  if (!value_of(body, "messages").empty()) return TaskKind::chat;
  if (!value_of(body, "prompt").empty()) return TaskKind::completion;
  if (!value_of(body, "input").empty()) return TaskKind::embedding;
  return TaskKind::chat;
}

void apply_options(const Context& context, const CallOptions& options, std::string_view route,
                   actors::SubmitTask& submit) {
  Task& task = submit.task;
  task.id = TaskId{context.services.ports.ids->next()};
  task.priority = options.priority;
  task.profile = options.profile;
  task.owner = context.caller.owner;
  task.description = options.description;
  task.request_id = context.request_id;
  task.traceparent = options.traceparent;
  // What the body says holds where no header does.
  if (!options.session.empty()) submit.session = options.session;
  submit.queue_wait = options.queue_wait;
  submit.inference = options.inference;
  if (!options.idempotency_key.empty()) {
    // Kept per owner and route. No part can hold the separator.
    task.idempotency_hash =
        sha256_hex(task.owner + '\n' + std::string{route} + '\n' + options.idempotency_key);
    task.request_hash = sha256_hex(context.request.body);
  }
}

void run_call(Context& context, actors::SubmitTask submit) {
  ++context.services.calls_in_progress;
  CallAnswer answer{context, submit.task.streaming, submit.task.kind};
  answer.run(std::move(submit));
  --context.services.calls_in_progress;
}

void answer_inference(Context& context, TaskKind kind) {
  submit_inference(context, kind, context.request.path, ModelMember::required, {});
}

void answer_llm_infer(Context& context, const std::string& llm) {
  if (auto valid = check_json(context.request.body); valid.has_error()) {
    return context.send_error(valid.error());
  }
  submit_inference(context, kind_of_body(context.request.body), "infer", ModelMember::optional,
                   llm);
}

}  // namespace signalbox::http
