// For messages that come with every call. CAF makes an answer after each handler, an empty one
// where it returns nothing, and then finds that nobody asked: as long as many a handler takes.
#pragma once

#include <caf/delegated.hpp>
#include <utility>

namespace signalbox::actors {

/// The handler of a message that is only ever sent: who requested one would wait in vain.
template <class Handler, class Signature = decltype(&Handler::operator())>
class Sent;

template <class Handler, class Owner, class Message>
class Sent<Handler, void (Owner::*)(Message) const> {
 public:
  explicit Sent(Handler handler) : x_handler{std::move(handler)} {}

  /// To CAF: the answer is somebody else's matter.
  caf::delegated<void> operator()(Message message) const {
    x_handler(std::forward<Message>(message));
    return {};
  }

 private:
  Handler x_handler;
};

template <class Handler>
Sent<Handler> sent(Handler handler) {
  return Sent<Handler>{std::move(handler)};
}

}  // namespace signalbox::actors
