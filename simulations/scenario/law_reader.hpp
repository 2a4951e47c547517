// Reads the times, sizes and laws of a scenario file. Times are exact to the nanosecond: what a run
// has drawn can be written down and read again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/section_reader.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// Longest time a law may mean, and the longest run: 366 days. Unit: s.
inline constexpr double seconds_max = 31'622'400;

/// Sessions of one owner.
inline constexpr std::uint64_t sessions_max = 1'000'000;

/// The key must be there. Unit in the file: s, decimal.
Duration read_time(config::SectionReader& section, const std::string& key,
                   double max = seconds_max);
std::optional<Duration> read_optional_time(config::SectionReader& section, const std::string& key);
/// A budget of a call; unset without the key.
std::optional<Duration> read_budget(config::SectionReader& section, const std::string& key);

/// Zero without the key. Unit: 1/1,000 of one; in the file decimal parts of one.
std::uint32_t read_share(config::SectionReader& section, const std::string& key, double max);

/// @returns the law's name, or nothing when it has none that is known: then nothing else of it can
/// be judged.
std::optional<std::string> read_law_word(config::SectionReader& section,
                                         const std::vector<std::string>& words);

/// @param law const, exp or uniform. Unit: ns.
Law read_time_law(config::SectionReader& section, std::string_view law);

ServiceLaw read_service(config::SectionReader section);

/// A number stands for the law that always gives it. Unit: tokens.
Law read_token_law(config::SectionReader& client, const std::string& key);

/// Unset without the key.
std::optional<ActLaw> read_act(config::SectionReader& client, const std::string& key);

/// Unset without the key.
std::optional<RetryLaw> read_retry(config::SectionReader& client, const std::string& key);

/// Rounds, so that 0.29 s are 290,000,000 ns.
Duration to_duration(double seconds);

}  // namespace signalbox::sim
