#include "tests/support/worker_fixture.hpp"

namespace signalbox::testing {
namespace {

using Logs = std::map<actors::CallNumber, ChannelLog>;

void note(ChannelLog& log, const actors::WorkerFrame& message) {
  if (const auto* infer = std::get_if<actors::WorkerFrame::Infer>(&message.frame)) {
    log.infers.push_back(*infer);
  } else if (const auto* wake = std::get_if<actors::WorkerFrame::Wake>(&message.frame)) {
    log.wakes.push_back(*wake);
  } else if (const auto* cancel = std::get_if<actors::WorkerFrame::Cancel>(&message.frame)) {
    log.cancels.push_back(cancel->task);
  } else {
    ++log.drains;
  }
}

actors::WorkerChannel::behavior_type channel(actors::WorkerChannel::pointer,
                                             std::shared_ptr<Logs> logs) {
  return {
      [logs](const actors::ChannelOpened& message) { (*logs)[message.channel].is_open = true; },
      [logs](const actors::WorkerFrame& message) { note((*logs)[message.channel], message); },
      [logs](const actors::ChannelClosed& message) {
        (*logs)[message.channel].is_open = false;
        (*logs)[message.channel].closed = message.error;
      },
  };
}

/// Channels are numbered over all workers of a test.
actors::CallNumber next_channel = 1;

}  // namespace

OfferedLlm offered(const std::string& name, std::uint32_t capacity, const std::string& pool,
                   LlmStatus status) {
  OfferedLlm llm;
  llm.name = name;
  llm.type = "openai";
  llm.model = "model-of-" + name;
  llm.pool = pool;
  llm.capacity = capacity;
  llm.status = status;
  return llm;
}

WorkerFixture::WorkerFixture(HouseFixture& house)
    : x_house{house}, x_logs{std::make_shared<Logs>()} {
  key.owner = "worker";
  x_handle = house.world().system().spawn(channel, x_logs);
  house.world().adopt(caf::actor_cast<caf::actor>(x_handle));
}

actors::SessionAnswer WorkerFixture::offer(std::vector<OfferedLlm> llms) {
  const auto answer =
      ask<actors::SessionAnswer>(x_house.world(), x_house.house().registrar,
                                 actors::RegisterWorker{key, "10.0.0.1", std::move(llms)});
  if (answer.error.code == ErrorCode::none) key.session = answer.status.session;
  return answer;
}

void WorkerFixture::bind() {
  x_channel = next_channel++;
  caf::anon_send(x_house.house().registrar, actors::BindWorker{key, x_channel, x_handle});
  x_house.world().run();
}

void WorkerFixture::unbind() {
  caf::anon_send(x_house.house().registrar, actors::UnbindWorker{key.session, x_channel});
  x_house.world().run();
}

actors::SessionAnswer WorkerFixture::heartbeat(
    std::vector<std::pair<std::string, LlmStatus>> llms) {
  return ask<actors::SessionAnswer>(x_house.world(), x_house.house().registrar,
                                    actors::WorkerHeartbeat{key, std::move(llms)});
}

actors::WorkerReply WorkerFixture::chunk(TaskId task, std::vector<std::string> data,
                                         std::optional<std::uint32_t> attempt) {
  return ask<actors::WorkerReply>(x_house.world(), x_house.house().registrar,
                                  actors::WorkerChunks{key, task, attempt, std::move(data)});
}

actors::WorkerReply WorkerFixture::finish(TaskId task, const std::string& body,
                                          std::optional<std::uint32_t> attempt) {
  return bring(
      {key, task, attempt, actors::WorkerResult::Whole{200, "application/json", make_bytes(body)}});
}

actors::WorkerReply WorkerFixture::done(TaskId task) {
  return bring({key, task, {}, actors::WorkerResult::StreamDone{}});
}

actors::WorkerReply WorkerFixture::fail(TaskId task, bool is_retryable) {
  BackendFailed failed;
  failed.error = make_error(ErrorCode::backend_error, "out of memory");
  failed.retryable = is_retryable;
  return bring({key, task, {}, std::move(failed)});
}

actors::WorkerReply WorkerFixture::bring(actors::WorkerResult result) {
  return ask<actors::WorkerReply>(x_house.world(), x_house.house().registrar, std::move(result));
}

void WorkerFixture::drain() {
  ask<actors::SessionAnswer>(x_house.world(), x_house.house().registrar, actors::DrainWorker{key});
}

actors::SessionAnswer WorkerFixture::leave() {
  return ask<actors::SessionAnswer>(x_house.world(), x_house.house().registrar,
                                    actors::LeaveWorker{key});
}

actors::SessionStatus WorkerFixture::status() {
  return ask<actors::SessionAnswer>(x_house.world(), x_house.house().registrar,
                                    actors::GetWorker{key})
      .status;
}

std::vector<TaskId> WorkerFixture::sent() {
  std::vector<TaskId> ids;
  for (const auto& infer : log().infers) ids.push_back(infer.task->id);
  return ids;
}

}  // namespace signalbox::testing
