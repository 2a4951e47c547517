// What surfaces do with tasks that outlive their request: make one, wait for its end, cancel it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/front/services.hpp"

namespace signalbox::http {

struct MadeTask {
  std::shared_ptr<const Task> task;
  /// Where it stood in its queue when it was made, if it was told.
  std::optional<actors::Position> position;
};

/// Submits an async task. @returns it once it is durable (with an Idempotency-Key that is known:
/// the one that was made before), or why there is none.
Result<MadeTask> submit_and_leave(Context& context, actors::SubmitTask submit);

/// Watches a task until it ended or `deadline`; it does not live longer because of that.
void wait_for_end(Context& context, TaskId id, ReplyBox::Clock::time_point deadline);

/// Cancels the caller's task, or anybody's with the grant `tasks:delete`. @returns it as it is
/// then; one that had ended is as it was.
Result<Task> cancel_task(Context& context, const std::string& id);

}  // namespace signalbox::http
