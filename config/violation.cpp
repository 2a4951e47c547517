#include "config/violation.hpp"

#include <algorithm>

namespace signalbox::config {
namespace {

bool is_plain_word(const std::string& key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '_' || character == '-';
  });
}

}  // namespace

std::string to_string(const Violation& violation) {
  std::string text = violation.file;
  if (violation.line > 0) {
    text += ":" + std::to_string(violation.line) + ":" + std::to_string(violation.column);
  }
  if (!violation.path.empty()) text += ": " + violation.path;
  return text + ": " + violation.message;
}

std::string join_path(const std::string& path, const std::string& key) {
  if (!is_plain_word(key)) return path + "[\"" + key + "\"]";
  return path.empty() ? key : path + "." + key;
}

std::string join_path(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

}  // namespace signalbox::config
