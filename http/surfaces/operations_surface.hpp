// What monitoring and the dashboard follow: figures for Prometheus and the live event stream
// (docs/protocol.md, "Live events"; docs/operations.md, "Metrics").
#pragma once

#include "http/front/services.hpp"

namespace signalbox::http {

void answer_metrics(Context& context);
void answer_events(Context& context);

}  // namespace signalbox::http
