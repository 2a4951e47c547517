// Goal: the dashboard's files come whole, typed, cached by their hash, and under a policy that lets
// nothing foreign run. Method: dispatch without sockets.
#include "http/surfaces/dashboard_surface.hpp"

#include <catch2/catch.hpp>

#include "http/surfaces/assets.hpp"
#include "tests/http/fake_house.hpp"

namespace signalbox::http {
namespace {

Response got(const std::string& path, Headers headers = {}) {
  FakeHouse house;
  FakeClient client;
  Request request = request_to("GET", path);
  request.headers = std::move(headers);
  house.handle(std::move(request), client);
  return client.answer;
}

std::string header(const Response& response, std::string_view name) {
  const std::string* value = find_header(response.headers, name);
  return value == nullptr ? "" : *value;
}

}  // namespace

TEST_CASE("dashboard_surface: the page comes with what guards it", "[http][dashboard_surface]") {
  const Response page = got("/");
  CHECK(page.status == 200);
  CHECK(page.content_type == "text/html; charset=utf-8");
  CHECK(page.body.starts_with("<!doctype html>"));
  CHECK(header(page, "Cache-Control") == "no-cache");
  CHECK(header(page, "X-Content-Type-Options") == "nosniff");
  CHECK(header(page, "Referrer-Policy") == "no-referrer");
  CHECK(header(page, "Content-Security-Policy") ==
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
}

TEST_CASE("dashboard_surface: the page needs nothing that the policy forbids",
          "[http][dashboard_surface]") {
  const std::string page{find_asset("/")->bytes};
  CHECK(page.find("<script>") == std::string::npos);
  CHECK(page.find("style=") == std::string::npos);
  CHECK(page.find("<style") == std::string::npos);
  CHECK(page.find("http://") == std::string::npos);
  CHECK(page.find("https://") == std::string::npos);
  // Every file that it names is there.
  for (std::size_t at = 0; (at = page.find("\"/assets/", at)) != std::string::npos; ++at) {
    const std::string path = page.substr(at + 1, page.find('"', at + 1) - at - 1);
    INFO(path);
    CHECK(find_asset(path) != nullptr);
  }
}

TEST_CASE("dashboard_surface: assets are typed by their ending", "[http][dashboard_surface]") {
  CHECK(got("/assets/style.css").content_type == "text/css; charset=utf-8");
  CHECK(got("/assets/main.js").content_type == "text/javascript; charset=utf-8");
  CHECK(got("/assets/views/calls.js").content_type == "text/javascript; charset=utf-8");
  CHECK(got("/assets/icon.svg").content_type == "image/svg+xml");
  // Without Chart.js in the build, a script that says so.
  CHECK(got("/assets/chart.js").content_type == "text/javascript; charset=utf-8");
}

TEST_CASE("dashboard_surface: a known hash is answered 304 without a body",
          "[http][dashboard_surface]") {
  const std::string etag = header(got("/assets/main.js"), "ETag");
  CHECK(etag.size() == 34);
  for (const std::string& known : {etag, "W/" + etag, "\"other\", " + etag, std::string{"*"}}) {
    INFO(known);
    const Response answer = got("/assets/main.js", {{"If-None-Match", known}});
    CHECK(answer.status == 304);
    CHECK(answer.body.empty());
    CHECK(header(answer, "ETag") == etag);
  }
  CHECK(got("/assets/main.js", {{"If-None-Match", "\"other\""}}).status == 200);
  CHECK(header(got("/assets/style.css"), "ETag") != etag);
}

TEST_CASE("dashboard_surface: what is no asset is not found", "[http][dashboard_surface]") {
  for (const char* path : {"/assets/", "/assets/x.js", "/assets/../main.js", "/assets/%2e%2e/main",
                           "/index.html", "/assets/package.json", "/assetsx"}) {
    INFO(path);
    CHECK(got(path).status == 404);
  }
}

TEST_CASE("dashboard_surface: only its own paths are open", "[http][dashboard_surface]") {
  CHECK(is_dashboard_path("/"));
  CHECK(is_dashboard_path("/assets/main.js"));
  for (const char* path : {"//", "/asset", "/assets", "/api/v1/calls", "/assetsx/a", ""}) {
    INFO(path);
    CHECK_FALSE(is_dashboard_path(path));
  }
}

}  // namespace signalbox::http
