// One reader of a task: waits for what the actors tell of it, keeps the connection alive meanwhile,
// and leaves at the end. What is written of it is the derived class's.
#pragma once

#include <memory>
#include <string_view>

#include "http/front/services.hpp"

namespace signalbox::http {

class TaskWatch {
 public:
  virtual ~TaskWatch() = default;
  TaskWatch(const TaskWatch&) = delete;
  TaskWatch& operator=(const TaskWatch&) = delete;

  /// Until the task has ended, the client is gone, or nobody answers. As an observer.
  void run(actors::WatchTask watch);

 protected:
  explicit TaskWatch(Context& context) : x_context{context} {}

  virtual void take(actors::TaskRefused& refused) = 0;
  virtual void take(actors::TaskMoved& moved) = 0;
  virtual void take(actors::TaskData& data) = 0;
  virtual void take(actors::TaskReset& reset) = 0;
  virtual void take(actors::TaskEnded& ended) = 0;

  /// The head of an event stream; once.
  void begin(Headers more = {});
  /// Of a stream that has begun. Ends the watch when nobody reads.
  void write(std::string_view bytes);
  void end_stream();
  /// The answer, unless the stream has begun: then it breaks off, and is asked for again.
  void refuse(const Error& error);

  Context& x_context;

 private:
  void hand_over(Arrival& arrival);

  std::shared_ptr<ReplyBox> x_reply_box = std::make_shared<ReplyBox>();
  bool x_has_begun = false;
  bool x_is_over = false;
};

}  // namespace signalbox::http
