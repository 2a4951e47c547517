// The dashboard: files for a browser, the same for everybody and without a key. What they show they
// ask of the API, with one.
#pragma once

#include "http/front/services.hpp"

namespace signalbox::http {

/// @returns whether the path is the dashboard's, and so answered without a key.
bool is_dashboard_path(std::string_view path);

/// GET /
void answer_dashboard(Context& context);

/// GET /openapi.json, which is compiled in as the dashboard is, but needs a key.
void answer_openapi(Context& context);

/// GET /assets/{name}
void answer_asset(Context& context, const std::string& name);

}  // namespace signalbox::http
