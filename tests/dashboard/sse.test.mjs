// Goal: events are read as the standard has it, and a lost stream is found again. Method: the parser on text cut in every
// place; the feed against a scripted fetch.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Api, ApiError } from '../../dashboard/api.js';
import { Feed } from '../../dashboard/feed.js';
import { Backoff, EventParser, followEvents } from '../../dashboard/sse.js';

const until = async (what, test_) => {
  for (let i = 0; i < 400; i++) {
    if (test_()) return;
    await new Promise((r) => { setTimeout(r, 5); });
  }
  assert.fail(`not in time: ${what}`);
};

describe('the parser', () => {
  const text = '\uFEFF: ping\n\nevent: call\nid: 7\ndata: {"a":\ndata:1}\n\ndata: plain\r\n\r\nevent: none\n\nretry: 5\rdata: ü\r\rdata: cut';
  const wanted = [{ event: 'call', data: '{"a":\n1}', id: '7' }, { event: 'message', data: 'plain', id: '7' }, { event: 'message', data: 'ü', id: '7' }];
  test('reads what the standard says', () => assert.deepEqual(new EventParser().push(text), wanted));
  test('does not care where it is cut', () => {
    for (let cut = 0; cut <= text.length; cut++) {
      const parser = new EventParser();
      assert.deepEqual([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))], wanted, `cut at ${cut}`);
    }
    const parser = new EventParser();
    assert.deepEqual([...text].flatMap((c) => parser.push(c)), wanted);
  });
});

describe('the back-off', () => {
  test('doubles to its bound and begins anew', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000, random: () => 0.5 });
    assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => backoff.next()), [100, 200, 400, 800, 1000, 1000]);
    backoff.reset();
    assert.equal(backoff.next(), 100);
  });
  test('spreads by a tenth to either side', () => {
    assert.equal(new Backoff({ firstMs: 1000, random: () => 0 }).next(), 900);
    assert.equal(new Backoff({ firstMs: 1000, random: () => 1 }).next(), 1100);
  });
});

const stream = (pieces, hold, signal) => new Response(new ReadableStream({
  start(controller) {
    for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
    if (!hold) controller.close();
    else signal.addEventListener('abort', () => controller.error(new DOMException('aborted', 'AbortError')));
  },
}), { headers: { 'Content-Type': 'text/event-stream' } });
const json = (value, status = 200) => new Response(JSON.stringify(value), { status, headers: { 'Content-Type': 'application/json' } });

describe('following', () => {
  test('tells what answered when it is no stream', async () => {
    for (const [answer, status] of [[json({}, 404), 404], [json({}), 415]]) {
      assert.deepEqual(await followEvents(async () => answer, '/x', { heard: () => assert.fail() }), { status });
    }
  });
  test('gives letters whole that were cut between packets', async () => {
    const bytes = new TextEncoder().encode('data: ü\n\n');
    const body = new ReadableStream({ start(c) { c.enqueue(bytes.slice(0, 7)); c.enqueue(bytes.slice(7)); c.close(); } });
    const heard = [];
    await followEvents(async () => new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }), '/x', { heard: (e) => heard.push(e.data) });
    assert.deepEqual(heard, ['ü']);
  });
});

/// A feed whose broker is `answers(path)`; asked paths are kept.
function feedOf(answers) {
  const asked = [];
  let clock = 1_000_000;
  const lists = { '/api/v1/profiles': { profiles: [] }, '/api/v1/llms': { llms: [] }, '/api/v1/workers': { workers: [] }, '/api/v1/inference-tasks': { tasks: [], next_cursor: null }, '/api/v1/calls': { calls: [], next_cursor: null } };
  const fetch_ = async (url, options = {}) => {
    const path = url.split('?')[0];
    asked.push(path);
    if (options.signal?.aborted) throw new DOMException('aborted', 'AbortError');
    return (await answers(path, options)) ?? json(lists[path] ?? {}, lists[path] ? 200 : 404);
  };
  const feed = new Feed({ api: new Api({ fetch: fetch_ }), now: () => clock, backoff: new Backoff({ firstMs: 5, maxMs: 10 }) });
  return { feed, asked, times: (path) => asked.filter((p) => p === path).length, pass: (ms) => { clock += ms; } };
}
const STATE = 'event: state\ndata: {"profiles":[{"name":"p"}],"llms":[],"workers":[],"tasks":{"pending":3,"claimed":0,"running":1},"uptime_s":9,"version":"1.2"}\n\n';
const CALL = 'event: call\ndata: {"id":"c1","status":"running","queued_at":"2026-11-21T12:00:00.000Z"}\n\n';

describe('the feed', () => {
  test('takes rows and state from the events', async () => {
    const { feed } = feedOf((path, options) => (path === '/api/v1/events' ? stream([CALL, STATE], true, options.signal) : undefined));
    feed.start();
    await until('the state came', () => feed.state.version === '1.2');
    assert.equal(feed.health().word, 'live');
    assert.equal(feed.calls.rows.get('c1').status, 'running');
    assert.deepEqual(feed.state.tasks, { pending: 3, claimed: 0, running: 1 });
    feed.stop();
  });
  test('a stream that ends is opened again, after a look at what was missed', async () => {
    const { feed, times } = feedOf((path) => (path === '/api/v1/events' ? stream([STATE]) : undefined));
    feed.start();
    await until('the third stream', () => times('/api/v1/events') >= 3);
    assert.ok(times('/api/v1/calls') >= 3);
    feed.stop();
  });
  test('a broker without events is polled, and not asked for them each time', async () => {
    const { feed, times } = feedOf(() => undefined);
    feed.start();
    await until('it polls', () => feed.health().word === 'polling');
    for (let i = 0; i < 3; i++) { feed.nudge(); await until('a poll', () => times('/api/v1/calls') >= i + 2); }
    assert.equal(times('/api/v1/events'), 1);
    feed.stop();
  });
  test('silence is stale, and a broker that is gone is offline until it is back', async () => {
    let isGone = false;
    const { feed, pass } = feedOf(() => { if (isGone) throw new TypeError('fetch failed'); });
    feed.start();
    await until('it polls', () => feed.health().word === 'polling');
    pass(5001);
    assert.deepEqual(feed.health(), { word: 'stale', silentMs: 5001 });
    isGone = true;
    feed.nudge();
    await until('offline', () => feed.health().word === 'offline');
    isGone = false;
    await until('back', () => feed.health().word === 'polling');
    feed.stop();
  });
  test('a part that the key may not see is named, and the others come', async () => {
    const { feed } = feedOf((path) => (path === '/api/v1/calls' ? json({ error: { message: 'this key has no grant calls:view', code: 'forbidden' } }, 403) : undefined));
    feed.start();
    await until('it polls', () => feed.health().word === 'polling');
    assert.deepEqual(feed.state.denied, { calls: 'this key has no grant calls:view' });
    feed.stop();
  });
  test('without a key it stops and does not ask again', async () => {
    const { feed, asked } = feedOf(() => json({ error: { message: 'no key', code: 'unauthorized' } }, 401));
    let isAsked = false;
    feed.api.onUnauthorized = () => { isAsked = true; feed.stop(); };
    feed.start();
    await until('asked for a key', () => isAsked);
    const before = asked.length;
    await new Promise((r) => { setTimeout(r, 60); });
    assert.equal(asked.length, before);
  });
});

describe('the key', () => {
  const storage = () => { const kept = new Map(); return { kept, getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) }; };
  test('goes into a cookie where the broker makes one', async () => {
    const store = storage();
    const api = new Api({ storage: store, fetch: async (url) => { assert.equal(url, '/login'); return json({}); } });
    assert.equal(await api.logIn('k'), true);
    assert.equal(store.kept.size, 0);
  });
  test('else is kept by the tab and sent as a bearer', async () => {
    const store = storage(), sent = [];
    const api = new Api({ storage: store, fetch: async (url, o) => { sent.push(o.headers.Authorization); return url === '/login' ? json({}, 404) : json({ profiles: [] }); } });
    assert.equal(await api.logIn('k'), true);
    await api.get('/api/v1/profiles');
    assert.deepEqual(sent, [undefined, 'Bearer k', 'Bearer k']);
  });
  test('a wrong one is not kept', async () => {
    const store = storage();
    assert.equal(await new Api({ storage: store, fetch: async () => json({}, 401) }).logIn('k'), false);
    assert.equal(store.kept.size, 0);
  });
  test('errors have the broker’s words', async () => {
    const api = new Api({ fetch: async () => json({ error: { message: 'm', code: 'forbidden', grant: 'x:y' } }, 403) });
    await assert.rejects(api.get('/x'), (e) => e instanceof ApiError && e.status === 403 && e.message === 'm' && e.grant === 'x:y');
  });
});
