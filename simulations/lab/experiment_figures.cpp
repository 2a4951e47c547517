#include "simulations/lab/experiment_figures.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "core/base/error.hpp"

namespace signalbox::sim {
namespace {

constexpr std::string_view seconds_ending = "_s";

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

double in_seconds(TaskTime time) {
  return static_cast<double>(time) / 1e9;
}

/// What a figure is taken of: the run, and the classes, clients and profiles that are meant.
struct View {
  const RunFigures& run;
  const ClientTally& tally;
  std::vector<const ClassFigures*> classes;
  std::vector<const ClientFigures*> clients;
  std::vector<const ProfileFigures*> profiles;

  /// @returns that member's sum over the classes.
  template <class Member>
  [[nodiscard]] double of_classes(Member member) const {
    double sum = 0;
    for (const ClassFigures* figures : classes) sum += static_cast<double>(figures->*member);
    return sum;
  }
  template <class Member>
  [[nodiscard]] double of_clients(Member member) const {
    double sum = 0;
    for (const ClientFigures* figures : clients) sum += static_cast<double>(figures->*member);
    return sum;
  }
};

double share_of_calls(const View& view, std::uint64_t ClassFigures::*member) {
  return ratio(view.of_classes(member), view.of_classes(&ClassFigures::submitted));
}

double wait_quantile_s(const View& view, std::uint32_t per_mille) {
  return to_seconds(view.classes.front()->waits.quantile(per_mille));
}

double latency_quantile_s(const View& view, std::uint32_t per_mille) {
  if (view.clients.size() == 1) {
    return to_seconds(view.clients.front()->latencies.quantile(per_mille));
  }
  WaitSample all;
  for (const ClientFigures* figures : view.clients) all.add(figures->latencies);
  return to_seconds(all.quantile(per_mille));
}

/// Over which calls were made.
double calling_time_s(const View& view) {
  return to_seconds(view.tally.scenario().horizon.value_or(view.run.length));
}

/// From the first call that counts to the end of the last.
double counted_time_s(const View& view) {
  return to_seconds(view.run.length - view.tally.counted_from());
}

double jain(const View& view) {
  std::vector<double> shares;
  for (const ClientFigures* figures : view.clients) {
    shares.push_back(static_cast<double>(figures->service));
  }
  return jain_index(shares);
}

double utilisation_of(const View& view) {
  TaskTime busy = 0;
  TaskTime room = 0;
  for (const ProfileFigures* profile : view.profiles) {
    busy += profile->busy_integral;
    room += static_cast<TaskTime>(profile->slots) * view.run.length.count();
  }
  return ratio(static_cast<double>(busy), static_cast<double>(room));
}

/// Of those faults that calls meet, as often as they did.
double faulty_attempts(const RunFigures& run) {
  constexpr auto last = static_cast<std::size_t>(FaultKind::wrong_usage);
  double attempts = 0;
  for (std::size_t kind = 0; kind <= last; ++kind)
    attempts += static_cast<double>(run.faults[kind]);
  return attempts;
}

double first_tries(const RunFigures& run) {
  return static_cast<double>(run.tasks - run.repeats);
}

struct FigureRow {
  const char* word;
  FigureScope scope;
  double (*measure)(const View&);
};

constexpr std::array figure_rows = std::to_array<FigureRow>({
    // Waits for a slot, of calls that were done.
    {"mean_wait_s", FigureScope::anyone,
     [](const View& view) {
       return ratio(view.of_clients(&ClientFigures::wait_sum) / 1e9,
                    view.of_clients(&ClientFigures::done));
     }},
    {"p50_wait_s", FigureScope::one_class,
     [](const View& view) { return wait_quantile_s(view, 500); }},
    {"p95_wait_s", FigureScope::one_class,
     [](const View& view) { return wait_quantile_s(view, 950); }},
    {"p99_wait_s", FigureScope::one_class,
     [](const View& view) { return wait_quantile_s(view, 990); }},
    {"max_wait_s", FigureScope::one_class,
     [](const View& view) { return wait_quantile_s(view, 1000); }},
    // As whole numbers, for runs that leave nothing to chance.
    {"wait_sum_us", FigureScope::one_class,
     [](const View& view) {
       return static_cast<double>(to_us(view.classes.front()->done_wait_sum));
     }},
    {"p99_wait_us", FigureScope::one_class,
     [](const View& view) {
       return static_cast<double>(to_us(view.classes.front()->waits.quantile(990)));
     }},
    {"max_wait_us", FigureScope::one_class,
     [](const View& view) { return static_cast<double>(to_us(view.classes.front()->waits.max())); }},
    {"last_end_us", FigureScope::run,
     [](const View& view) { return static_cast<double>(to_us(view.run.length)); }},
    {"calls", FigureScope::any_class,
     [](const View& view) { return view.of_classes(&ClassFigures::submitted); }},
    {"calls_that_waited", FigureScope::any_class,
     [](const View& view) { return view.of_classes(&ClassFigures::waited); }},
    // From the call to its end, of calls that were done.
    {"mean_latency_s", FigureScope::anyone,
     [](const View& view) {
       return ratio(view.of_clients(&ClientFigures::latency_sum) / 1e9,
                    view.of_clients(&ClientFigures::done));
     }},
    {"p50_latency_s", FigureScope::anyone,
     [](const View& view) { return latency_quantile_s(view, 500); }},
    {"p95_latency_s", FigureScope::anyone,
     [](const View& view) { return latency_quantile_s(view, 950); }},
    {"p99_latency_s", FigureScope::anyone,
     [](const View& view) { return latency_quantile_s(view, 990); }},
    // How calls ended.
    {"share_done", FigureScope::any_class,
     [](const View& view) { return share_of_calls(view, &ClassFigures::done); }},
    {"share_that_waited", FigureScope::any_class,
     [](const View& view) {
       return ratio(view.of_classes(&ClassFigures::waited), view.of_classes(&ClassFigures::done));
     }},
    {"share_refused", FigureScope::any_class,
     [](const View& view) { return share_of_calls(view, &ClassFigures::rejected); }},
    {"share_timed_out", FigureScope::any_class,
     [](const View& view) { return share_of_calls(view, &ClassFigures::queue_timeouts); }},
    {"share_failed", FigureScope::any_class,
     [](const View& view) { return share_of_calls(view, &ClassFigures::failed); }},
    {"mean_line", FigureScope::any_class,
     [](const View& view) {
       TaskTime integral = 0;
       for (const ClassFigures* figures : view.classes) integral += figures->queue_integral;
       return ratio(in_seconds(integral), to_seconds(view.run.length));
     }},
    // What the whole run came to.
    {"slots", FigureScope::any_profile,
     [](const View& view) {
       double slots = 0;
       for (const ProfileFigures* profile : view.profiles) slots += profile->slots;
       return slots;
     }},
    {"slots_at_end", FigureScope::any_profile,
     [](const View& view) {
       double slots = 0;
       for (const ProfileFigures* profile : view.profiles) {
         slots += profile->slots_at_end.value_or(profile->slots);
       }
       return slots;
     }},
    {"length_s", FigureScope::run,
     [](const View& view) { return to_seconds(view.run.length); }},
    {"utilisation", FigureScope::any_profile,
     [](const View& view) { return utilisation_of(view); }},
    {"swaps_per_call", FigureScope::run,
     [](const View& view) {
       return ratio(static_cast<double>(view.run.swaps), static_cast<double>(view.run.tasks));
     }},
    // Of calls whose clients make them again. A try is a call to all figures but those of clients.
    {"tries_per_call", FigureScope::run,
     [](const View& view) {
       return ratio(static_cast<double>(view.run.tasks), first_tries(view.run));
     }},
    {"share_given_up", FigureScope::run,
     [](const View& view) {
       return ratio(static_cast<double>(view.run.given_up), first_tries(view.run));
     }},
    {"peak_repeats_per_s", FigureScope::run,
     [](const View& view) { return static_cast<double>(view.run.peak_repeats); }},
    {"faulty_attempts", FigureScope::run,
     [](const View& view) { return faulty_attempts(view.run); }},
    {"throughput_per_s", FigureScope::anyone,
     [](const View& view) {
       return ratio(view.of_clients(&ClientFigures::done), counted_time_s(view));
     }},
    {"goodput_per_s", FigureScope::anyone,
     [](const View& view) {
       return ratio(view.of_clients(&ClientFigures::in_time), counted_time_s(view));
     }},
    {"share_in_time", FigureScope::anyone,
     [](const View& view) {
       return ratio(view.of_clients(&ClientFigures::in_time),
                    view.of_clients(&ClientFigures::submitted));
     }},
    // What attempts cost, of calls that were done and had a slot.
    {"attempts_per_call", FigureScope::any_class,
     [](const View& view) {
       return ratio(view.of_classes(&ClassFigures::attempts),
                    view.of_classes(&ClassFigures::had_slot));
     }},
    {"returns_per_call", FigureScope::any_class,
     [](const View& view) {
       const double served = view.of_classes(&ClassFigures::had_slot);
       return ratio(view.of_classes(&ClassFigures::attempts) - served, served);
     }},
    {"wasted_s_per_call", FigureScope::any_class,
     [](const View& view) {
       return ratio(view.of_classes(&ClassFigures::wasted_sum) / 1e9,
                    view.of_classes(&ClassFigures::had_slot));
     }},
    // From the first slot to the end.
    {"finish_s", FigureScope::any_class,
     [](const View& view) {
       return ratio(view.of_classes(&ClassFigures::finish_sum) / 1e9,
                    view.of_classes(&ClassFigures::had_slot));
     }},
    // Who got how much: tokens in and twice the tokens out, while calls were made.
    {"service_per_s", FigureScope::anyone,
     [](const View& view) {
       return ratio(view.of_clients(&ClientFigures::service), calling_time_s(view));
     }},
    {"largest_gap", FigureScope::run,
     [](const View& view) { return static_cast<double>(view.tally.largest_gap()); }},
    {"jain_index", FigureScope::any_class, [](const View& view) { return jain(view); }},
});

}  // namespace

const std::vector<std::string>& figure_words() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> all;
    for (const FigureRow& row : figure_rows) all.emplace_back(row.word);
    return all;
  }();
  return words;
}

std::size_t figure_kind(std::string_view word) {
  const auto& words = figure_words();
  const auto place = std::find(words.begin(), words.end(), word);
  SIGNALBOX_ASSERT(place != words.end());
  return static_cast<std::size_t>(place - words.begin());
}

FigureScope scope_of(const FigureRef& figure) {
  return figure_rows[figure.kind].scope;
}

std::string to_string(const FigureRef& figure) {
  std::string text = figure_rows[figure.kind].word;
  if (figure.priority) text += " " + std::string{to_string(*figure.priority)};
  for (const std::string& name : {figure.client, figure.profile}) {
    if (!name.empty()) text += " " + name;
  }
  return text;
}

std::string title_of(const FigureRef& figure) {
  std::string title = figure_rows[figure.kind].word;
  if (!unit_of(figure).empty()) title.resize(title.size() - seconds_ending.size());
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

std::string unit_of(const FigureRef& figure) {
  const std::string_view word = figure_rows[figure.kind].word;
  return word.ends_with(seconds_ending) && !word.ends_with("_per_s") ? "s" : "";
}

std::string owner_of(const FigureRef& figure) {
  if (figure.priority) return std::string{to_string(*figure.priority)};
  if (!figure.profile.empty()) return "profile " + figure.profile;
  return figure.client.empty() ? "all" : figure.client;
}

std::optional<double> measure(const FigureRef& figure, const RunFigures& run,
                              const ClientTally& tally) {
  View view{run, tally, {}, {}, {}};
  for (const Priority priority : all_priorities) {
    const ClassFigures& figures = run.classes[to_index(priority)];
    const bool is_meant = !figure.priority || *figure.priority == priority;
    if (is_meant && figures.submitted > 0) view.classes.push_back(&figures);
  }
  const auto& clients = tally.scenario().clients;
  for (std::size_t index = 0; index < clients.size(); ++index) {
    const bool is_of_class = !figure.priority || *figure.priority == clients[index].priority;
    const bool is_named = figure.client.empty() || figure.client == clients[index].name ||
                          figure.client == clients[index].owner;
    if (is_of_class && is_named) view.clients.push_back(&tally.clients()[index]);
  }
  for (const ProfileFigures& profile : run.profiles) {
    const bool is_meant = figure.profile.empty() || figure.profile == profile.name;
    if (is_meant) view.profiles.push_back(&profile);
  }
  if (view.classes.empty() || view.clients.empty() || view.profiles.empty()) return std::nullopt;
  return figure_rows[figure.kind].measure(view);
}

}  // namespace signalbox::sim
