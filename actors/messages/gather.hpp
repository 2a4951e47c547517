// Several questions put at once, and one answer made of theirs. Whoever does not answer in time is
// left out.
#pragma once

#include <caf/typed_response_promise.hpp>
#include <functional>
#include <memory>
#include <utility>

namespace signalbox::actors {

/// Copies share one state: each question's handlers hold one.
template <class Answer>
class Gather {
 public:
  /// @param finish puts the whole in order before it is delivered, may be null.
  explicit Gather(caf::typed_response_promise<Answer> promise,
                  std::function<void(Answer&)> finish = nullptr)
      : x_state{std::make_shared<State>(State{std::move(promise), std::move(finish), {}, 1})} {}

  /// One more answer is to come, which close() counts off. Once all have been asked for, close()
  /// counts off the asking itself.
  void open() { ++x_state->open; }
  void close() {
    if (--x_state->open > 0) return;
    if (x_state->finish) x_state->finish(x_state->answer);
    x_state->promise.deliver(std::move(x_state->answer));
  }
  [[nodiscard]] Answer& answer() const { return x_state->answer; }

 private:
  struct State {
    caf::typed_response_promise<Answer> promise;
    std::function<void(Answer&)> finish;
    Answer answer;
    std::size_t open = 1;
  };
  std::shared_ptr<State> x_state;
};

}  // namespace signalbox::actors
