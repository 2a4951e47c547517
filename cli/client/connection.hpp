// Which daemon, and as whom.
#pragma once

#include <string>

namespace signalbox::cli {

struct Connection {
  /// --url, else SIGNALBOX_URL, else the default port on loopback.
  std::string url;
  /// --key-file; a key is never given by flag, where `ps` would show it.
  std::string key_file;
  /// SIGNALBOX_API_KEY, used without a key file.
  std::string key;
};

}  // namespace signalbox::cli
