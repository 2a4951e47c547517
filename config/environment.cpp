#include "config/environment.hpp"

#include <cstdlib>
#include <utility>

#include "config/section_reader.hpp"

namespace signalbox::config {
namespace {

/// One source outside the file; `name` is what the user typed: a variable or a flag.
class Override {
 public:
  Override(LoadResult& result, std::string source)
      : x_result{result}, x_source{std::move(source)} {}

  void bind(const std::string& name, const std::optional<std::string>& value) {
    set_text(name, value, "http.bind", x_result.settings.http.bind, check_host);
  }

  void store_path(const std::string& name, const std::optional<std::string>& value) {
    set_text(name, value, "store.path", x_result.settings.store.path, check_not_empty);
  }

  void port(const std::string& name, const std::optional<std::string>& value) {
    if (!value) return;
    constexpr Range range{0, 65'535};
    const auto number = parse_whole(*value);
    if (!number || *number > range.max) {
      refuse(name, describe(range) + ", not " + quote(*value));
      return;
    }
    x_result.settings.http.port = static_cast<std::uint16_t>(*number);
    settle("http.port");
  }

  void commit(const std::string& name, const std::optional<std::string>& value) {
    if (!value) return;
    const auto mode = parse_commit_mode(*value);
    if (!mode) {
      refuse(name, "must be " + join_choices(commit_mode_words()) + ", not " + quote(*value));
      return;
    }
    x_result.settings.store.commit = *mode;
    settle("store.commit");
  }

 private:
  void set_text(const std::string& name, const std::optional<std::string>& value,
                const std::string& path, std::string& target, const TextCheck& check) {
    if (!value) return;
    if (auto problem = check(*value)) {
      refuse(name, std::move(*problem));
      return;
    }
    target = *value;
    settle(path);
  }

  void settle(const std::string& path) { x_result.places[path] = {x_source, 0, 0}; }

  void refuse(const std::string& name, std::string message) {
    x_result.violations.push_back({x_source, 0, 0, name, std::move(message)});
  }

  LoadResult& x_result;
  std::string x_source;
};

std::optional<std::string> look_up_text(const Lookup& lookup, const std::string& name) {
  auto value = lookup(name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::string> environment_lookup(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string{value};
}

void apply_environment(LoadResult& result, const Lookup& lookup) {
  Override source{result, "environment"};
  source.bind("SIGNALBOX_HTTP_BIND", look_up_text(lookup, "SIGNALBOX_HTTP_BIND"));
  source.port("SIGNALBOX_HTTP_PORT", look_up_text(lookup, "SIGNALBOX_HTTP_PORT"));
  source.store_path("SIGNALBOX_STORE_PATH", look_up_text(lookup, "SIGNALBOX_STORE_PATH"));
  source.commit("SIGNALBOX_STORE_COMMIT", look_up_text(lookup, "SIGNALBOX_STORE_COMMIT"));
}

void apply_flags(LoadResult& result, const Flags& flags) {
  Override source{result, "flags"};
  source.bind("--bind", flags.bind);
  source.port("--port", flags.port);
  source.store_path("--store", flags.store);
  source.commit("--commit", flags.commit);
}

std::optional<std::string> find_config_file(const std::optional<std::string>& config_flag,
                                            const Lookup& lookup) {
  if (config_flag) return config_flag;
  return look_up_text(lookup, "SIGNALBOX_CONFIG");
}

}  // namespace signalbox::config
