// What the broker does for profiles: make, change, list them; hand each its backlog at start.
#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/admission/profile_actor.hpp"
#include "actors/broker/broker_actor.hpp"
#include "actors/messages/gather.hpp"

namespace signalbox::actors {
namespace {

/// A profile answers from memory; one that takes this long is gone.
constexpr std::chrono::seconds profile_patience{5};

/// Documents of this kind hold profiles made or changed by API.
constexpr const char* profile_documents = "profile";

}  // namespace

BrokerState::Profile& BrokerState::make_profile(const std::string& profile_name,
                                                ProfileSettings settings, bool is_auto) {
  Profile profile;
  profile.settings = settings;
  profile.is_auto_registered = is_auto;
  profile.actor = x_self->spawn(profile_actor, profile_name, std::move(settings), *x_house);
  return x_profiles.emplace(profile_name, std::move(profile)).first->second;
}

BrokerState::Profile* BrokerState::find_or_make_profile(const std::string& profile_name) {
  if (const auto place = x_profiles.find(profile_name); place != x_profiles.end()) {
    return &place->second;
  }
  if (x_profiles.size() >= profiles_max) return nullptr;
  return &make_profile(profile_name, x_settings.profile_defaults, true);
}

// The configuration wins over what the API once said; the API's own profiles live on.
void BrokerState::restore_profiles() {
  for (const auto& [profile_name, settings] : x_settings.profiles) {
    make_profile(profile_name, settings, false);
  }
  const auto documents = x_ports.store->documents(profile_documents);
  if (documents.has_value()) {
    for (const auto& [profile_name, text] : *documents) {
      const auto settings = decode_profile_settings(text);
      if (!settings || x_profiles.contains(profile_name)) continue;
      make_profile(profile_name, *settings, false);
    }
  }
  for (auto& [profile_name, turns] : x_settings.backlog) {
    Profile* profile = find_or_make_profile(profile_name);
    if (profile == nullptr) continue;
    x_backlog_count += turns.size();
    x_self->send(
        profile->actor,
        RestoreTurns{std::make_shared<const std::vector<WaiterRequest>>(std::move(turns))});
  }
  x_settings.backlog.clear();
}

caf::result<ProfileStatus> BrokerState::configure(const ConfigureProfile& message) {
  const auto place = x_profiles.find(message.name);
  ProfileSettings settings =
      place == x_profiles.end() ? x_settings.profile_defaults : place->second.settings;
  if (message.max_concurrent) settings.max_concurrent = message.max_concurrent;
  if (message.max_queued) settings.max_queued = *message.max_queued;
  if (message.default_queue_wait_s) settings.default_queue_wait_s = *message.default_queue_wait_s;
  if (message.default_inference_s) settings.default_inference_s = *message.default_inference_s;
  if (message.policy) settings.policy = *message.policy;
  message.options.apply_to(settings.policy_options);
  if (message.preempt) settings.preempt = *message.preempt;
  if (message.preempt_budget) settings.preempt_budget = *message.preempt_budget;
  if (message.tune_slots) settings.tune_slots = *message.tune_slots;
  ProfileStatus refused;
  refused.name = message.name;
  if (auto error = check(settings)) {
    refused.error = std::move(*error);
    return refused;
  }
  if (place == x_profiles.end() && x_profiles.size() >= profiles_max) {
    refused.error = make_error(ErrorCode::invalid_request, "there are too many profiles already");
    return refused;
  }
  Profile& profile =
      place == x_profiles.end() ? make_profile(message.name, settings, false) : place->second;
  profile.settings = settings;
  profile.is_auto_registered = false;
  // In force at once; answered when it will survive a restart, too.
  caf::anon_send(profile.actor, Reconfigure{settings});
  auto promise = x_self->make_response_promise<ProfileStatus>();
  store_document(PutDocument{profile_documents, message.name, encode(settings)},
                 [this, profile_name = message.name, promise](const StoreResult& result) {
                   profile_stored(profile_name, result, promise);
                 });
  return promise;
}

void BrokerState::profile_stored(const std::string& profile_name, const StoreResult& result,
                                 caf::typed_response_promise<ProfileStatus> promise) {
  if (result.outcome == StoreResult::Outcome::failed) {
    ProfileStatus failed;
    failed.name = profile_name;
    failed.error = result.error;
    promise.deliver(std::move(failed));
    return;
  }
  x_self->request(x_profiles.at(profile_name).actor, profile_patience, GetOccupancy{})
      .then([promise](ProfileStatus& status) mutable { promise.deliver(std::move(status)); },
            [promise](const caf::error& error) mutable { promise.deliver(error); });
}

void BrokerState::apply_profiles(const ApplyProfiles& message) {
  for (const auto& [profile_name, settings] : message.profiles) {
    const auto place = x_profiles.find(profile_name);
    if (place == x_profiles.end()) {
      if (x_profiles.size() < profiles_max) make_profile(profile_name, settings, false);
      continue;
    }
    place->second.settings = settings;
    place->second.is_auto_registered = false;
    caf::anon_send(place->second.actor, Reconfigure{settings});
  }
}

caf::result<ProfileStatus> BrokerState::get_profile(const std::string& profile_name) {
  const auto place = x_profiles.find(profile_name);
  if (place == x_profiles.end()) {
    ProfileStatus missing;
    missing.name = profile_name;
    missing.error = make_error(ErrorCode::profile_not_found,
                               "there is no profile named \"" + profile_name + "\"");
    return missing;
  }
  auto promise = x_self->make_response_promise<ProfileStatus>();
  const bool is_auto = place->second.is_auto_registered;
  x_self->request(place->second.actor, profile_patience, GetOccupancy{})
      .then(
          [promise, is_auto](ProfileStatus& status) mutable {
            status.is_auto_registered = is_auto;
            promise.deliver(std::move(status));
          },
          [promise](const caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

caf::result<ProfileList> BrokerState::list_profiles() {
  auto promise = x_self->make_response_promise<ProfileList>();
  Gather<ProfileList> gather{
      promise, [](ProfileList& list) {
        std::sort(list.profiles.begin(), list.profiles.end(),
                  [](const auto& left, const auto& right) { return left.name < right.name; });
      }};
  for (const auto& [profile_name, profile] : x_profiles) {
    gather.open();
    x_self->request(profile.actor, profile_patience, GetOccupancy{})
        .then(
            [gather, is_auto = profile.is_auto_registered](ProfileStatus& status) mutable {
              status.is_auto_registered = is_auto;
              gather.answer().profiles.push_back(std::move(status));
              gather.close();
            },
            [gather](const caf::error&) mutable { gather.close(); });
  }
  gather.close();
  return promise;
}

caf::result<Positions> BrokerState::find_positions(const FindPositions& message) {
  auto promise = x_self->make_response_promise<Positions>();
  Gather<Positions> gather{promise};
  for (const auto& [profile_name, id] : message.tasks) {
    const auto place = x_profiles.find(profile_name);
    if (place == x_profiles.end()) continue;
    gather.open();
    x_self->request(place->second.actor, profile_patience, FindPosition{id})
        .then(
            [gather](const Positions& one) mutable {
              auto& all = gather.answer().positions;
              all.insert(all.end(), one.positions.begin(), one.positions.end());
              gather.close();
            },
            [gather](const caf::error&) mutable { gather.close(); });
  }
  gather.close();
  return promise;
}

}  // namespace signalbox::actors
