// Every message (handles.hpp draws who sends what).
#pragma once

#include "actors/call_messages.hpp"
#include "actors/metrics_messages.hpp"
#include "actors/profile_messages.hpp"
#include "actors/push_messages.hpp"
#include "actors/service_messages.hpp"
#include "actors/slot_messages.hpp"
#include "actors/worker_messages.hpp"
