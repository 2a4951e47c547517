// Goal: every call leaves one row, on the disk a moment after its end, whatever its end; nobody
// waits for that, and what is in memory stays until it is there. Method: a house on the virtual
// clock, and the actor alone with a store that fails when told.
#include "actors/calls/metrics_actor.hpp"

#include <catch2/catch.hpp>

#include "actors/store/store_actor.hpp"
#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {
namespace {

/// The actor, a store, and calls that end.
class Desk {
 public:
  explicit Desk(std::size_t rows_kept = 1000) {
    x_writer = x_world.system().spawn(actors::store_actor, x_store, actors::GatherRule{});
    x_metrics = x_world.system().spawn(actors::metrics_actor, x_writer, rows_kept);
    x_world.adopt(caf::actor_cast<caf::actor>(x_writer));
    x_world.adopt(caf::actor_cast<caf::actor>(x_metrics));
  }

  CallRow begin() {
    CallRow row;
    row.id = x_world.ids()->next();
    row.queued_at = x_world.wall()->now();
    tell(row);
    return row;
  }
  CallRow end(CallRow row) {
    row.status = CallStatus::ok;
    row.finished_at = x_world.wall()->now();
    tell(row);
    return row;
  }
  void end_many(std::size_t count) {
    for (; count > 0; --count) end(begin());
  }
  void tell(const CallRow& row) {
    caf::anon_send(x_metrics, actors::CallChanged{std::make_shared<const CallRow>(row)});
    x_world.run();
  }

  CallRowPage listed(CallQuery query = all()) {
    return ask<actors::CallPage>(x_world, x_metrics, actors::ListCalls{query}).page;
  }
  CallRowPage stored(CallQuery query = all()) { return *x_store->list_calls(query); }
  static CallQuery all() {
    CallQuery query;
    query.limit = call_page_max;
    return query;
  }
  sim::VirtualSystem& world() { return x_world; }
  persistence::MemoryTaskStore& store() { return *x_store; }
  actors::StoreActor& writer() { return x_writer; }
  actors::MetricsActor& metrics() { return x_metrics; }

 private:
  sim::VirtualSystem x_world;
  std::shared_ptr<persistence::MemoryTaskStore> x_store =
      std::make_shared<persistence::MemoryTaskStore>();
  actors::StoreActor x_writer;
  actors::MetricsActor x_metrics;
};

/// The rows that are on the disk a second later.
std::map<IdBytes, CallRow> stored_rows(HouseFixture& house) {
  house.world().advance(1s);
  std::map<IdBytes, CallRow> rows;
  const auto page = house.store().list_calls(Desk::all());
  for (const auto& row : page->rows) rows[row->id] = *row;
  return rows;
}

}  // namespace

TEST_CASE("metrics: rows that end are written together, a moment later", "[actors][metrics]") {
  Desk desk;
  const CallRow runs = desk.begin();
  desk.end_many(3);
  desk.world().advance(actors::call_write_delay - 1ms);
  desk.end_many(1);
  CHECK(desk.stored().rows.empty());
  desk.world().advance(1ms + actors::call_rows_patience);
  CHECK(desk.stored().rows.size() == 4);
  CHECK(desk.listed().rows.size() == 5);
  // Nothing is left to do.
  CHECK(desk.world().run_dry(desk.world().now() + 1h));
  desk.end(runs);
  desk.world().advance(1s);
  CHECK(desk.stored().rows.size() == 5);
}

TEST_CASE("metrics: they ride in a commit that others need", "[actors][metrics]") {
  Desk desk;
  desk.end_many(3);
  desk.world().advance(actors::call_write_delay);
  CHECK(desk.stored().rows.empty());
  caf::anon_send(desk.writer(), actors::StoreWrite{PutDocument{"kind", "name", "x"}, {}, 0});
  desk.world().run();
  CHECK(desk.stored().rows.size() == 3);
  // The store's own timer finds nothing left, and the next rows wait for theirs.
  desk.world().advance(actors::call_rows_patience - 1ms);
  desk.end_many(1);
  desk.world().advance(actors::call_write_delay);
  CHECK(desk.stored().rows.size() == 3);
  desk.world().advance(actors::call_rows_patience);
  CHECK(desk.stored().rows.size() == 4);
}

TEST_CASE("metrics: many are sent at once, without waiting for more", "[actors][metrics]") {
  Desk desk;
  desk.end_many(actors::call_rows_per_write);
  desk.world().advance(actors::call_rows_patience - 1ms);
  CHECK(desk.stored().rows.empty());
  desk.world().advance(1ms);
  CHECK(desk.stored().rows.size() == actors::call_rows_per_write);
}

TEST_CASE("metrics: a house that closes writes what is left", "[actors][metrics]") {
  Desk desk;
  desk.end_many(2);
  for (int round = 0; round < 2; ++round) {
    ask<actors::Done>(desk.world(), desk.metrics(), actors::SaveCalls{});
    // The daemon's last write, which it waits for.
    caf::anon_send(desk.writer(), actors::StoreWrite{PutDocument{"daemon", "stopped", "x"}, {}, 0});
    desk.world().run();
    CHECK(desk.stored().rows.size() == 2);
  }
}

TEST_CASE("metrics: memory keeps the last that ended, and all that have not", "[actors][metrics]") {
  Desk desk{10};
  const CallRow oldest = desk.begin();
  desk.end_many(25);
  // Those that are not written yet can be seen nowhere else.
  CHECK(desk.listed().rows.size() == 26);
  desk.world().advance(1s);
  const auto rows = desk.listed().rows;
  CHECK(rows.size() == 11);
  CHECK(rows.back()->id == oldest.id);
  CHECK(desk.stored().rows.size() == 25);
  const auto page = merge_pages(desk.listed(), desk.stored(), Desk::all());
  CHECK(page.rows.size() == 26);
}

TEST_CASE("metrics: a row that ends twice is one row, as it was last", "[actors][metrics]") {
  Desk desk{2};
  CallRow row = desk.end(desk.begin());
  row.status = CallStatus::error;
  desk.tell(row);
  desk.end_many(1);
  desk.world().advance(1s);
  CHECK(desk.listed().rows.size() == 2);
  REQUIRE(desk.stored().rows.size() == 2);
  CHECK(desk.stored().rows.back()->status == CallStatus::error);
  desk.end_many(2);
  desk.world().advance(1s);
  CHECK(desk.listed().rows.size() == 2);
  CHECK(desk.stored().rows.size() == 4);
}

TEST_CASE("metrics: a store that fails costs its rows and nothing else", "[actors][metrics]") {
  Desk desk{5};
  desk.store().fail_next_commit(make_error(ErrorCode::store_failed, "disk on fire"));
  desk.end_many(8);
  desk.world().advance(1s);
  CHECK(desk.stored().rows.empty());
  CHECK(desk.listed().rows.size() == 5);
  desk.end_many(3);
  desk.world().advance(1s);
  CHECK(desk.stored().rows.size() == 3);
  CHECK(desk.listed().rows.size() == 5);
}

TEST_CASE("metrics: a store that never answers does not fill the memory", "[actors][metrics]") {
  sim::VirtualSystem world;
  auto heard = std::make_shared<int>(0);
  const auto deaf = [](actors::StoreActor::pointer,
                       std::shared_ptr<int> count) -> actors::StoreActor::behavior_type {
    return {[count](const actors::StoreWrite&) { ++*count; }, [](actors::FlushStore) {},
            [](const actors::MeasureCommits&) {}};
  };
  const actors::StoreActor store = world.system().spawn(deaf, heard);
  const auto metrics = world.system().spawn(actors::metrics_actor, store, std::size_t{1000});
  world.adopt(caf::actor_cast<caf::actor>(store));
  world.adopt(caf::actor_cast<caf::actor>(metrics));
  const std::size_t more = actors::unwritten_calls_max + 500;
  for (std::size_t count = 0; count < more; ++count) {
    auto row = std::make_shared<CallRow>();
    row->id = world.ids()->next();
    row->finished_at = world.wall()->now();
    caf::anon_send(metrics, actors::CallChanged{row});
    world.run();
  }
  std::size_t listed = 0;
  CallQuery query = Desk::all();
  do {
    const auto page = ask<actors::CallPage>(world, metrics, actors::ListCalls{query}).page;
    listed += page.rows.size();
    query.cursor = page.next_cursor;
  } while (query.cursor);
  CHECK(*heard > 0);
  CHECK(listed == actors::unwritten_calls_max);
}

TEST_CASE("metrics: what is too old is forgotten, what runs is not", "[actors][metrics]") {
  Desk desk;
  const CallRow runs = desk.begin();
  desk.end_many(2);
  desk.world().advance(10s);
  desk.end_many(1);
  const auto before = desk.world().wall()->now();
  caf::anon_send(desk.metrics(), actors::CollectCalls{before});
  desk.world().run();
  const auto rows = desk.listed().rows;
  REQUIRE(rows.size() == 2);
  CHECK(rows.back()->id == runs.id);
}

TEST_CASE("metrics: filters and pages in memory", "[actors][metrics]") {
  Desk desk;
  for (int index = 0; index < 9; ++index) {
    CallRow row = desk.begin();
    row.profile = index % 3 == 0 ? "a" : "b";
    desk.end(row);
    desk.world().advance(1s);
  }
  CallQuery query;
  query.profile = "b";
  query.limit = 4;
  const auto first = desk.listed(query);
  CHECK(first.rows.size() == 4);
  REQUIRE(first.next_cursor);
  query.cursor = first.next_cursor;
  const auto second = desk.listed(query);
  CHECK(second.rows.size() == 2);
  CHECK(second.rows.front()->id < first.rows.back()->id);
  query = Desk::all();
  query.since = desk.world().wall()->now() - 3s;
  CHECK(desk.listed(query).rows.size() == 3);
}

TEST_CASE("call rows: each kind of end leaves one, on the disk", "[actors][metrics]") {
  actors::BrokerSettings settings;
  settings.profile_defaults.max_queued = 2;
  HouseFixture house{settings};
  house.add_backend("alpha", 1, whole_answer(100s));
  house.add_backend("quick", 5, whole_answer(1s));
  house.add_backend("broken", 1, failure(ErrorCode::backend_error, false));
  const auto ok = house.submit({.target = "quick"});
  const auto error = house.submit({.target = "broken"});
  const auto slow = house.submit({.inference = 5s});
  const auto waiting = house.submit({.queue_wait = 2s});
  const auto gone = house.submit({});
  const auto full = house.submit({});
  house.hang_up(gone);
  house.set_present("broken", false);
  const auto absent = house.submit({.target = "broken", .fail_fast = true});
  house.world().advance(10s);
  const auto backlog = house.submit({.target = "quick", .is_async = true});
  house.world().advance(10s);

  const std::map<actors::CallNumber, CallStatus> expected{{ok, CallStatus::ok},
                                                          {error, CallStatus::error},
                                                          {slow, CallStatus::inference_timeout},
                                                          {waiting, CallStatus::queue_wait_timeout},
                                                          {gone, CallStatus::cancelled},
                                                          {full, CallStatus::queue_full},
                                                          {absent, CallStatus::error},
                                                          {backlog, CallStatus::ok}};
  const auto rows = stored_rows(house);
  CHECK(rows.size() == expected.size());
  for (const auto& [call, status] : expected) {
    INFO("call " << call);
    const auto place = rows.find(house.task_of(call).bytes);
    REQUIRE(place != rows.end());
    const CallRow& row = place->second;
    CHECK(row.status == status);
    CHECK(row.finished_at != WallTime{});
    CHECK(row.owner == "tester");
    CHECK_FALSE(row.profile.empty());
    CHECK(row.error_kind.empty() == (status == CallStatus::ok));
  }
  CHECK(rows.at(house.task_of(ok).bytes).backend == "quick");
  CHECK(rows.at(house.task_of(absent).bytes).error_kind == "no_backend");
  CHECK(rows.at(house.task_of(slow).bytes).total_latency_ms == 5000);
}

TEST_CASE("call rows: a backlog that is full leaves one too", "[actors][metrics]") {
  actors::BrokerSettings settings;
  settings.max_backlog = 1;
  HouseFixture house{settings};
  house.add_backend("alpha", 1, whole_answer(100s));
  house.set_present("alpha", false);
  house.submit({.is_async = true});
  const auto refused = house.submit({.is_async = true});
  REQUIRE(house.told(refused).code() == ErrorCode::queue_full);
  const auto rows = stored_rows(house);
  REQUIRE(rows.size() == 1);
  CHECK(rows.begin()->second.status == CallStatus::queue_full);
  CHECK(rows.begin()->second.id == house.task_of(refused).bytes);
}

TEST_CASE("call rows: a call that runs again after a crash has one row", "[actors][metrics]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(10s));
  const auto done = house.submit({});
  house.world().advance(11s);
  const auto cut = house.submit({.is_async = true});
  const auto waits = house.submit({.is_async = true});
  house.world().advance(5s);
  house.kill_and_restart();
  for (const CallRow& row : house.rows()) CHECK(row.id != house.task_of(done).bytes);
  house.world().advance(30s);
  const auto rows = stored_rows(house);
  CHECK(rows.size() == 3);
  for (const auto call : {done, cut, waits}) {
    CHECK(rows.at(house.task_of(call).bytes).status == CallStatus::ok);
  }
}

TEST_CASE("call rows: a call of the backlog counts from its beginning", "[actors][metrics]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(2s));
  house.set_present("alpha", false);
  const auto call = house.submit({.is_async = true});
  const auto cancelled = house.submit({.is_async = true});
  house.world().advance(10s);
  house.cancel(house.task_of(cancelled));
  house.set_present("alpha", true);
  house.world().advance(5s);
  const auto rows = stored_rows(house);
  const CallRow& row = rows.at(house.task_of(call).bytes);
  CHECK(row.queue_wait_ms == 10'000);
  CHECK(row.service_time_ms == 2000);
  CHECK(row.total_latency_ms == 12'000);
  CHECK(rows.at(house.task_of(cancelled).bytes).queue_wait_ms == 10'000);
}

}  // namespace signalbox::testing
