// Takes an answer that is wanted whole, up to a bound.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "http/upstream/upstream_exchange.hpp"

namespace signalbox::http {

/// An error page is read only as far as it can be of use. Unit: bytes.
inline constexpr std::size_t error_body_bytes_max = std::size_t{64} * 1024;

class AnswerCollector final : public AnswerReader {
 public:
  /// @param bytes_max of the body; a longer one ends the exchange as `stopped`.
  explicit AnswerCollector(std::size_t bytes_max) : x_bytes_max(bytes_max) {}

  Next on_head(const AnswerHead& head) override {
    x_head = head;
    return Next::more;
  }
  Next on_body(std::string_view piece) override {
    x_body += piece.substr(0, x_bytes_max - x_body.size());
    return x_body.size() < x_bytes_max ? Next::more : Next::stop;
  }
  void on_drained() override {}

  [[nodiscard]] bool has_head() const { return x_head.status != 0; }
  [[nodiscard]] bool succeeded() const { return x_head.status >= 200 && x_head.status < 300; }
  [[nodiscard]] const AnswerHead& head() const { return x_head; }
  [[nodiscard]] const std::string& body() const { return x_body; }

 private:
  const std::size_t x_bytes_max;
  AnswerHead x_head;
  std::string x_body;
};

}  // namespace signalbox::http
