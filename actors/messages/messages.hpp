// Every message (handles.hpp draws who sends what).
#pragma once

#include "actors/messages/call_messages.hpp"
#include "actors/messages/metrics_messages.hpp"
#include "actors/messages/profile_messages.hpp"
#include "actors/messages/push_messages.hpp"
#include "actors/messages/service_messages.hpp"
#include "actors/messages/slot_messages.hpp"
#include "actors/messages/worker_messages.hpp"
