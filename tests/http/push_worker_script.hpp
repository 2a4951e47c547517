// A push worker made of plain sockets: by the book unless a test says otherwise.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "http/push/push_client.hpp"
#include "tests/http/raw_server.hpp"
#include "tests/http/upstream_recorder.hpp"

namespace signalbox::http::test {

inline const std::string job_answer = R"({"job_id":"j1","sse_url":"/v1/inference/j1/stream"})";

inline bool is_post(const std::string& request) {
  return request.starts_with("POST ");
}

/// @returns the body of a request.
inline std::string body_of(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

/// Takes every job and answers the stream's request with `reply`. @param answer to the POST.
inline RawServer::Script streams(std::function<bool(Peer&)> reply,
                                 std::string answer = job_answer) {
  return [reply = std::move(reply), answer = std::move(answer)](Peer& peer) {
    for (std::string request; !(request = peer.read_request()).empty();)
      if (!(is_post(request) ? peer.answer(200, answer) : reply(peer))) return;
  };
}

/// Streams `events` in chunks of `chunk_size` bytes and ends the answer in good order.
inline std::function<bool(Peer&)> says(std::string events, std::size_t chunk_size = 1 << 20) {
  return [events = std::move(events), chunk_size](Peer& peer) {
    peer.begin_stream();
    for (std::size_t at = 0; at < events.size(); at += chunk_size)
      if (!peer.chunk(events.substr(at, chunk_size))) return false;
    return peer.send("0\r\n\r\n");
  };
}

/// Keeps quiet until the client is gone.
inline bool say_nothing(Peer& peer) {
  static_cast<void>(peer.wait_for_close());
  return false;
}

inline PushTarget target_for(const RawServer& server, std::string model = {}) {
  const std::string url = server.url();
  const int port = std::stoi(url.substr(url.rfind(':') + 1));
  return {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(port), .model = std::move(model)};
}

/// @returns the task's id that calls of these tests have: made at 1,000 s.
inline TaskId push_task() {
  return *TaskId::parse("0000000f-4240-7000-8000-000000000000");
}

inline BackendCall push_call(bool streaming, std::string body = R"({"prompt":"say it"})",
                             TaskKind kind = TaskKind::completion) {
  BackendCall call = make_call(streaming, std::move(body));
  call.kind = kind;
  call.task = push_task();
  return call;
}

/// The value of a detail of an error; empty when it has none.
inline std::string detail(const Error& error, std::string_view name) {
  for (const auto& [key, value] : error.details) {
    if (key != name) continue;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  }
  return {};
}

}  // namespace signalbox::http::test
