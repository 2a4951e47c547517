// A StreamJoiner that shows what it was given.
#pragma once

#include <string>

#include "core/ports.hpp"

namespace signalbox::testing {

/// Puts the data of events one after another.
class PlainJoiner final : public StreamJoiner {
 public:
  void add(std::string_view data) override { x_body += data; }
  [[nodiscard]] std::string body() const override { return x_body; }

 private:
  std::string x_body;
};

}  // namespace signalbox::testing
