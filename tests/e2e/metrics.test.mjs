// GET /metrics against known traffic: the figures are those of the calls made, Debian's promtool finds nothing wrong, labels
// are bounded whatever callers name their profiles, and counts of tasks survive a restart.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { startDaemon } from './support/daemon.mjs';
import { expectError } from './support/expect.mjs';
import { until } from './support/wait.mjs';
import { Worker } from './support/worker.mjs';

const PROMTOOL = '/usr/bin/promtool';
const NAMES = {
  queue_wait_seconds: 'histogram', service_seconds: 'histogram', time_to_first_token_seconds: 'histogram', relay_seconds: 'histogram', calls_total: 'counter',
  slots: 'gauge', slots_in_use: 'gauge', waiting: 'gauge', preemptions_total: 'counter', tasks: 'gauge', workers: 'gauge', store_commit_seconds: 'histogram', build_info: 'gauge',
};
const LABELS = new Set(['profile', 'priority', 'llm', 'outcome', 'status', 'state', 'version', 'le']);

let daemon;
const scrape = async (from = daemon, headers = {}) => {
  const r = await from.get('/metrics', headers);
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  return r.text;
};
/// The value of `name{labels}`, written as the exposition has it.
const value = (text, series) => {
  const line = text.split('\n').find((l) => l.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};
/// Metrics follow a call's answer by a moment.
const when = (what, test, from = daemon) => {
  let last;
  return until(what, async () => { last = await scrape(from); return test(last) ? last : undefined; }, { seen: () => last?.split('\n').filter((l) => !/_bucket|^#/.test(l)).join('\n') });
};
const outcome = (text, word) => value(text, `signalbox_calls_total{outcome="${word}"}`);
const chat = (more = {}, headers = {}) => daemon.chat({ model: 'echo', max_tokens: 2, messages: [{ role: 'user', content: 'hi' }], ...more }, headers);

describe('metrics', () => {
  before(async () => {
    daemon = await startDaemon({ config: {
      echo: { token_delay_ms: 1, capacity: 2 },
      inference: { profiles: { tight: { max_concurrent: 1, max_queued: 1 }, shut: { max_concurrent: 0 } } },
    } });
  });
  after(() => daemon?.stop());

  test('every call is counted once, in its outcome and its series', async () => {
    for (let i = 0; i < 3; i++) assert.equal((await chat()).status, 200);
    for (let i = 0; i < 2; i++) assert.equal((await chat({ stream: true }, { 'X-Signalbox-Priority': 'interactive' })).status, 200);
    const text = await when('five are counted', (t) => outcome(t, 'ok') === 5 && value(t, 'signalbox_relay_seconds_count') === 5);
    const one = 'profile="openai_compat:echo"';
    assert.equal(value(text, `signalbox_queue_wait_seconds_count{${one},priority="workflow"}`), 3);
    assert.equal(value(text, `signalbox_queue_wait_seconds_count{${one},priority="interactive"}`), 2);
    assert.equal(value(text, `signalbox_service_seconds_count{${one},llm="echo"}`), 5);
    assert.equal(value(text, `signalbox_time_to_first_token_seconds_count{${one},llm="echo"}`), 2, 'a plain answer has no first token');
    assert.equal(value(text, 'signalbox_tasks{status="completed"}'), 5);
    assert.equal(value(text, `signalbox_slots{${one}}`), 2);
    assert.ok(value(text, 'signalbox_store_commit_seconds_count') >= 5);
    assert.ok(value(text, 'signalbox_relay_seconds_sum') > 0);
    for (const word of ['queue_full', 'queue_wait_timeout', 'inference_timeout', 'error', 'cancelled']) assert.equal(outcome(text, word), 0, word);
  });

  test('refusals and ends of every kind have their outcome', async () => {
    const before_ = await scrape();
    const waiting = daemon.openChat({ model: 'echo', messages: [] }, { 'X-Signalbox-Profile': 'shut' });
    await daemon.profileWhen('shut', 'one waits', (p) => p.waiting.workflow === 1);
    const text = await scrape();
    assert.equal(value(text, 'signalbox_waiting{profile="shut",priority="workflow"}'), 1);
    assert.equal(value(text, 'signalbox_slots{profile="shut"}'), 0);
    waiting.abort();
    assert.equal((await chat({}, { 'X-Signalbox-Profile': 'shut', 'X-Signalbox-Queue-Wait-S': '0.05' })).json.error.code, 'queue_wait_timeout');

    const long = daemon.openChat({ model: 'echo', max_tokens: 1000, echo_delay_ms: 200, stream: true }, { 'X-Signalbox-Profile': 'tight' });
    await daemon.profileWhen('tight', 'one runs', (p) => p.in_flight === 1);
    const second = daemon.openChat({ model: 'echo' }, { 'X-Signalbox-Profile': 'tight' });
    await daemon.profileWhen('tight', 'one waits', (p) => p.waiting.workflow === 1);
    assert.equal((await chat({}, { 'X-Signalbox-Profile': 'tight' })).json.error.code, 'queue_full');
    assert.equal(value(await scrape(), 'signalbox_slots_in_use{profile="tight"}'), 1);
    second.abort();
    long.abort();
    assert.equal((await chat({ max_tokens: 1000, echo_delay_ms: 200 }, { 'X-Signalbox-Inference-S': '0.05' })).json.error.code, 'inference_timeout');
    const after_ = await when('all are counted', (t) => outcome(t, 'cancelled') === 3);
    const more = (word) => outcome(after_, word) - outcome(before_, word);
    assert.deepEqual(['ok', 'queue_full', 'queue_wait_timeout', 'inference_timeout', 'error'].map(more), [0, 1, 1, 1, 0]);
    const waits = (t) => value(t, 'signalbox_queue_wait_seconds_count{profile="tight",priority="workflow"}');
    assert.equal(waits(after_), 2, 'who was refused at the door did not wait');
  });

  test('workers are counted by state', async () => {
    const worker = await new Worker(daemon.port, { llms: [{ name: 'laptop', type: 'llamacpp', model: 'qwen3-8b' }] }).start();
    await when('one is active', (t) => value(t, 'signalbox_workers{state="active"}') === 1);
    await worker.leave();
    await when('none is', (t) => value(t, 'signalbox_workers{state="active"}') === 0);
  });

  test('the names and labels are the contract’s', async () => {
    const text = await scrape();
    const types = Object.fromEntries([...text.matchAll(/^# TYPE signalbox_(\S+) (\S+)$/gm)].map((m) => [m[1], m[2]]));
    assert.deepEqual(types, NAMES);
    for (const [, label] of text.matchAll(/[{,](\w+)="/g)) assert.ok(LABELS.has(label), label);
    assert.match(text, /^signalbox_build_info\{version="\d+\.\d+\.\d+"\} 1$/m);
  });

  test('promtool finds nothing wrong', { skip: fs.existsSync(PROMTOOL) ? false : 'no promtool: apt-get install prometheus' }, async () => {
    const r = spawnSync(PROMTOOL, ['check', 'metrics'], { input: await scrape(), encoding: 'utf8', timeout: 30_000 });
    assert.equal(`${r.stdout}${r.stderr}`, '');
    assert.equal(r.status, 0);
  });

  test('names that callers make up do not make the figures grow', async () => {
    const had = outcome(await scrape(), 'ok');
    for (let i = 0; i < 130; i += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, k) => chat({ max_tokens: 1, echo_delay_ms: 0 }, { 'X-Signalbox-Profile': `made-up-${i + k}` })));
    }
    const text = await when('all are counted', (t) => outcome(t, 'ok') === had + 130);
    const profiles = new Set([...text.matchAll(/profile="([^"]*)"/g)].map((m) => m[1]));
    assert.ok(profiles.has('other'));
    assert.equal(profiles.size, 101);
    assert.ok(value(text, 'signalbox_slots{profile="other"}') >= 60);
    assert.ok(value(text, 'signalbox_queue_wait_seconds_count{profile="other",priority="workflow"}') >= 30);
  });

  test('a restart starts the counters anew and knows how many tasks there are', async () => {
    const made = await daemon.post('/api/v1/inference-tasks', { llm: 'echo', request: { messages: [] } }, { 'X-Signalbox-Profile': 'shut' });
    assert.equal(made.status, 201);
    const count = (t, word) => value(t, `signalbox_tasks{status="${word}"}`);
    const before_ = await when('nothing moves', (t) => count(t, 'running') + count(t, 'claimed') === 0);
    await daemon.kill();
    await daemon.start();
    const after_ = await scrape();
    for (const word of ['pending', 'completed', 'error', 'cancelled']) assert.equal(count(after_, word), count(before_, word), word);
    assert.ok(count(after_, 'completed') > 100);
    assert.equal(count(after_, 'pending'), 1);
    assert.equal(outcome(after_, 'ok'), 0);
  });
});

describe('metrics of a broker with keys', () => {
  const secret = {};
  const key = (id, grants) => {
    secret[id] = `sbx_${crypto.randomBytes(32).toString('hex')}`;
    return { id, owner: id, sha256: crypto.createHash('sha256').update(secret[id]).digest('hex'), grants };
  };
  const as = (id) => ({ Authorization: `Bearer ${secret[id]}` });
  let guarded;
  before(async () => { guarded = await startDaemon({ config: { auth: { mode: 'keys', keys: [key('prometheus', ['calls:view']), key('app', ['tasks:create'])] } } }); });
  after(() => guarded?.stop());

  test('need a key that may see calls', async () => {
    expectError(await guarded.get('/metrics'), 'unauthorized');
    expectError(await guarded.get('/metrics', as('app')), 'forbidden');
    await scrape(guarded, as('prometheus'));
  });
});
