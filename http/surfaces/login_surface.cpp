#include "http/surfaces/login_surface.hpp"

#include "http/text/json_writer.hpp"
#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

/// Not `Secure`: whether https is in front of this broker cannot be known here, and over plain http
/// the browser would drop it.
std::string make_cookie(std::string_view value) {
  std::string cookie{session_cookie};
  cookie.append("=").append(value).append("; Path=/; HttpOnly; SameSite=Strict");
  return cookie;
}

}  // namespace

void answer_login(Context& context) {
  const auto members = scan_object(context.request.body);
  if (members.has_error()) return context.send_error(members.error());
  const auto key = read_string(*members, "key");
  if (key.has_error()) return context.send_error(key.error());
  if (!*key) return context.send_error(invalid_request("key is needed", "key"));
  const auto id = context.services.authenticator->log_in(context.request, **key);
  if (id.has_error()) return context.send_error(id.error());
  Response response;
  response.headers = {{"Cache-Control", "no-store"}};
  if (!id->empty()) response.headers.emplace_back("Set-Cookie", make_cookie(*id));
  JsonWriter json;
  json.begin_object().key("status").string("logged_in").key("idle_timeout_s");
  json.number(std::int64_t{std::chrono::seconds{LoginSessions::idle_timeout}.count()}).end_object();
  response.body = json.take();
  context.send(std::move(response));
}

void answer_logout(Context& context) {
  if (const auto error = context.services.authenticator->log_out(context.request)) {
    return context.send_error(*error);
  }
  Response response;
  response.headers = {{"Cache-Control", "no-store"},
                      {"Set-Cookie", make_cookie("") + "; Max-Age=0"}};
  response.body = R"({"status":"logged_out"})";
  context.send(std::move(response));
}

}  // namespace signalbox::http
