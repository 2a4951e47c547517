#include "cli/worker/worker_program.hpp"

#include <cstdio>
#include <utility>
#include <variant>

#include "cli/worker/worker_session_file.hpp"
#include "http/edge/thread.hpp"

namespace signalbox::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* workers_path = "/api/v1/workers";
constexpr milliseconds heartbeat_interval_default{30'000};
/// For the last words to a broker that may be gone.
constexpr milliseconds parting_time_max{5'000};
/// A stream that lasted this long counts as a success.
constexpr milliseconds lasting{5'000};

http::UpstreamOptions upstream_options(const WorkerOptions& options, const http::BaseUrl& base) {
  http::UpstreamOptions upstream;
  upstream.base = base;
  upstream.type = options.type;
  upstream.api_key = options.upstream_key;
  // Aborted calls of older attempts may still be ending.
  upstream.max_calls = std::size_t{4} * options.capacity;
  return upstream;
}

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

}  // namespace

WorkerProgram::WorkerProgram(WorkerOptions options, const WorkerAddresses& addresses)
    : x_options{std::move(options)},
      x_link{addresses.broker, addresses.broker_key, std::size_t{4} + x_options.capacity},
      x_state{x_options.session_file.empty() ? "" : load_session(x_options.session_file)},
      x_is_awake{!x_options.is_hibernating},
      x_runs{upstream_options(x_options, addresses.upstream), x_options.capacity, x_link,
             make_notices()},
      x_wakes{make_wake_job(), make_wake_surroundings()} {}

WorkerProgram::~WorkerProgram() = default;

int WorkerProgram::run() {
  http::Thread link;
  http::Thread heartbeat;
  const bool is_started = link.start("worker-link", [this] { keep_link(); }) &&
                          heartbeat.start("worker-beat", [this] { keep_heartbeat(); });
  if (!is_started) stop();
  {
    Lock lock{x_mutex};
    x_news.wait(lock, [this] { return x_state.failure() || x_state.is_leaving(); });
  }
  ask_for_drain();
  wait_for_runs();
  leave();
  link.join();
  heartbeat.join();
  if (!is_started) return report({ExitCode::failure, "the system has no thread to give"});
  const Lock lock{x_mutex};
  return x_state.failure() ? report(*x_state.failure()) : to_int(ExitCode::ok);
}

void WorkerProgram::stop() {
  update([](WorkerState& state) { state.take_stop(); });
}

// -- the link -------------------------------------------------------------------------------------

void WorkerProgram::keep_link() {
  if (!find_model()) return;
  while (true) {
    LinkStep step = LinkStep::end;
    {
      const Lock lock{x_mutex};
      if (!x_is_over) step = x_state.next_step();
    }
    if (step == LinkStep::end) return;
    if (step == LinkStep::enroll) {
      enroll();
    } else {
      bind();
    }
  }
}

bool WorkerProgram::find_model() {
  ReconnectPolicy policy;
  while (x_options.model.empty()) {
    const auto models = x_runs.ask_models();
    if (models.has_value() && !models->empty()) {
      x_options.model = models->front().id;
      break;
    }
    complain("waiting for the local server at " + x_options.upstream + ": " +
             (models.has_error() ? models.error().message : "it lists no model"));
    if (!pause(policy.next(chance()))) return false;
  }
  return true;
}

void WorkerProgram::enroll() {
  std::string body;
  {
    const Lock lock{x_mutex};
    body = registration_body(x_options, x_state.session(), llm_state());
  }
  const BrokerAnswer answer = x_link.call({.path = workers_path, .body = body});
  std::string session;
  bool is_ended = false;
  update([&](WorkerState& state) {
    state.take_registration(answer);
    if (state.is_enrolled()) session = state.session();
    is_ended = state.next_step() == LinkStep::end;
  });
  if (!session.empty()) {
    if (x_options.session_file.empty()) return;
    if (const auto problem = save_session(x_options.session_file, session)) complain(*problem);
    return;
  }
  if (is_ended) return;
  complain("not registered, trying again: " + describe(answer).message);
  pause(x_policy.next(chance()));
}

void WorkerProgram::bind() {
  std::string path;
  {
    const Lock lock{x_mutex};
    path = session_path() + "/stream";
  }
  const auto since = steady_clock::now();
  bool is_useful = false;
  const BrokerAnswer answer = x_link.listen(
      {.path = path,
       .on_open = [this] { on_open(); },
       .on_event = [&](const http::SseEvent& event) { is_useful |= on_event(event); }});
  bool is_ended = false;
  std::optional<milliseconds> retry;
  update([&](WorkerState& state) {
    state.take_stream_end(answer);
    retry = state.take_retry();
    is_ended = x_is_over || state.next_step() == LinkStep::end;
  });
  if (is_ended) return;
  if (is_useful || steady_clock::now() - since > lasting) x_policy.reset();
  complain(answer.status == 200 ? "the stream has ended, binding again: " + answer.reason
                                : "not bound, trying again: " + describe(answer).message);
  const milliseconds step = x_policy.next(chance());
  pause(retry.value_or(step));
}

void WorkerProgram::on_open() {
  update([](WorkerState& state) { state.take_bound(); });
  {
    const Lock lock{x_mutex};
    x_is_heartbeat_due = true;
  }
  x_news.notify_all();
  say(x_options.llm + " (" + x_options.model + " at " + x_options.upstream + ") is bound to " +
      x_options.broker);
}

bool WorkerProgram::on_event(const http::SseEvent& event) {
  const auto frame = parse_frame(event);
  if (!frame) return false;
  std::visit(Overloaded{
                 [this](const InferFrame& infer) { take_infer(infer); },
                 [this](const CancelFrame& cancel) { x_runs.abort(cancel.task); },
                 [this](const WakeFrame& wake) {
                   say("waking the local server");
                   x_wakes.take(wake.task);
                 },
                 [this](const DrainFrame& drain) {
                   update([&drain](WorkerState& state) { state.take_drain(drain); });
                   say(drain.retry ? "the broker is restarting" : "the broker takes no more");
                 },
             },
             *frame);
  return true;
}

void WorkerProgram::take_infer(const InferFrame& frame) {
  InferStep step = InferStep::ignore;
  RunHome home;
  {
    const Lock lock{x_mutex};
    step = x_state.judge(frame, x_runs.attempt_of(frame.task));
    home = {.session = x_state.session(), .registration = x_state.registration()};
  }
  if (step == InferStep::ignore) return;
  if (step == InferStep::replace) x_runs.abort(frame.task);
  if (x_runs.start(frame, x_options.model, home)) return;
  x_link.call(
      {.path = std::string{workers_path} + "/" + home.session + "/tasks/" + frame.task + "/result",
       .body = error_body("the worker has no thread to run it", true, frame.attempt)});
}

// -- heartbeats -----------------------------------------------------------------------------------

void WorkerProgram::keep_heartbeat() {
  milliseconds interval = heartbeat_interval_default;
  Lock lock{x_mutex};
  while (true) {
    x_news.wait_for(lock, interval, [this] { return x_is_over || x_is_heartbeat_due; });
    if (x_is_over) return;
    x_is_heartbeat_due = false;
    if (!x_state.is_enrolled()) continue;
    const auto registration = x_state.registration();
    std::optional<LlmState> state;
    if (x_options.is_hibernating) state = llm_state();
    const LinkCall call{.path = session_path() + "/heartbeat",
                        .body = heartbeat_body(x_options.llm, state)};
    lock.unlock();
    const BrokerAnswer answer = x_link.call(call);
    const AnswerKind kind = kind_of(answer);
    if (kind == AnswerKind::accepted) interval = read_heartbeat_interval(answer.body);
    if (kind == AnswerKind::session_gone) {
      update([&](WorkerState& current) { current.take_session_gone(registration); });
    } else if (kind == AnswerKind::unauthorized) {
      update([&](WorkerState& current) { current.take_unauthorized(answer); });
    }
    lock.lock();
  }
}

// -- the end --------------------------------------------------------------------------------------

void WorkerProgram::ask_for_drain() {
  LinkCall call{.path = "", .body = "{}", .time_max = parting_time_max};
  {
    const Lock lock{x_mutex};
    if (!x_state.is_stopping() || !x_state.is_enrolled()) return;
    call.path = session_path() + "/drain";
  }
  say("letting tasks end, then leaving");
  const BrokerAnswer answer = x_link.call(call);
  update([&answer](WorkerState& state) { state.take_drain_answer(answer); });
}

void WorkerProgram::wait_for_runs() {
  std::optional<steady_clock::time_point> deadline;
  Lock lock{x_mutex};
  while (x_runs.count() > 0 && !x_state.failure()) {
    if (x_state.is_stopping() && !deadline) {
      deadline = steady_clock::now() + std::chrono::seconds{x_options.grace_s};
    }
    if (!deadline) {
      x_news.wait(lock);
    } else if (x_news.wait_until(lock, *deadline) == std::cv_status::timeout) {
      return;
    }
  }
}

void WorkerProgram::leave() {
  LinkCall call{.method = "DELETE", .path = "", .body = "", .time_max = parting_time_max};
  {
    const Lock lock{x_mutex};
    x_is_over = true;
    const bool is_registered = x_state.registration() > 0 && !x_state.failure();
    if (is_registered && x_options.forgets) call.path = session_path();
  }
  x_news.notify_all();
  x_runs.abort_all();
  if (!call.path.empty()) x_link.call(call);
  x_link.close();
}

// -- shared ---------------------------------------------------------------------------------------

RunNotices WorkerProgram::make_notices() {
  return {.session_gone =
              [this](std::uint64_t registration) {
                update([&](WorkerState& state) { state.take_session_gone(registration); });
              },
          .unauthorized =
              [this](const BrokerAnswer& answer) {
                update([&](WorkerState& state) { state.take_unauthorized(answer); });
              },
          .local_server_is_down =
              [this] {
                const Lock lock{x_mutex};
                if (!x_options.is_hibernating) return;
                x_is_heartbeat_due |= std::exchange(x_is_awake, false);
                x_news.notify_all();
              },
          .ended =
              [this] {
                const Lock lock{x_mutex};
                x_news.notify_all();
              }};
}

WakeJob WorkerProgram::make_wake_job() {
  return {.command = x_options.wake_command,
          .time_max = std::chrono::seconds{x_options.wake_timeout_s},
          .is_up = [this] { return x_runs.ask_models().has_value(); },
          .is_given_up =
              [this] {
                const Lock lock{x_mutex};
                return x_is_over;
              }};
}

WakeSurroundings WorkerProgram::make_wake_surroundings() {
  return {.answer =
              [this](const std::string& wake, const std::string& body) {
                std::string path;
                {
                  const Lock lock{x_mutex};
                  path = session_path() + "/tasks/" + wake + "/result";
                }
                return x_link.call({.path = path, .body = body});
              },
          .pause = [this](milliseconds time) { return pause(time); },
          .is_awake_now =
              [this] {
                const Lock lock{x_mutex};
                x_is_awake = true;
              },
          .complain = [this](const std::string& problem) { complain(problem); }};
}

LlmState WorkerProgram::llm_state() const {
  return x_is_awake ? LlmState::active : LlmState::hibernating;
}

std::string WorkerProgram::session_path() const {
  return std::string{workers_path} + "/" + x_state.session();
}

void WorkerProgram::update(const std::function<void(WorkerState&)>& change) {
  bool is_gone = false;
  {
    const Lock lock{x_mutex};
    const bool was_enrolled = x_state.is_enrolled();
    change(x_state);
    is_gone = was_enrolled && !x_state.is_enrolled();
    x_news.notify_all();
  }
  if (!is_gone) return;
  // What the broker has forgotten was taken from this worker long ago.
  x_runs.abort_all();
  x_link.stop_listening();
}

bool WorkerProgram::pause(milliseconds time) {
  Lock lock{x_mutex};
  const auto is_ended = [this] { return x_is_over || x_state.next_step() == LinkStep::end; };
  return !x_news.wait_for(lock, time, is_ended);
}

double WorkerProgram::chance() {
  return static_cast<double>(x_random() - std::minstd_rand::min()) /
         static_cast<double>(std::minstd_rand::max());
}

void WorkerProgram::say(const std::string& text) {
  const Lock lock{x_mutex};
  x_said = text;
  if (x_options.is_quiet) return;
  std::fprintf(stderr, "signalbox: %s\n", to_printable(text).c_str());
}

void WorkerProgram::complain(const std::string& text) {
  const Lock lock{x_mutex};
  if (std::exchange(x_said, text) == text) return;
  std::fprintf(stderr, "signalbox: %s\n", to_printable(text).c_str());
}

}  // namespace signalbox::cli
