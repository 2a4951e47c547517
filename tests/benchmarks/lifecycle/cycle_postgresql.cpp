// Life cycles of rows in PostgreSQL, one after the other on each connection: INSERT; claim with
// SKIP LOCKED; UPDATE to completed. Each is a transaction of its own.
//
//   cycle_postgresql CONNECTION [SECONDS 5] [CLIENTS 32]
#include <libpq-fe.h>

#include <thread>

#include "tests/benchmarks/lifecycle/load.hpp"

namespace {

using bench::now_ns;

class Client {
 public:
  Client(const char* connection, long seconds)
      : x_connection{PQconnectdb(connection)}, x_tally{seconds} {
    if (PQstatus(x_connection) != CONNECTION_OK) bench::give_up(PQerrorMessage(x_connection));
    prepare("enqueue", "INSERT INTO tasks (request) VALUES ($1)", 1);
    prepare("claim",
            "UPDATE tasks SET status = 'claimed', claimed_at = now() WHERE id = (SELECT id FROM "
            "tasks WHERE status = 'pending' ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) "
            "RETURNING id, request",
            0);
    prepare("complete",
            "UPDATE tasks SET status = 'completed', response = $2, completed_at = now() "
            "WHERE id = $1",
            2);
  }
  ~Client() { PQfinish(x_connection); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void run() {
    const std::string body(bench::body_bytes, 'x');
    while (!x_tally.is_over()) {
      const auto asked_at = now_ns();
      run("enqueue", {body.c_str()});
      x_tally.acknowledged(asked_at);
      const std::string id = run("claim", {});
      // Another one's claim may have run ahead of this one's insert.
      if (id.empty()) continue;
      run("complete", {id.c_str(), body.c_str()});
      x_tally.completed();
    }
  }

  [[nodiscard]] const bench::Tally& tally() const { return x_tally; }

 private:
  void prepare(const char* name, const char* text, int parameters) {
    PQclear(checked(PQprepare(x_connection, name, text, parameters, nullptr)));
  }

  /// @returns the first value of the first row, or nothing.
  std::string run(const char* name, const std::vector<const char*>& values) {
    PGresult* result = checked(PQexecPrepared(x_connection, name, static_cast<int>(values.size()),
                                              values.data(), nullptr, nullptr, 0));
    std::string first = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
    PQclear(result);
    return first;
  }

  PGresult* checked(PGresult* result) {
    const auto status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      bench::give_up(PQerrorMessage(x_connection));
    }
    return result;
  }

  PGconn* x_connection;
  bench::Tally x_tally;
};

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "cycle_postgresql CONNECTION [SECONDS] [CLIENTS]\n");
    return 2;
  }
  const long seconds = bench::number_argument(count, words, 2, 5);
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::thread> threads;
  for (long i = 0; i < bench::number_argument(count, words, 3, 32); ++i) {
    clients.push_back(std::make_unique<Client>(words[1], seconds));
  }
  for (auto& client : clients) threads.emplace_back([&] { client->run(); });
  for (std::thread& thread : threads) thread.join();
  bench::Tally all{seconds};
  for (const auto& client : clients) all.add(client->tally());
  all.print();
}
