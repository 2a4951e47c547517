#include "http/surfaces/dashboard_surface.hpp"

#include "http/surfaces/assets.hpp"

namespace signalbox::http {
namespace {

// Text from prompts and models is on the page: nothing in it may ever run or reach another host.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// @returns whether If-None-Match names the asset (a list, weak ones included, or `*`).
bool is_known(const Request& request, const Asset& asset) {
  const std::string* field = find_header(request.headers, "If-None-Match");
  if (field == nullptr) return false;
  return *field == "*" || field->find(asset.etag) != std::string::npos;
}

void send_asset(Context& context, const std::string& path) {
  const Asset* asset = find_asset(path);
  if (asset == nullptr) {
    return context.send_error(make_error(ErrorCode::not_found, "there is nothing at " + path));
  }
  Response response;
  response.content_type = asset->type;
  response.headers = {
      {"ETag", std::string{asset->etag}},
      {"Cache-Control", "no-cache"},
      {"Content-Security-Policy", std::string{content_security_policy}},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
  };
  if (is_known(context.request, *asset)) {
    response.status = 304;
  } else {
    response.body = asset->bytes;
  }
  context.send(std::move(response));
}

}  // namespace

bool is_dashboard_path(std::string_view path) {
  return path == "/" || path.starts_with("/assets/");
}

void answer_dashboard(Context& context) {
  send_asset(context, "/");
}

void answer_openapi(Context& context) {
  send_asset(context, "/openapi.json");
}

void answer_asset(Context& context, const std::string& name) {
  send_asset(context, "/assets/" + name);
}

}  // namespace signalbox::http
