// Assertions in the words of the contract.
import assert from 'node:assert/strict';

const TYPES = {
  queue_full: 'rate_limit_error', queue_wait_timeout: 'server_error', inference_timeout: 'server_error', no_backend: 'server_error',
  backend_unreachable: 'server_error', backend_error: 'server_error', backend_stream_failed: 'server_error', worker_lost: 'server_error',
  task_cancelled: 'invalid_request_error', task_expired: 'server_error', model_not_found: 'invalid_request_error', llm_not_found: 'invalid_request_error',
  task_not_found: 'invalid_request_error', profile_not_found: 'invalid_request_error', invalid_json: 'invalid_request_error',
  invalid_request: 'invalid_request_error', invalid_priority: 'invalid_request_error', unauthorized: 'authentication_error', forbidden: 'permission_error',
  draining: 'server_error', store_full: 'server_error', store_failed: 'server_error', method_not_allowed: 'invalid_request_error',
  body_too_large: 'invalid_request_error', unsupported_media_type: 'invalid_request_error', not_found: 'invalid_request_error',
  idempotency_key_reused: 'invalid_request_error', forbidden_host: 'invalid_request_error', await_timeout: 'server_error',
  agent_not_found: 'invalid_request_error', session_not_found: 'invalid_request_error', slot_not_found: 'invalid_request_error', job_not_found: 'invalid_request_error', name_conflict: 'invalid_request_error', stale_claim: 'invalid_request_error',
  wake_failed: 'server_error', wake_timeout: 'server_error',
};
const STATUS = {
  queue_full: 429, queue_wait_timeout: 503, inference_timeout: 504, no_backend: 503, backend_unreachable: 502, backend_stream_failed: 502, worker_lost: 502,
  task_cancelled: 409, task_expired: 504, model_not_found: 404, llm_not_found: 404, task_not_found: 404, profile_not_found: 404, invalid_json: 400,
  invalid_request: 400, invalid_priority: 400, unauthorized: 401, forbidden: 403, draining: 503, store_full: 507, store_failed: 500,
  method_not_allowed: 405, body_too_large: 413, unsupported_media_type: 415, not_found: 404, idempotency_key_reused: 422, forbidden_host: 403, await_timeout: 504,
  agent_not_found: 404, session_not_found: 404, slot_not_found: 404, job_not_found: 404, name_conflict: 409, stale_claim: 409, wake_failed: 503, wake_timeout: 503,
};
export const TASK_HEADERS = ['x-request-id', 'x-signalbox-task', 'x-signalbox-profile', 'x-signalbox-priority', 'x-signalbox-queue-wait-ms', 'x-signalbox-backend', 'x-signalbox-attempts'];

const brief = (r) => `${r.status} ${r.text?.slice(0, 500)}`;

/// An error object in the one shape, with the code's type and status; gives the error back. `details` are compared one by one.
export function expectError(r, code, { status = STATUS[code], type = TYPES[code], source, ...details } = {}, note = '') {
  const where = `${note ? `${note}: ` : ''}expected ${status} ${code}, got ${brief(r)}`;
  assert.equal(r.status, status, where);
  assert.match(r.headers['content-type'] ?? '', /^application\/json/, `${where}: an error is JSON`);
  assert.ok(r.json && typeof r.json.error === 'object' && r.json.error !== null, `${where}: body is {"error":{…}}`);
  return expectErrorObject(r.json.error, code, { type, source, ...details }, where);
}

export function expectErrorObject(e, code, { type = TYPES[code], source = code === 'backend_error' ? 'backend' : undefined, withRequestId = true, ...details } = {}, where = JSON.stringify(e)) {
  assert.equal(e.code, code, where);
  assert.equal(e.type, type, where);
  assert.ok(typeof e.message === 'string' && e.message.length > 0, `${where}: message is a text`);
  assert.ok('param' in e, `${where}: param is always there, null when it names nothing`);
  assert.ok(e.param === null || typeof e.param === 'string', `${where}: param is null or a text`);
  if (withRequestId) assert.ok(typeof e.request_id === 'string' && e.request_id.length > 0, `${where}: request_id is there`);
  assert.ok(e.source === 'broker' || e.source === 'backend', `${where}: source is broker or backend`);
  if (source) assert.equal(e.source, source, `${where}: who failed`);
  for (const [k, v] of Object.entries(details)) {
    if (v instanceof RegExp) assert.match(String(e[k]), v, `${where}: ${k}`);
    else assert.deepEqual(e[k], v, `${where}: ${k}`);
  }
  return e;
}

/// `Retry-After` in whole seconds, 1 to 60.
export function expectRetryAfter(r) {
  const value = r.headers['retry-after'];
  assert.match(value ?? '', /^\d+$/, `Retry-After in whole seconds, got ${value}; ${brief(r)}`);
  assert.ok(+value >= 1 && +value <= 60, `Retry-After within 1..60, got ${value}`);
}

/// A 200 with every header that a call which makes a task carries; `headers` (lower case, without x-signalbox-) are compared.
export function expectTaskHeaders(r, headers = {}) {
  for (const name of TASK_HEADERS) assert.ok(r.headers[name] !== undefined && r.headers[name] !== '', `response header ${name} is there; got ${JSON.stringify(r.headers)}`);
  assert.match(r.headers['x-signalbox-queue-wait-ms'], /^\d+(\.\d+)?$/, 'X-Signalbox-Queue-Wait-Ms is a number');
  assert.match(r.headers['x-signalbox-attempts'], /^\d+$/, 'X-Signalbox-Attempts is a number');
  for (const [name, value] of Object.entries(headers)) assert.equal(r.headers[`x-signalbox-${name}`], value, `X-Signalbox-${name}`);
}

export function expectOk(r, note = '') {
  assert.equal(r.status, 200, `${note ? `${note}: ` : ''}expected 200, got ${brief(r)}`);
  return r;
}

/// RFC 3339 UTC with milliseconds.
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
export const ms = (time) => Date.parse(time);

/// A time that took at least `least` and not unreasonably longer: on a busy machine only a generous upper bound is honest.
export function expectOnTime(tookMs, least, { slack = 2000, note = '' } = {}) {
  assert.ok(tookMs >= least - 30, `${note} too early: after ${tookMs} ms, not before ${least} ms`);
  assert.ok(tookMs <= least + slack, `${note} too late: after ${tookMs} ms, due at ${least} ms (+${slack})`);
}
