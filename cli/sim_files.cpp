#include "cli/sim_files.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/output.hpp"

namespace signalbox::cli {

Outcome<std::string> read_file(const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  const std::ifstream file{path, std::ios::binary};
  text << file.rdbuf();
  if (!file) return Failure{ExitCode::usage, "cannot read " + path};
  return text.str();
}

Failure to_usage_failure(const std::vector<config::Violation>& violations) {
  std::string slips;
  for (const config::Violation& violation : violations) {
    slips += (slips.empty() ? "" : "\n") + to_printable(config::to_string(violation));
  }
  return {ExitCode::usage, std::move(slips)};
}

bool write_files(const std::string& folder,
                 const std::vector<std::pair<std::string, std::string>>& files) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  bool is_good = true;
  for (const auto& [name, text] : files) {
    std::ofstream file{folder + "/" + name, std::ios::binary};
    file << text;
    file.close();
    is_good = is_good && !file.fail();
  }
  return is_good;
}

}  // namespace signalbox::cli
