// Goal: a page of rows with their bodies is bounded, and its cursor leads to the rest. Method:
// memory store, no socket.
#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "http/text/json_members.hpp"
#include "tests/http/fake_house.hpp"

namespace signalbox::http {
namespace {

constexpr std::size_t mebibyte = 1024 * 1024;

/// @returns the ids, newest first.
std::vector<std::string> insert_large(FakeHouse& house, int count) {
  const Bytes body = make_bytes("{\"prompt\":\"" + std::string(20 * mebibyte, 'x') + "\"}");
  std::vector<std::string> ids;
  for (int index = 0; index < count; ++index) {
    Task task;
    task.id = *TaskId::parse("01890000-0000-7000-8000-00000000000" + std::to_string(index));
    task.owner = "alice";
    ids.insert(ids.begin(), task.id.to_string());
    const std::array ops{StoreOp{InsertTask{share(std::move(task)), body}}};
    REQUIRE(house.store->commit(ops)[0].outcome == StoreResult::Outcome::applied);
  }
  return ids;
}

struct Page {
  std::vector<std::string> ids;
  std::optional<std::string> next_cursor;
  std::size_t bytes = 0;
};

Page list(FakeHouse& house, const std::string& query) {
  FakeClient client;
  Request request = request_to("GET", "/api/v1/inference-tasks");
  request.query = query;
  house.handle(std::move(request), client);
  const std::string& text = client.answer.body;
  REQUIRE(client.answer.status == 200);
  REQUIRE(check_json(text).has_value());
  Page page;
  for (const auto row : elements_of(value_of(text, "tasks"))) {
    page.ids.push_back(unquote(value_of(row, "id")).value());
  }
  page.next_cursor = unquote(value_of(text, "next_cursor"));
  page.bytes = text.size();
  return page;
}

}  // namespace

TEST_CASE("task_list: a page with bodies ends where it is long enough", "[http][task_list]") {
  FakeHouse house;
  const auto ids = insert_large(house, 3);
  const Page first = list(house, "include=bodies");
  CHECK(first.ids == std::vector<std::string>{ids[0], ids[1]});
  CHECK(first.bytes < 41 * mebibyte);
  REQUIRE(first.next_cursor);
  const Page rest = list(house, "include=bodies&cursor=" + *first.next_cursor);
  CHECK(rest.ids == std::vector<std::string>{ids[2]});
  CHECK_FALSE(rest.next_cursor);
}

TEST_CASE("task_list: a page that ends just there has the cursor it had", "[http][task_list]") {
  FakeHouse house;
  const auto ids = insert_large(house, 2);
  CHECK_FALSE(list(house, "include=bodies").next_cursor);
  const Page plain = list(house, "");
  CHECK(plain.ids == ids);
  CHECK_FALSE(plain.next_cursor);
}

}  // namespace signalbox::http
