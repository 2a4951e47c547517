// A worker on the virtual clock: it registers, binds and answers by messages, and remembers what it
// was told.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {

/// What came over one channel.
struct ChannelLog {
  bool is_open = false;
  std::optional<Error> closed;
  std::vector<actors::WorkerFrame::Infer> infers;
  std::vector<actors::WorkerFrame::Wake> wakes;
  std::vector<TaskId> cancels;
  int drains = 0;
};

OfferedLlm offered(const std::string& name, std::uint32_t capacity = 1,
                   const std::string& pool = {}, LlmStatus status = LlmStatus::active);

class WorkerFixture {
 public:
  explicit WorkerFixture(HouseFixture& house);

  /// Registers under the id it has, if it has one.
  actors::SessionAnswer offer(std::vector<OfferedLlm> llms);
  /// Opens a new channel; log() is its log from now on.
  void bind();
  /// Its connection breaks.
  void unbind();
  actors::SessionAnswer heartbeat(std::vector<std::pair<std::string, LlmStatus>> llms = {});
  actors::WorkerReply chunk(TaskId task, std::vector<std::string> data,
                            std::optional<std::uint32_t> attempt = {});
  actors::WorkerReply finish(TaskId task, const std::string& body,
                             std::optional<std::uint32_t> attempt = {});
  actors::WorkerReply done(TaskId task);
  actors::WorkerReply fail(TaskId task, bool is_retryable);
  void drain();
  actors::SessionAnswer leave();
  actors::SessionStatus status();

  [[nodiscard]] ChannelLog& log() { return (*x_logs)[x_channel]; }
  /// The ids of what it was sent over the open channel.
  [[nodiscard]] std::vector<TaskId> sent();
  actors::SessionKey key;

 private:
  actors::WorkerReply bring(actors::WorkerResult result);

  HouseFixture& x_house;
  std::shared_ptr<std::map<actors::CallNumber, ChannelLog>> x_logs;
  actors::WorkerChannel x_handle;
  actors::CallNumber x_channel = 0;
};

}  // namespace signalbox::testing
