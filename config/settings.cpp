#include "config/settings.hpp"

#include <utility>

namespace signalbox::config {
namespace {

UpstreamSettings well_known(std::string name, UpstreamType type, std::string url) {
  UpstreamSettings upstream;
  upstream.name = std::move(name);
  upstream.type = type;
  upstream.url = std::move(url);
  upstream.discover = true;
  upstream.well_known = true;
  return upstream;
}

}  // namespace

std::vector<UpstreamSettings> well_known_upstreams() {
  return {well_known("lmstudio", UpstreamType::lmstudio, "http://127.0.0.1:1234"),
          well_known("llamacpp", UpstreamType::llamacpp, "http://127.0.0.1:8080"),
          well_known("ollama", UpstreamType::ollama, "http://127.0.0.1:11434"),
          well_known("vllm", UpstreamType::vllm, "http://127.0.0.1:8000")};
}

}  // namespace signalbox::config
