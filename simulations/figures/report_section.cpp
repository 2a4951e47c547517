#include "simulations/figures/report_section.hpp"

#include <algorithm>

#include "simulations/figures/svg_chart.hpp"

namespace signalbox::sim {
namespace {

bool has(const ReportFiles& files, const std::string& name) {
  return std::any_of(files.begin(), files.end(),
                     [&](const auto& file) { return file.first == name; });
}

}  // namespace

std::string print_sections(const std::vector<ReportSection>& sections) {
  std::string text;
  for (const ReportSection& section : sections) {
    if (section.charts.empty()) continue;
    text += "<h2>" + escape_markup(section.heading) + "</h2>\n" + section.note;
    for (const ReportChart& chart : section.charts) text += chart.svg;
  }
  return text;
}

ReportFiles chart_files(const std::vector<ReportSection>& sections) {
  ReportFiles files;
  for (const ReportSection& section : sections) {
    for (const ReportChart& chart : section.charts) {
      std::string name = chart.name;
      for (int number = 2; has(files, name + ".svg"); ++number) {
        name = chart.name + "_" + std::to_string(number);
      }
      files.emplace_back(name + ".svg", svg_file(chart.svg));
    }
  }
  return files;
}

std::string file_word(const std::string& name) {
  std::string word;
  for (const char letter : name) {
    const bool is_small = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
    const bool is_large = letter >= 'A' && letter <= 'Z';
    if (is_small) {
      word += letter;
    } else if (is_large) {
      word += static_cast<char>(letter - 'A' + 'a');
    } else if (!word.empty() && word.back() != '_') {
      word += '_';
    }
  }
  return word;
}

}  // namespace signalbox::sim
