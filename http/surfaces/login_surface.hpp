// A browser's way in: a key once, then a cookie that no script can read.
#pragma once

#include "http/front/services.hpp"

namespace signalbox::http {

/// POST /login
void answer_login(Context& context);

/// POST /logout
void answer_logout(Context& context);

}  // namespace signalbox::http
