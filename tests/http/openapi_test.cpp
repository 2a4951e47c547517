// Goal: the document that describes the API has each route, and no other. Method: the route table
// against the compiled-in document.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <set>

#include "http/front/route_table.hpp"
#include "http/surfaces/assets.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::http {
namespace {

std::set<std::string> described_routes() {
  const Asset* document = find_asset("/openapi.json");
  REQUIRE(document != nullptr);
  CHECK(document->type == "application/json");
  REQUIRE_FALSE(check_json(document->bytes).has_error());
  std::set<std::string> described;
  for (const Member& path : members_of(value_of(document->bytes, "paths"))) {
    for (const Member& operation : members_of(path.value)) {
      std::string method = operation.name;
      std::transform(method.begin(), method.end(), method.begin(),
                     [](char letter) { return static_cast<char>(letter - 'a' + 'A'); });
      described.insert(method + " " + path.name);
    }
  }
  return described;
}

}  // namespace

TEST_CASE("openapi: every route is described", "[http][openapi]") {
  const auto described = described_routes();
  const auto routes = list_routes();
  CHECK(routes.size() > 30);
  for (const std::string& route : routes) {
    INFO(route);
    CHECK(described.contains(route));
  }
}

TEST_CASE("openapi: what is described is a route", "[http][openapi]") {
  const auto routes = list_routes();
  for (const std::string& route : described_routes()) {
    INFO(route);
    CHECK(std::find(routes.begin(), routes.end(), route) != routes.end());
  }
}

}  // namespace signalbox::http
