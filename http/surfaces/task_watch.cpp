#include "http/surfaces/task_watch.hpp"

#include <type_traits>
#include <utility>

#include "http/text/sse_event.hpp"

namespace signalbox::http {

void TaskWatch::run(actors::WatchTask watch) {
  Services& services = x_context.services;
  const actors::CallNumber number = services.next_call++;
  watch.is_observer = true;
  caf::anon_send(services.front, BeginCall{number, x_reply_box, std::move(watch)});
  watch_hang_up(x_context, number);
  while (!x_is_over) {
    const auto patience = x_has_begun ? ping_interval : ask_patience;
    auto arrival = x_reply_box->take(ReplyBox::Clock::now() + patience);
    if (arrival)
      hand_over(*arrival);
    else if (x_has_begun)
      write(ping_event);
    else
      refuse(make_error(ErrorCode::store_failed, "the broker did not answer in time"));
  }
  // Nobody watches any more, whoever ended it.
  caf::anon_send(services.front, HangUp{number});
}

// That it was accepted or began is told by its states; nothing else comes.
void TaskWatch::hand_over(Arrival& arrival) {
  std::visit(
      [this](auto& each) {
        if constexpr (std::is_same_v<decltype(each), HungUp&>) {
          x_is_over = true;
        } else if constexpr (std::is_same_v<decltype(each), Error&>) {
          refuse(each);
        } else if constexpr (requires { this->take(each); }) {
          take(each);
        }
      },
      arrival);
}

void TaskWatch::begin(Headers more) {
  if (x_has_begun) return;
  x_has_begun = true;
  Response response;
  response.content_type = event_stream;
  response.headers.emplace_back("X-Request-Id", x_context.request_id);
  response.headers.insert(response.headers.end(), std::make_move_iterator(more.begin()),
                          std::make_move_iterator(more.end()));
  x_context.responder.begin_stream(response);
}

void TaskWatch::write(std::string_view bytes) {
  if (bytes.empty() || !x_has_begun) return;
  if (!x_context.responder.write(bytes)) x_is_over = true;
}

void TaskWatch::end_stream() {
  x_is_over = true;
  x_context.responder.end_stream();
}

void TaskWatch::refuse(const Error& error) {
  x_is_over = true;
  if (!x_has_begun) x_context.send_error(error);
}

}  // namespace signalbox::http
