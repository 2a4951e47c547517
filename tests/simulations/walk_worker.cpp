#include "tests/simulations/walk_worker.hpp"

namespace signalbox::testing {
namespace {

/// Channels of all walks differ from those of WorkerFixture.
actors::CallNumber next_walk_channel = 1U << 30U;

/// Asks without waiting; `note` gets the answer, if one comes.
template <class Answer, class Handle, class Question, class Note>
void ask_later(sim::VirtualSystem& world, const Handle& actor, Question question, Note note) {
  const auto asker = [question, note](caf::event_based_actor* self, const Handle& whom) {
    self->request(whom, std::chrono::seconds{60}, question)
        .then([note](const Answer& answer) { note(answer); }, [](const caf::error&) {});
  };
  world.system().spawn(asker, actor);
}

}  // namespace

WalkWorker::WalkWorker(HouseFixture& house, std::vector<OfferedLlm> llms)
    : x_house{house}, x_llms{std::move(llms)} {
  x_state->key.owner = "worker";
  reconnect();
}

void WalkWorker::reconnect() {
  x_state->is_open = false;
  x_state->wakes.clear();
  x_handle = x_house.world().system().spawn(channel, x_state);
  x_house.world().adopt(caf::actor_cast<caf::actor>(x_handle));
}

void WalkWorker::note(State& state, const actors::WorkerFrame& message) {
  if (message.channel != state.channel) return;
  if (const auto* infer = std::get_if<actors::WorkerFrame::Infer>(&message.frame)) {
    state.jobs.push_back({infer->task->id, infer->attempt, false});
  } else if (const auto* wake = std::get_if<actors::WorkerFrame::Wake>(&message.frame)) {
    state.wakes.push_back(wake->id);
  } else if (const auto* cancel = std::get_if<actors::WorkerFrame::Cancel>(&message.frame)) {
    std::erase_if(state.jobs, [&](const Job& job) { return job.task == cancel->task; });
  }
}

actors::WorkerChannel::behavior_type WalkWorker::channel(actors::WorkerChannel::pointer,
                                                         std::shared_ptr<State> state) {
  return {
      [state](const actors::ChannelOpened& message) {
        if (message.channel == state->channel) state->is_open = true;
      },
      [state](const actors::WorkerFrame& message) { note(*state, message); },
      [state](const actors::ChannelClosed& message) {
        if (message.channel == state->channel) state->is_open = false;
      },
  };
}

void WalkWorker::offer() {
  ask_later<actors::SessionAnswer>(x_house.world(), x_house.house().registrar,
                                   actors::RegisterWorker{x_state->key, "10.0.0.1", x_llms},
                                   [state = x_state](const actors::SessionAnswer& answer) {
                                     if (answer.error.code == ErrorCode::none)
                                       state->key.session = answer.status.session;
                                   });
}

void WalkWorker::bind() {
  x_state->channel = next_walk_channel++;
  x_state->is_open = false;
  caf::anon_send(x_house.house().registrar,
                 actors::BindWorker{x_state->key, x_state->channel, x_handle});
}

void WalkWorker::unbind() {
  x_state->is_open = false;
  caf::anon_send(x_house.house().registrar,
                 actors::UnbindWorker{x_state->key.session, x_state->channel});
}

void WalkWorker::heartbeat(std::vector<std::pair<std::string, LlmStatus>> llms) {
  caf::anon_send(x_house.house().registrar, actors::WorkerHeartbeat{x_state->key, std::move(llms)});
}

void WalkWorker::drain() {
  caf::anon_send(x_house.house().registrar, actors::DrainWorker{x_state->key});
}

void WalkWorker::leave() {
  caf::anon_send(x_house.house().registrar, actors::LeaveWorker{x_state->key});
}

void WalkWorker::chunk(Job& job) {
  job.has_chunks = true;
  caf::anon_send(x_house.house().registrar,
                 actors::WorkerChunks{x_state->key, job.task, job.attempt, {"part"}});
}

void WalkWorker::finish(const Job& job) {
  actors::WorkerResult result{
      x_state->key, job.task, job.attempt,
      actors::WorkerResult::Whole{200, "application/json", make_bytes("answer")}};
  if (job.has_chunks) result.outcome = actors::WorkerResult::StreamDone{};
  bring(std::move(result), true);
}

void WalkWorker::fail(const Job& job, bool is_retryable) {
  BackendFailed failed;
  failed.error = make_error(ErrorCode::backend_error, "out of memory");
  failed.retryable = is_retryable;
  bring({x_state->key, job.task, job.attempt, std::move(failed)}, false);
}

void WalkWorker::answer_wake(TaskId wake, bool is_well) {
  actors::WorkerResult result{x_state->key, wake, {}, actors::WorkerResult::Whole{}};
  if (!is_well) result.outcome = BackendFailed{make_error(ErrorCode::backend_error, "no"), false};
  caf::anon_send(x_house.house().registrar, std::move(result));
}

void WalkWorker::bring(actors::WorkerResult result, bool is_success) {
  const Receipt receipt{result.task, x_state->key.session, is_success};
  ask_later<actors::WorkerReply>(x_house.world(), x_house.house().registrar, std::move(result),
                                 [state = x_state, receipt](const actors::WorkerReply& reply) {
                                   // What it repeats may have been accepted as another outcome.
                                   const bool is_first =
                                       reply.error.code == ErrorCode::none && !reply.is_duplicate;
                                   if (is_first) state->receipts.push_back(receipt);
                                 });
}

}  // namespace signalbox::testing
