#include "http/surfaces/job_request.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {

TEST_CASE("job_request: an inference is a streamed completion", "[http]") {
  const auto job = read_job_request(
      R"({"operation":"infer","model":"m","prompt":"a \"b\"\n","max_tokens":5,"temperature":0.70,)"
      R"("top_p":1,"top_k":40,"session":"s","other":1})");
  REQUIRE(job.has_value());
  CHECK(job->operation == JobOperation::infer);
  CHECK(job->model == "m");
  CHECK(job->session == "s");
  CHECK(job->completion ==
        R"({"model":"m","prompt":"a \"b\"\n","max_tokens":5,"temperature":0.70,"top_p":1,)"
        R"("top_k":40,"stream":true})");
  const auto least = read_job_request(R"({"operation":"infer","model":"m","prompt":""})");
  REQUIRE(least.has_value());
  CHECK(least->completion == R"({"model":"m","prompt":"","stream":true})");
  CHECK(read_job_request(R"({"operation":"status"})")->operation == JobOperation::status);
}

TEST_CASE("job_request: what cannot be taken names its member", "[http]") {
  const auto [members, param] = GENERATE(table<std::string, std::string>(
      {{R"("model":"m")", "operation"},
       {R"("operation":7)", "operation"},
       {R"("operation":"train")", "operation"},
       {R"("operation":"infer","prompt":"p")", "model"},
       {R"("operation":"infer","model":"","prompt":"p")", "model"},
       {R"("operation":"infer","model":7,"prompt":"p")", "model"},
       {R"("operation":"infer","model":"m")", "prompt"},
       {R"("operation":"infer","model":"m","prompt":["p"])", "prompt"},
       {R"("operation":"infer","model":"m","prompt":"p","max_tokens":0)", "max_tokens"},
       {R"("operation":"infer","model":"m","prompt":"p","max_tokens":1.5)", "max_tokens"},
       {R"("operation":"infer","model":"m","prompt":"p","max_tokens":"5")", "max_tokens"},
       {R"("operation":"infer","model":"m","prompt":"p","temperature":-1)", "temperature"},
       {R"("operation":"infer","model":"m","prompt":"p","temperature":true)", "temperature"},
       {R"("operation":"infer","model":"m","prompt":"p","top_p":1.1)", "top_p"},
       {R"("operation":"infer","model":"m","prompt":"p","top_k":-2)", "top_k"},
       {R"("operation":"infer","model":"m","prompt":"p","session":7)", "session"},
       {R"("operation":"infer","model":"m","prompt":"p","session":"a\nb")", "session"}}));
  CAPTURE(members);
  const auto job = read_job_request("{" + members + "}");
  REQUIRE(job.has_error());
  CHECK(job.error().code == ErrorCode::invalid_request);
  CHECK(job.error().param == param);
}

TEST_CASE("job_request: no JSON", "[http]") {
  CHECK(read_job_request("{\"operation\":").error().code == ErrorCode::invalid_json);
  CHECK(read_job_request("[]").error().code == ErrorCode::invalid_json);
}

}  // namespace signalbox::http
