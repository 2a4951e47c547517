#include "http/surfaces/task_control.hpp"

#include "http/surfaces/task_rows.hpp"

namespace signalbox::http {
namespace {

constexpr std::chrono::seconds cancel_patience{10};

}  // namespace

Result<MadeTask> submit_and_leave(Context& context, actors::SubmitTask submit) {
  Services& services = context.services;
  const actors::CallNumber number = services.next_call++;
  const auto reply_box = std::make_shared<ReplyBox>();
  const TaskId id = submit.task.id;
  caf::anon_send(services.front, BeginCall{number, reply_box, std::move(submit)});
  const auto deadline = ReplyBox::Clock::now() + services.await_timeout;
  auto arrival = reply_box->take(deadline);
  MadeTask made;
  if (arrival) {
    if (const auto* found = std::get_if<actors::Positions>(&*arrival)) {
      made.position = position_of(found->positions, id);
      arrival = reply_box->take(deadline);
    }
  }
  caf::anon_send(services.front, LeaveCall{number});
  if (!arrival) {
    return make_error(ErrorCode::await_timeout, "the broker did not answer in time");
  }
  if (const auto* accepted = std::get_if<actors::TaskAccepted>(&*arrival)) {
    made.task = accepted->task;
  } else if (const auto* refused = std::get_if<actors::TaskRefused>(&*arrival)) {
    return refused->error;
  } else if (const auto* ended = std::get_if<actors::TaskEnded>(&*arrival)) {
    made.task = ended->task;
  } else {
    return make_error(ErrorCode::store_failed, "the broker did not answer");
  }
  // A repeated Idempotency-Key means another one, which may have moved on.
  if (made.task->id != id) made.position.reset();
  return made;
}

void wait_for_end(Context& context, TaskId id, ReplyBox::Clock::time_point deadline) {
  Services& services = context.services;
  const actors::CallNumber number = services.next_call++;
  // An observer is sent the whole stream, of which nothing is kept here.
  const auto reply_box = std::make_shared<ReplyBox>(any_unread_bytes);
  actors::WatchTask watch;
  watch.task = id;
  watch.is_observer = true;
  caf::anon_send(services.front, BeginCall{number, reply_box, std::move(watch)});
  watch_hang_up(context, number);
  while (auto arrival = reply_box->take(deadline)) {
    const bool is_end = std::holds_alternative<actors::TaskEnded>(*arrival) ||
                        std::holds_alternative<actors::TaskRefused>(*arrival) ||
                        std::holds_alternative<HungUp>(*arrival);
    if (is_end) break;
  }
  caf::anon_send(services.front, HangUp{number});
}

Result<Task> cancel_task(Context& context, const std::string& id) {
  auto task = find_task(context, id, "tasks:delete");
  if (task.has_error() || is_terminal(task->state)) return task;
  const auto done = ask<actors::Done>(context.services, actors::CancelTask{task->id});
  if (done.has_error()) return done.error();
  wait_for_end(context, task->id, ReplyBox::Clock::now() + cancel_patience);
  return find_task(context, id, "tasks:delete");
}

}  // namespace signalbox::http
