#include "http/application.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "http/admin_surface.hpp"
#include "http/call_options.hpp"
#include "http/error_response.hpp"
#include "http/inference_surface.hpp"
#include "http/route_table.hpp"
#include "http/task_surface.hpp"

namespace signalbox::http {
namespace {

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return result;
}

bool is_ip_literal(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

std::string without_port(std::string_view host) {
  if (host.starts_with('[')) return std::string{host.substr(1, host.find(']') - 1)};
  return std::string{host.substr(0, host.rfind(':'))};
}

bool is_json_type(std::string_view field) {
  const std::string type = lower(field.substr(0, field.find(';')));
  const std::size_t end = type.find_last_not_of(" \t");
  return std::string_view{type}.substr(0, end + 1) == "application/json";
}

/// The grant that an action needs beside a valid key; empty = none.
std::string_view grant_for(Action action) {
  switch (action) {
    case Action::chat:
    case Action::completion:
    case Action::embedding:
    case Action::native_chat:
    case Action::infer_llm:
    case Action::create_task:
      return "tasks:create";
    case Action::list_llms:
    case Action::get_llm:
      return "llms:view";
    case Action::list_profiles:
    case Action::get_profile:
      return "profiles:view";
    case Action::put_profile:
      return "profiles:edit";
    case Action::list_calls:
      return "calls:view";
    case Action::reload:
      return "admin:edit";
    // A caller's own tasks are its own; others' are looked at one by one.
    case Action::list_tasks:
    case Action::get_task:
    case Action::cancel_task:
    case Action::list_models:
    case Action::get_model:
    case Action::livez:
    case Action::readyz:
      return "";
  }
  return "admin:edit";
}

bool has_body(Action action) {
  return grant_for(action) == "tasks:create" || action == Action::put_profile;
}

void answer_health(Context& context, Action action) {
  const bool is_ready = context.services.is_ready;
  if (action == Action::readyz && !is_ready) {
    return context.send_json(R"({"status":"unavailable"})", 503);
  }
  context.send_json(R"({"status":"ok"})");
}

void answer(Context& context, const RouteMatch& route) {
  const std::string& name = route.name;
  switch (route.action) {
    case Action::chat:
      return answer_inference(context, TaskKind::chat);
    case Action::completion:
      return answer_inference(context, TaskKind::completion);
    case Action::embedding:
      return answer_inference(context, TaskKind::embedding);
    case Action::native_chat:
      return answer_inference(context, TaskKind::native_chat);
    case Action::list_models:
      return answer_list_models(context);
    case Action::get_model:
      return answer_get_model(context, name);
    case Action::infer_llm:
      return answer_llm_infer(context, name);
    case Action::create_task:
      return answer_create_task(context);
    case Action::list_tasks:
      return answer_list_tasks(context);
    case Action::get_task:
      return answer_get_task(context, name);
    case Action::cancel_task:
      return answer_cancel_task(context, name);
    case Action::list_llms:
      return answer_list_llms(context);
    case Action::get_llm:
      return answer_get_llm(context, name);
    case Action::list_profiles:
      return answer_list_profiles(context);
    case Action::get_profile:
      return answer_get_profile(context, name);
    case Action::put_profile:
      return answer_put_profile(context, name);
    case Action::list_calls:
      return answer_list_calls(context);
    case Action::livez:
    case Action::readyz:
      return answer_health(context, route.action);
    case Action::reload:
      return answer_reload(context);
  }
}

std::optional<Error> check_host(const Request& request, const Services& services) {
  const std::string* host = find_header(request.headers, "Host");
  if (host == nullptr || is_host_allowed(*host, services.allowed_hosts)) return std::nullopt;
  return make_error(ErrorCode::forbidden_host,
                    "requests for host \"" + *host +
                        "\" are not answered, so that web pages cannot reach this broker under "
                        "a name of theirs; add it to http.allowed_hosts if it is yours");
}

std::optional<Error> check_request(const Context& context, Action action) {
  const std::string_view grant = grant_for(action);
  if (!grant.empty() && !context.caller.may(grant)) {
    return make_error(ErrorCode::forbidden, "this key has no grant " + std::string{grant})
        .with("grant", std::string{grant});
  }
  if (!has_body(action)) return std::nullopt;
  const std::string* type = find_header(context.request.headers, "Content-Type");
  if (type != nullptr && is_json_type(*type)) return std::nullopt;
  return make_error(ErrorCode::unsupported_media_type, "Content-Type must be application/json");
}

bool is_health(std::string_view path) {
  return path == "/livez" || path == "/readyz" || path == "/health";
}

}  // namespace

void Context::send_error(const Error& error) const {
  Response response = error_response(error, request_id);
  if (error.code == ErrorCode::method_not_allowed && !error.details.empty()) {
    response.headers.emplace_back("Allow", std::get<std::string>(error.details.front().second));
  }
  send(std::move(response));
}

bool is_host_allowed(std::string_view host, const std::vector<std::string>& allowed) {
  const std::string name = lower(without_port(host));
  if (name.empty()) return false;
  if (name == "localhost" || is_ip_literal(name)) return true;
  return std::any_of(allowed.begin(), allowed.end(),
                     [&](const std::string& each) { return lower(each) == name; });
}

Application::Application(std::shared_ptr<Services> services, Authenticator authenticator)
    : x_services{std::move(services)}, x_authenticator{std::move(authenticator)} {}

void Application::handle(const Request& request, Responder& responder) const {
  auto request_id = read_request_id(request.headers);
  if (!request_id) request_id = format_id(x_services->ports.ids->next());
  Context context{*x_services, request, responder, {}, std::move(*request_id)};
  if (const auto error = check_host(request, *x_services)) return context.send_error(*error);
  if (!is_health(request.path)) {
    auto caller = x_authenticator.authenticate(request.headers);
    if (caller.has_error()) return context.send_error(caller.error());
    context.caller = std::move(*caller);
  }
  const auto route = match_route(request.method, request.path);
  if (route.has_error()) return context.send_error(route.error());
  if (const auto error = check_request(context, route->action)) return context.send_error(*error);
  answer(context, *route);
}

}  // namespace signalbox::http
