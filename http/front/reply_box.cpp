#include "http/front/reply_box.hpp"

namespace signalbox::http {
namespace {

std::size_t bytes_of(const Arrival& arrival) {
  if (const auto* data = std::get_if<actors::TaskData>(&arrival)) return data->data->size();
  if (const auto* events = std::get_if<EventText>(&arrival)) return events->text->size();
  if (const auto* frame = std::get_if<actors::WorkerFrame>(&arrival)) {
    const auto* infer = std::get_if<actors::WorkerFrame::Infer>(&frame->frame);
    return infer != nullptr && infer->request ? infer->request->size() : 0;
  }
  return 0;
}

}  // namespace

bool ReplyBox::put(Arrival arrival) {
  bool fits = true;
  {
    const std::lock_guard lock{x_mutex};
    const std::size_t bytes = bytes_of(arrival);
    fits = x_unread_bytes == 0 || bytes == 0 ||
           (bytes <= x_unread_bytes_max && x_unread_bytes <= x_unread_bytes_max - bytes);
    if (fits) {
      x_unread_bytes += bytes;
      x_arrivals.push_back(std::move(arrival));
    } else {
      x_arrivals.clear();
      x_unread_bytes = 0;
      x_arrivals.emplace_back(HungUp{});
    }
  }
  x_has_arrival.notify_one();
  return fits;
}

std::optional<Arrival> ReplyBox::take(Clock::time_point deadline) {
  std::unique_lock lock{x_mutex};
  if (!x_has_arrival.wait_until(lock, deadline, [this] { return !x_arrivals.empty(); })) {
    return std::nullopt;
  }
  return take_first();
}

std::optional<Arrival> ReplyBox::take_if_any() {
  const std::lock_guard lock{x_mutex};
  if (x_arrivals.empty()) return std::nullopt;
  return take_first();
}

Arrival ReplyBox::take_first() {
  Arrival arrival = std::move(x_arrivals.front());
  x_arrivals.pop_front();
  x_unread_bytes -= bytes_of(arrival);
  return arrival;
}

}  // namespace signalbox::http
