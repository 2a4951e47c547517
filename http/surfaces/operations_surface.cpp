#include "http/surfaces/operations_surface.hpp"

#include "http/front/error_response.hpp"
#include "http/surfaces/metrics_text.hpp"
#include "http/text/sse_event.hpp"

namespace signalbox::http {
namespace {

/// One reader: passes on what arrives for it.
class EventReader {
 public:
  explicit EventReader(Context& context) : x_context{context} {}

  void run(EventScope scope) {
    Services& services = x_context.services;
    const actors::CallNumber number = services.next_call++;
    caf::anon_send(services.events, BeginEvents{number, x_reply_box, std::move(scope)});
    x_context.responder.on_hang_up(
        [&services, number] { caf::anon_send(services.events, EndEvents{number}); });
    while (!x_is_over) {
      const auto patience = x_has_begun ? ping_interval : ask_patience;
      auto arrival = x_reply_box->take(ReplyBox::Clock::now() + patience);
      if (!arrival && !x_has_begun) {
        x_is_over = true;
        x_context.send_error(
            make_error(ErrorCode::store_failed, "the broker did not answer in time"));
      } else if (!arrival) {
        write(ping_event);
      } else if (const auto* text = std::get_if<EventText>(&*arrival)) {
        begin();
        write(*text->text);
      } else {
        x_is_over = true;
      }
    }
    caf::anon_send(services.events, EndEvents{number});
  }

 private:
  void begin() {
    if (std::exchange(x_has_begun, true)) return;
    Response response;
    response.content_type = event_stream;
    response.headers.emplace_back("X-Request-Id", x_context.request_id);
    x_context.responder.begin_stream(response);
  }

  void write(std::string_view bytes) {
    if (!x_context.responder.write(bytes)) x_is_over = true;
  }

  Context& x_context;
  std::shared_ptr<ReplyBox> x_reply_box = std::make_shared<ReplyBox>(event_unread_bytes_max);
  bool x_has_begun = false;
  bool x_is_over = false;
};

/// A place among the listeners, while it lives.
class ListenerPlace {
 public:
  explicit ListenerPlace(std::atomic<std::size_t>& count) : x_count{count}, x_number{++count} {}
  ListenerPlace(const ListenerPlace&) = delete;
  ListenerPlace& operator=(const ListenerPlace&) = delete;
  ~ListenerPlace() { --x_count; }

  [[nodiscard]] bool is_within_bound() const { return x_number <= event_listeners_max; }

 private:
  std::atomic<std::size_t>& x_count;
  std::size_t x_number;
};

}  // namespace

void answer_events(Context& context) {
  const ListenerPlace place{context.services.event_listeners};
  if (!place.is_within_bound()) {
    Response response =
        error_response(make_error(ErrorCode::queue_full, "as many follow the events as can: " +
                                                             std::to_string(event_listeners_max))
                           .retry_after(10),
                       context.request_id);
    response.status = 503;
    return context.send(std::move(response));
  }
  const Caller& caller = context.caller;
  EventScope scope;
  scope.owner = caller.owner;
  scope.profiles = caller.may("profiles:view");
  scope.llms = caller.may("llms:view");
  scope.all_workers = caller.may("workers:view") || caller.may("workers:edit");
  EventReader{context}.run(std::move(scope));
}

void answer_metrics(Context& context) {
  Services& services = context.services;
  MetricsInput input;
  const auto figures = ask<actors::Figures>(services, actors::GetFigures{});
  if (figures.has_error()) return context.send_error(figures.error());
  auto profiles = ask<actors::ProfileList>(services, actors::ListProfiles{});
  if (profiles.has_error()) return context.send_error(profiles.error());
  auto workers = ask<actors::WorkerList>(services, actors::ListWorkers{"", true});
  if (workers.has_error()) return context.send_error(workers.error());
  const auto tasks = services.ports.store->task_counts();
  if (tasks.has_error()) return context.send_error(tasks.error());
  input.figures = *figures;
  input.profiles = std::move(profiles->profiles);
  for (const auto& worker : workers->workers) {
    ++input.workers[static_cast<std::size_t>(worker.state)];
  }
  input.tasks = *tasks;
  input.relay = services.relay.figures();
  input.version = services.version;
  Response response;
  response.content_type = metrics_content_type;
  response.body = metrics_text(input);
  context.send(std::move(response));
}

}  // namespace signalbox::http
