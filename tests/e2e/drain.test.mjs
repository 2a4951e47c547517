// A stop in good order: whoever still waits when the time for running calls is over is told so in words, before its connection is
// closed; their tasks live on and run after the next start.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectErrorObject, expectRetryAfter } from './support/expect.mjs';
import { events, isDone, streamError } from './support/http.mjs';
import { startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const PROFILE = 'openai_compat:m';

describe('SIGTERM under load', { timeout: 120_000 }, () => {
  let up, daemon;
  before(async () => {
    up = await startUpstream({ models: ['m'] });
    daemon = await startDaemon({ config: { upstreams: [{ name: 'm', type: 'openai', url: up.url, models: ['m'], capacity: 2 }], inference: { profiles: { [PROFILE]: { max_concurrent: 2 }, gpu: { max_concurrent: 1 } } } } });
  });
  after(async () => {
    await daemon?.stop();
    await up?.stop();
  });

  test('callers, streams and holders of slots are told; tasks go on', async () => {
    up.always = (record) => (record.body.stream ? { tokens: 1_000_000, tokenDelayMs: 20 } : { hold: true });
    const stream = daemon.openChat({ model: 'm', stream: true });
    const running = daemon.openChat({ model: 'm' });
    await up.arrived(2);
    await until('the stream flows', () => events(stream.text).length > 3);
    const waiting = [daemon.openChat({ model: 'm' }), daemon.openChat({ model: 'm', stream: true })];
    await daemon.profileWhen(PROFILE, 'two wait', (p) => p.waiting.workflow === 2);
    const holder = daemon.open({ method: 'GET', path: '/api/v1/slots/hold?profile=gpu' });
    await until('the slot is held', () => events(holder.text).some((e) => e.event === 'admitted'));

    daemon.signal('SIGTERM');
    const said = await within('all are told', Promise.all([running, ...waiting].map((c) => c.done)), 30_000);
    for (const r of said) {
      const error = expectError(r, 'draining');
      expectRetryAfter(r);
      assert.match(error.task, /^[0-9a-f-]{36}$/, 'it says which task goes on');
    }
    const cut = await within('the stream ends', stream.done);
    expectErrorObject(streamError(cut.text), 'draining');
    assert.ok(!isDone(cut.text), 'which is no polite end');
    const held = await within('the hold ends', holder.done);
    const last = events(held.text).at(-1);
    assert.equal(last.event, 'error');
    expectErrorObject(JSON.parse(last.data).error, 'draining');
    assert.equal((await within('the daemon ends', daemon.exited)).code, 0);

    up.always = {};
    await daemon.start();
    for (const r of said) await daemon.taskWhen(r.json.error.task, 'completed', (t) => t.status === 'completed');
  });

  test('what can be reached, and what waited, stands in the log', async () => {
    assert.match(daemon.logs, /LLM m \(upstream at http:\S+\) is active/);
    assert.match(daemon.logs, /\d+ tasks of before wait in line again/);
    await up.refuse();
    await until('the daemon says that it has gone', () => /LLM m \(upstream at http:\S+\) is inactive/.test(daemon.logs), { within: 40_000 });
    const refused = await daemon.chat({ model: 'm' }, { 'X-Signalbox-Queue-Wait-S': '0.2' });
    const error = expectError(refused, 'queue_wait_timeout');
    assert.match(error.message, /no backend for "m" was online/);
  });
});
