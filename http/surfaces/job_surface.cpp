#include "http/surfaces/job_surface.hpp"

#include "http/front/call_options.hpp"
#include "http/front/error_response.hpp"
#include "http/surfaces/inference_request.hpp"
#include "http/surfaces/inference_surface.hpp"
#include "http/surfaces/job_events.hpp"
#include "http/surfaces/job_request.hpp"
#include "http/surfaces/task_control.hpp"
#include "http/surfaces/task_rows.hpp"
#include "http/surfaces/task_watch.hpp"
#include "http/surfaces/worker_surface.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::http {
namespace {

/// To the job's words.
Error as_job_error(Error error) {
  if (error.code != ErrorCode::task_not_found) return error;
  return make_error(ErrorCode::job_not_found, "there is no such job");
}

Result<actors::SubmitTask> make_submission(const Context& context, JobRequest job) {
  const auto options = read_call_options(context.request.headers, context.caller, BodyPriority{},
                                         default_priority(TaskKind::completion));
  if (options.has_error()) return options.error();
  actors::SubmitTask submit;
  submit.task.kind = TaskKind::completion;
  submit.task.streaming = true;
  submit.target = std::move(job.model);
  submit.session = std::move(job.session);
  submit.size = declared_size(job.completion, submit.task.kind);
  submit.request = make_bytes(std::move(job.completion));
  submit.is_async = true;
  // With nobody there it is a job all the same, and its stream says so at once.
  submit.takes_absent = true;
  submit.task.fail_fast = true;
  apply_options(context, *options, "jobs", submit);
  return submit;
}

void send_job(Context& context, const Task& task) {
  const std::string id = task.id.to_string();
  JsonWriter json;
  json.begin_object().key("job_id").string(id);
  json.key("sse_url").string("/v1/jobs/" + id + "/stream").end_object();
  Response response;
  response.body = json.take();
  response.headers.emplace_back("X-Signalbox-Task", id);
  response.headers.emplace_back("X-Signalbox-Profile", task.profile);
  response.headers.emplace_back("X-Signalbox-Priority", to_string(task.priority));
  context.send(std::move(response));
}

void infer(Context& context, JobRequest job) {
  auto submission = make_submission(context, std::move(job));
  if (submission.has_error()) return context.send_error(submission.error());
  const auto made = submit_and_leave(context, std::move(*submission));
  if (made.has_error()) return context.send_error(made.error());
  send_job(context, *made->task);
}

/// Passes on a job's tokens.
class JobStream final : public TaskWatch {
 public:
  explicit JobStream(Context& context) : TaskWatch{context} {}

 private:
  void take(actors::TaskRefused& refused) override { refuse(as_job_error(refused.error)); }
  void take(actors::TaskMoved&) override { begin(); }
  void take(actors::TaskData& data) override {
    begin();
    write(x_events.passed(*data.data, data.first_event));
  }
  void take(actors::TaskReset&) override {
    if (x_events.start_over()) return;
    fail(make_error(ErrorCode::backend_stream_failed,
                    "the answer broke off and is made anew: read the stream again"));
  }
  void take(actors::TaskEnded& ended) override {
    if (ended.error.code != ErrorCode::none) return fail(ended.error);
    begin();
    write(x_events.ended(ended.body ? *ended.body : std::string_view{}));
    end_stream();
  }

  void fail(const Error& error) {
    begin();
    write(job_error_event(error_body(error, x_context.request_id)));
    end_stream();
  }

  JobEvents x_events;
};

}  // namespace

void answer_job(Context& context) {
  auto job = read_job_request(context.request.body);
  if (job.has_error()) return context.send_error(job.error());
  if (job->operation == JobOperation::status) return answer_list_workers(context);
  infer(context, std::move(*job));
}

void answer_job_stream(Context& context, const std::string& id) {
  const auto task = find_task(context, id, "tasks:view");
  if (task.has_error()) return context.send_error(as_job_error(task.error()));
  actors::WatchTask watch;
  watch.task = task->id;
  // A quick job is over before its reader asks.
  watch.wants_past = true;
  JobStream{context}.run(std::move(watch));
}

void answer_cancel_job(Context& context, const std::string& id) {
  const auto task = cancel_task(context, id);
  if (task.has_error()) return context.send_error(as_job_error(task.error()));
  JsonWriter json;
  json.begin_object().key("job_id").string(task->id.to_string());
  json.key("status").string(to_string(task->state)).end_object();
  context.send_json(json.take());
}

}  // namespace signalbox::http
