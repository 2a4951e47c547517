// Streams that do not come from an HTTP backend (a worker's chunks), joined as those are.
#pragma once

#include "core/ports.hpp"

namespace signalbox::http {

MakeStreamJoiner make_stream_joiner();

}  // namespace signalbox::http
