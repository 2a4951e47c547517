// A house that preempts, and the two calls that meet in it.
#pragma once

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {

inline actors::BrokerSettings preempting(std::uint32_t slots, std::uint32_t budget = 2,
                                         CommitMode commit = CommitMode::sync) {
  actors::BrokerSettings settings;
  settings.commit = commit;
  settings.profile_defaults.max_concurrent = slots;
  settings.profile_defaults.preempt = Preempt::background;
  settings.profile_defaults.preempt_budget = budget;
  return settings;
}

inline const CallSpec background_task{
    .priority = Priority::background, .is_async = true, .profile = "p"};
inline const CallSpec interactive_call{.priority = Priority::interactive, .profile = "p"};

}  // namespace signalbox::testing
