-- wrk: a plain chat call of about 1 KB, keep-alive.
local text = string.rep("The quick brown fox jumps over the lazy dog. ", 19)
wrk.method = "POST"
wrk.path = "/v1/chat/completions"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Signalbox-Profile"] = "bench"
wrk.body = '{"model":"bench","temperature":0.2,"max_tokens":64,"messages":[' ..
  '{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"' .. text .. '"}]}'

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT calls=%d us=%d p50=%.1f p90=%.1f p99=%.1f max=%.1f status=%d socket=%d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(90), latency:percentile(99),
    latency.max, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
