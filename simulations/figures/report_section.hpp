// Parts of a report: charts under a heading, each of them also a file of its own.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace signalbox::sim {

struct ReportChart {
  /// Of its file, without the ending.
  std::string name;
  /// As svg_chart makes it.
  std::string svg;
};

struct ReportSection {
  std::string heading;
  /// Markup under the heading; may be empty.
  std::string note;
  std::vector<ReportChart> charts;
};

/// Names and texts of files.
using ReportFiles = std::vector<std::pair<std::string, std::string>>;

/// @returns the sections as markup; those without charts are left out.
std::string print_sections(const std::vector<ReportSection>& sections);

/// @returns every chart as NAME.svg; a name that is taken gets a number.
ReportFiles chart_files(const std::vector<ReportSection>& sections);

/// @returns a name as a part of a file's name: small letters, digits and "_" in place of all else.
std::string file_word(const std::string& name);

}  // namespace signalbox::sim
