#include "simulations/lab/experiment_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "config/section_reader.hpp"
#include "simulations/scenario/scenario_change.hpp"
#include "simulations/scenario/scenario_reader.hpp"

namespace signalbox::sim {
namespace {

using config::SectionReader;

constexpr std::uint64_t seeds_max = 1'000;
constexpr std::uint64_t tasks_max = 1'000'000'000;
constexpr double value_max = 1e15;

std::optional<std::string> to_word(const std::string& text) {
  return text;
}

class ExperimentReader {
 public:
  ExperimentReader(std::string folder, const FileLookup& files, config::LoadContext& context)
      : x_folder{std::move(folder)}, x_files{files}, x_context{context} {}

  void read(SectionReader& root, Experiment& experiment);

 private:
  void complain(const SectionReader& section, const std::string& path, std::string message) {
    x_context.add(*section.node(), path, std::move(message));
  }
  Effort read_effort(SectionReader section);
  ExperimentVariant read_variant(SectionReader& section);
  std::optional<Scenario> read_scenario_of(SectionReader& section, const std::string& file,
                                           const config::NodePointer& change);
  std::optional<FigureRef> read_figure(SectionReader& section);
  void read_expectation(SectionReader& section);
  void read_relation(SectionReader& section, Expectation& expectation);
  /// @returns the index of the variant that `key` names.
  std::optional<std::size_t> find_variant(SectionReader& section, const std::string& key);
  void note(const FigureRef& figure);

  std::string x_folder;
  const FileLookup& x_files;
  config::LoadContext& x_context;
  Experiment* x_experiment = nullptr;
  /// Of variants that name none.
  std::string x_scenario;
};

Effort ExperimentReader::read_effort(SectionReader section) {
  Effort effort;
  section.require("seeds");
  section.read_whole("seeds", effort.seeds, {1, seeds_max});
  section.read_whole("tasks", effort.tasks, {20, tasks_max});
  section.finish();
  return effort;
}

std::optional<Scenario> ExperimentReader::read_scenario_of(SectionReader& section,
                                                           const std::string& file,
                                                           const config::NodePointer& change) {
  const std::string path = (std::filesystem::path{x_folder} / file).lexically_normal().string();
  const auto text = x_files(path);
  if (!text) {
    complain(section, section.path_of("scenario"), "cannot read " + config::quote(path));
    return std::nullopt;
  }
  config::YamlDocument document = config::parse_yaml(*text, path);
  document.root = change_tree(document.root, change);
  ScenarioFile read = read_scenario(std::move(document), path);
  for (config::Violation& violation : read.violations) {
    // Changed values stand in another file than the rest.
    if (change != nullptr) {
      violation.line = section.node()->line;
      violation.column = section.node()->column;
      violation.file = x_context.file;
    }
    x_context.violations.push_back(std::move(violation));
  }
  return std::move(read.scenario);
}

ExperimentVariant ExperimentReader::read_variant(SectionReader& section) {
  ExperimentVariant variant;
  section.require("name");
  section.read_text("name", variant.name, config::check_not_empty);
  section.read_flag("certain", variant.is_certain);
  section.read_text("line", variant.line, config::check_not_empty);
  std::string file = x_scenario;
  section.read_text("scenario", file, config::check_not_empty);
  const config::Entry* change = section.find("change");
  section.finish();
  if (section.node() == nullptr) return variant;
  if (file.empty()) {
    complain(section, section.path_of("scenario"), "is required here or for all variants");
    return variant;
  }
  auto scenario = read_scenario_of(section, file, change == nullptr ? nullptr : change->value);
  if (scenario) variant.scenario = std::move(*scenario);
  return variant;
}

std::optional<FigureRef> ExperimentReader::read_figure(SectionReader& section) {
  std::optional<std::string> word;
  FigureRef figure;
  section.require("figure");
  section.read_word("figure", word, figure_words(), to_word);
  section.read_word("class", figure.priority, config::priority_words(), parse_priority);
  section.read_text("client", figure.client, config::check_name);
  section.read_text("profile", figure.profile, config::check_name);
  if (!word) return std::nullopt;
  const auto& words = figure_words();
  figure.kind =
      static_cast<std::size_t>(std::find(words.begin(), words.end(), *word) - words.begin());
  const FigureScope scope = scope_of(figure);
  const bool may_have_class = scope != FigureScope::run && scope != FigureScope::any_profile;
  const bool lacks_class = scope == FigureScope::one_class && !figure.priority;
  if (lacks_class || (scope != FigureScope::anyone && !figure.client.empty()) ||
      (scope != FigureScope::any_profile && !figure.profile.empty()) ||
      (!may_have_class && figure.priority)) {
    complain(section, section.path(),
             *word + (lacks_class ? " is one class's" : " is not one's alone"));
    return std::nullopt;
  }
  return figure;
}

std::optional<std::size_t> ExperimentReader::find_variant(SectionReader& section,
                                                          const std::string& key) {
  std::string name;
  section.read_text(key, name);
  if (section.find(key) == nullptr) return std::nullopt;
  const auto& variants = x_experiment->variants;
  const auto found = std::find_if(variants.begin(), variants.end(),
                                  [&](const auto& variant) { return variant.name == name; });
  if (found != variants.end()) return static_cast<std::size_t>(found - variants.begin());
  complain(section, section.path_of(key), "there is no variant " + config::quote(name));
  return std::nullopt;
}

void ExperimentReader::read_relation(SectionReader& section, Expectation& expectation) {
  int relations = 0;
  for (const auto& [key, relation] :
       {std::pair{"is", Relation::is}, std::pair{"at_most", Relation::at_most},
        std::pair{"at_least", Relation::at_least}}) {
    if (section.find(key) == nullptr) continue;
    ++relations;
    expectation.relation = relation;
    section.read_decimal(key, expectation.value, 0, value_max, "whatever the figure counts");
  }
  if (relations != 1) complain(section, section.path(), "needs one of is, at_most and at_least");
  if (section.find("within") == nullptr) return;
  section.read_decimal("within", expectation.within, 0, 1, "parts of what is expected");
  if (expectation.relation != Relation::is) {
    complain(section, section.path_of("within"), "belongs to is");
  }
}

void ExperimentReader::read_expectation(SectionReader& section) {
  Expectation expectation;
  const auto figure = read_figure(section);
  section.require("of");
  const auto variant = find_variant(section, "of");
  read_relation(section, expectation);
  expectation.times = find_variant(section, "times");
  section.finish();
  if (!figure || !variant) return;
  expectation.figure = *figure;
  expectation.variant = *variant;
  const auto& variants = x_experiment->variants;
  if (expectation.times &&
      variants[*variant].is_certain != variants[*expectation.times].is_certain) {
    complain(section, section.path_of("times"), "one of the two is certain, the other is not");
  }
  note(*figure);
  x_experiment->expectations.push_back(std::move(expectation));
}

void ExperimentReader::note(const FigureRef& figure) {
  auto& figures = x_experiment->figures;
  if (std::find(figures.begin(), figures.end(), figure) == figures.end()) figures.push_back(figure);
}

void ExperimentReader::read(SectionReader& root, Experiment& experiment) {
  x_experiment = &experiment;
  std::uint32_t version = 1;
  for (const char* key : {"version", "title", "claim", "full", "quick", "variants", "expect"}) {
    root.require(key);
  }
  root.read_whole("version", version, {1, 1});
  root.read_text("title", experiment.title, config::check_not_empty);
  root.read_text("claim", experiment.claim, config::check_not_empty);
  root.read_text("scenario", x_scenario, config::check_not_empty);
  experiment.full = read_effort(open_section(root, "full"));
  experiment.quick = read_effort(open_section(root, "quick"));
  double promised_s = to_seconds(experiment.promised);
  root.read_seconds("promised_s", promised_s, 0, 86'400);
  experiment.promised = from_seconds(promised_s);
  for (SectionReader& section : root.read_sections("variants")) {
    experiment.variants.push_back(read_variant(section));
  }
  for (SectionReader& section : root.read_sections("show")) {
    if (const auto figure = read_figure(section)) note(*figure);
    section.finish();
  }
  for (SectionReader& section : root.read_sections("plots")) {
    SectionReader x = open_section(section, "x");
    SectionReader y = open_section(section, "y");
    const auto across = read_figure(x);
    const auto up = read_figure(y);
    for (SectionReader* part : {&x, &y, &section}) part->finish();
    if (!across || !up) continue;
    note(*across);
    note(*up);
    experiment.plots.push_back({*across, *up});
  }
  experiment.shown_figures = experiment.figures.size();
  for (SectionReader& section : root.read_sections("expect")) read_expectation(section);
  root.finish();
}

}  // namespace

ExperimentFile read_experiment(const std::string& folder, const FileLookup& files) {
  const std::filesystem::path path = std::filesystem::path{folder}.lexically_normal();
  const std::string file_name = (path / "experiment.yaml").string();
  config::LoadContext context{file_name, {}, {}};
  ExperimentFile file;
  file.experiment.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  const auto text = files(file_name);
  if (!text) {
    file.violations.push_back({file_name, 0, 0, "", "cannot be read"});
    return file;
  }
  config::YamlDocument document = config::parse_yaml(*text, file_name);
  context.violations = std::move(document.violations);
  if (context.violations.empty()) {
    SectionReader root{context, document.root, ""};
    ExperimentReader{folder, files, context}.read(root, file.experiment);
  }
  file.violations = std::move(context.violations);
  return file;
}

}  // namespace signalbox::sim
