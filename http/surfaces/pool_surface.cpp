#include "http/surfaces/pool_surface.hpp"

#include <algorithm>

#include "http/front/render.hpp"
#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

void send_pool(Context& context, const std::string& name) {
  const auto list = ask<actors::PoolList>(context.services, actors::ListPools{});
  if (list.has_error()) return context.send_error(list.error());
  const auto place = std::find_if(list->pools.begin(), list->pools.end(),
                                  [&](const PoolView& pool) { return pool.name == name; });
  if (place == list->pools.end()) {
    return context.send_error(
        make_error(ErrorCode::not_found, "there is no pool named \"" + name + "\""));
  }
  JsonWriter json;
  write_pool(json, *place);
  context.send_json(json.take());
}

std::string listed_choices() {
  std::string listed;
  for (const std::string& word : choice_words()) listed += (listed.empty() ? "" : ", ") + word;
  return listed;
}

Result<ChoiceKind> read_choice(const std::vector<Member>& members) {
  std::optional<ChoiceKind> choice;
  for (const Member& member : members) {
    if (member.name != "choice") {
      return invalid_request("a pool has no setting \"" + member.name + "\"; it has choice",
                             member.name);
    }
    choice = parse_choice(unquote(member.value).value_or(""));
    if (!choice) return invalid_request("choice must be one of " + listed_choices(), "choice");
  }
  if (!choice) return invalid_request("choice is missing: one of " + listed_choices(), "choice");
  return *choice;
}

}  // namespace

void answer_list_pools(Context& context) {
  const auto list = ask<actors::PoolList>(context.services, actors::ListPools{});
  if (list.has_error()) return context.send_error(list.error());
  JsonWriter json;
  json.begin_object().key("pools").begin_array();
  for (const PoolView& pool : list->pools) write_pool(json, pool);
  json.end_array().end_object();
  context.send_json(json.take());
}

void answer_get_pool(Context& context, const std::string& name) {
  send_pool(context, name);
}

void answer_put_pool(Context& context, const std::string& name) {
  if (!is_valid_name(name)) {
    return context.send_error(
        invalid_request("a pool's name is 1-128 of [A-Za-z0-9._:/@+-]", "name"));
  }
  const auto members = scan_object(context.request.body);
  if (members.has_error()) return context.send_error(members.error());
  const auto choice = read_choice(*members);
  if (choice.has_error()) return context.send_error(choice.error());
  const auto done = ask<actors::Done>(context.services, actors::ConfigurePool{name, *choice});
  if (done.has_error()) return context.send_error(done.error());
  if (done->error.code != ErrorCode::none) return context.send_error(done->error);
  send_pool(context, name);
}

}  // namespace signalbox::http
