#include "cli/worker/worker_session_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "cli/worker/worker_frames.hpp"

namespace signalbox::cli {
namespace {

bool write_whole(int fd, const std::string& text) {
  const auto written = ::write(fd, text.data(), text.size());
  return written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
}

}  // namespace

std::string load_session(const std::string& file) {
  std::ifstream input{file};
  std::string session;
  std::getline(input, session);
  return is_wire_id(session) ? session : "";
}

std::optional<std::string> save_session(const std::string& file, const std::string& session) {
  const std::string draft = file + ".tmp" + std::to_string(::getpid());
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool is_ok = fd >= 0 && write_whole(fd, session + "\n");
  int error = errno;
  if (fd >= 0) ::close(fd);
  if (is_ok) {
    is_ok = std::rename(draft.c_str(), file.c_str()) == 0;
    error = errno;
  }
  if (is_ok) return std::nullopt;
  if (fd >= 0) ::unlink(draft.c_str());
  return "cannot write the session to " + file + ": " + std::strerror(error);
}

}  // namespace signalbox::cli
