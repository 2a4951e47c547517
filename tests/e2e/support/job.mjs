// Jobs as their callers see them: made by `POST /v1/jobs`, read as a stream of bare tokens.
import assert from 'node:assert/strict';
import { expectErrorObject } from './expect.mjs';
import { events } from './http.mjs';
import { within } from './wait.mjs';

export const JOBS = '/v1/jobs';
export const askJob = (daemon, body, headers = {}) => daemon.post(JOBS, { operation: 'infer', prompt: 'once upon a time', ...body }, headers);

/// The new job's id.
export async function makeJob(daemon, body, headers = {}) {
  const r = await askJob(daemon, body, headers);
  assert.equal(r.status, 200, r.text);
  assert.equal(r.json.sse_url, `${JOBS}/${r.json.job_id}/stream`);
  return r.json.job_id;
}
/// A reader of its stream that is under way.
export const openJob = (daemon, id, headers = {}) => daemon.open({ method: 'GET', path: `${JOBS}/${id}/stream`, headers });
/// The whole stream, once it has ended.
export async function readJob(daemon, id, headers = {}) {
  const r = await within(`the stream of job ${id} ends`, openJob(daemon, id, headers).done, 30_000);
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['content-type'], 'text/event-stream');
  return r;
}
export const dropJob = (daemon, id, headers = {}) => daemon.send({ method: 'DELETE', path: `${JOBS}/${id}`, headers });

const isError = (data) => data.startsWith('{"error"');
const data = (text) => events(text).filter((e) => e.data !== undefined).map((e) => e.data);
/// Its tokens, without `[DONE]` and an error.
export const tokensOf = (text) => data(text).filter((d) => d !== '[DONE]' && !isError(d));
export const jobText = (text) => tokensOf(text).join('');
export const dones = (text) => data(text).filter((d) => d === '[DONE]').length;

/// The stream ended with an error of this code, as its last event, and no `[DONE]`.
export function expectJobError(r, code, details = {}) {
  const all = data(r.text);
  assert.ok(all.length && isError(all.at(-1)), `the last event is an error: ${r.text}`);
  assert.equal(dones(r.text), 0, `no [DONE] after an error: ${r.text}`);
  return expectErrorObject(JSON.parse(all.at(-1)).error, code, { withRequestId: false, ...details }, r.text);
}
/// It ended well, and this is what it said.
export function expectJobText(r, text) {
  assert.equal(r.ended, 'clean', r.text);
  assert.equal(jobText(r.text), text);
  assert.equal(dones(r.text), 1, `one [DONE]: ${r.text}`);
  assert.ok(r.text.endsWith('data: [DONE]\n\n'), `[DONE] is the last: ${r.text}`);
}
