#include "http/application.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "http/dispatch.hpp"
#include "http/front/call_options.hpp"
#include "http/front/error_response.hpp"
#include "http/front/route_table.hpp"
#include "http/surfaces/dashboard_surface.hpp"

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

std::optional<Error> check_host(const Request& request, const Services& services) {
  const std::string* host = find_header(request.headers, "Host");
  if (host == nullptr || is_host_allowed(*host, services.allowed_hosts)) return std::nullopt;
  return make_error(ErrorCode::forbidden_host,
                    "requests for host \"" + *host +
                        "\" are not answered, so that web pages cannot reach this broker under "
                        "a name of theirs; add it to http.allowed_hosts if it is yours");
}

/// @returns whether anybody may ask: health, the dashboard's files, and the way in and out.
bool is_open(std::string_view path) {
  return path == "/livez" || path == "/readyz" || path == "/health" || path == "/login" ||
         path == "/logout" || is_dashboard_path(path);
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

Application::Application(std::shared_ptr<Services> services, config::AuthSettings keys)
    : x_services{std::move(services)}, x_authenticator{std::move(keys)} {
  x_services->authenticator = &x_authenticator;
}

void Application::handle(const Request& request, Responder& responder) const {
  auto request_id = read_request_id(request.headers);
  if (!request_id) request_id = format_id(x_services->ports.ids->next());
  Context context{*x_services, request, responder, {}, std::move(*request_id)};
  if (const auto error = check_host(request, *x_services)) return context.send_error(*error);
  if (!is_open(request.path)) {
    auto caller = x_authenticator.authenticate(request);
    if (caller.has_error()) return context.send_error(caller.error());
    context.caller = std::move(*caller);
  }
  const auto route = match_route(request.method, request.path);
  if (route.has_error()) return context.send_error(route.error());
  if (const auto error = check_action(context, route->action)) return context.send_error(*error);
  answer_action(context, *route);
}

}  // namespace signalbox::http
