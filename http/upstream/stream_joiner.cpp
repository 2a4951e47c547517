#include "http/upstream/stream_joiner.hpp"

#include <memory>
#include <string>
#include <string_view>

#include "http/upstream/stream_assembler.hpp"

namespace signalbox::http {
namespace {

class AssemblerJoiner final : public StreamJoiner {
 public:
  explicit AssemblerJoiner(TaskKind kind) : x_assembler{kind} {}

  void add(std::string_view data) override { x_assembler.add(data); }
  [[nodiscard]] std::string body() const override { return x_assembler.assemble(); }

 private:
  StreamAssembler x_assembler;
};

}  // namespace

MakeStreamJoiner make_stream_joiner() {
  return [](TaskKind kind) { return std::make_unique<AssemblerJoiner>(kind); };
}

}  // namespace signalbox::http
