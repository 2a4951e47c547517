#include "config/assemble.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "config/validate.hpp"
#include "config/yaml_document.hpp"

namespace signalbox::config {
namespace {

LoadResult refuse(const std::string& file, const std::string& message) {
  LoadResult result;
  result.violations.push_back({file, 0, 0, "", message});
  return result;
}

LoadResult load_file(const std::string& file) {
  errno = 0;
  std::ifstream stream{file, std::ios::binary};
  if (!stream) return refuse(file, std::string{"cannot be read: "} + std::strerror(errno));
  // One byte more than allowed is enough for load() to see that it is too large.
  std::string text(yaml_bytes_max + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (stream.gcount() == 0 && errno != 0)) {
    return refuse(file, std::string{"cannot be read: "} + std::strerror(errno));
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return load(text, file);
}

}  // namespace

LoadResult assemble(const Sources& sources) {
  const auto file = find_config_file(sources.config_file, sources.lookup);
  LoadResult result = file ? load_file(*file) : LoadResult{};
  // Of a file that could not be read at all nothing is known; what its defaults lack would only
  // mislead.
  const bool was_read = result.violations.empty() || !result.places.empty();
  apply_environment(result, sources.lookup);
  apply_flags(result, sources.flags);
  if (!was_read) return result;
  for (Violation& violation : validate(result.settings, result.places, file.value_or("defaults"))) {
    result.violations.push_back(std::move(violation));
  }
  return result;
}

}  // namespace signalbox::config
