// Messages about call rows and the figures of all calls (mission A9, D8). They stay inside the
// process.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <memory>

#include "actors/messages/handles.hpp"
#include "core/base/time.hpp"
#include "core/calls/call_metrics.hpp"
#include "core/calls/call_query.hpp"
#include "core/calls/call_row.hpp"

namespace signalbox::actors {

struct CallChanged {
  std::shared_ptr<const CallRow> row;
};

/// Rows that are in memory: those of calls under way, and of the last that ended.
struct ListCalls {
  CallQuery query;
};

/// Rows of calls that ended before are forgotten.
struct CollectCalls {
  WallTime before{};
};

struct SaveCalls {};

struct WriteTick {};

struct CommitMeasured {
  Duration took{};
};

struct GetFigures {};

/// Who watches already goes on; answered when it is so.
struct WatchCalls {
  CallWatcher watcher;
};

struct UnwatchCalls {
  CallWatcher watcher;
};

// -- answers ----------------------------------------------------------------------------------

struct CallPage {
  CallRowPage page;
};

struct Figures {
  /// Since the start.
  std::shared_ptr<const CallMetrics> calls;
  Histogram commits{own_seconds_bounds};
};

}  // namespace signalbox::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CallChanged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ListCalls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CollectCalls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SaveCalls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WriteTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CommitMeasured)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::GetFigures)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WatchCalls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::UnwatchCalls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CallPage)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::Figures)
