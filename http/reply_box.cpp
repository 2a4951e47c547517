#include "http/reply_box.hpp"

namespace signalbox::http {
namespace {

std::size_t bytes_of(const Arrival& arrival) {
  const auto* data = std::get_if<actors::TaskData>(&arrival);
  return data != nullptr ? data->data->size() : 0;
}

}  // namespace

bool ReplyBox::put(Arrival arrival) {
  bool fits = true;
  {
    const std::lock_guard lock{x_mutex};
    x_unread_bytes += bytes_of(arrival);
    fits = x_unread_bytes <= unread_bytes_max;
    if (fits) {
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
  Arrival arrival = std::move(x_arrivals.front());
  x_arrivals.pop_front();
  x_unread_bytes -= bytes_of(arrival);
  return arrival;
}

}  // namespace signalbox::http
