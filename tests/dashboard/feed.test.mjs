// Goal: the page is live by the stream, asks for what was before it, falls back to asking, and lets go of what nobody sees.
// Method: a broker of a few lines and a clock that the test turns.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Feed } from '../../dashboard/feed.js';
import { ApiError } from '../../dashboard/api.js';
import { Backoff } from '../../dashboard/sse.js';

const event = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const STATE = { profiles: [{ name: 'p' }], llms: [], workers: [], tasks: { pending: 7, claimed: 0, running: 1 }, uptime_s: 5, version: '1.2.3' };
const row = (id, status, more = {}) => ({ id, status, queued_at: '2026-01-01T00:00:00.000Z', admitted_at: null, finished_at: null, ...more });

async function until(what, probe) {
  const end = Date.now() + 8000;
  while (!probe()) {
    if (Date.now() > end) assert.fail(`not in time: ${what}`);
    await new Promise((r) => { setTimeout(r, 5); });
  }
}

/// Answers as `answers` says; `/api/v1/events` is a stream with the texts of `say`, or a refusal.
function broker({ calls = [], refuses } = {}) {
  const asked = [];
  let stream;
  const self = {
    asked, calls, refuses, opened: 0,
    say: (text) => stream.enqueue(new TextEncoder().encode(text)),
    end: () => stream.close(),
    api: {
      headers: () => ({}),
      fetch: async (url, { signal }) => {
        asked.push(url);
        if (self.refuses) return new Response('', { status: self.refuses });
        self.opened++;
        const body = new ReadableStream({ start: (controller) => { stream = controller; } });
        signal.addEventListener('abort', () => { try { stream.error(new Error('aborted')); } catch { /* has ended */ } });
        return new Response(body, { status: 200, headers: { 'Content-Type': 'text/event-stream' } });
      },
      get: async (path) => {
        asked.push(path);
        if (path.startsWith('/api/v1/calls')) return { calls: await self.calls, next_cursor: null };
        if (path.startsWith('/api/v1/llms')) throw new ApiError(403, { message: 'this key has no grant llms:view' });
        return { profiles: [], workers: [], tasks: [], next_cursor: null };
      },
    },
  };
  return self;
}
const start = (b, more = {}) => {
  const feed = new Feed({ api: b.api, backoff: new Backoff({ firstMs: 1, maxMs: 2 }), ...more });
  feed.start();
  return feed;
};

describe('the feed', () => {
  test('takes the state and the calls of the stream, and asks once for what was before', async () => {
    const b = broker({ calls: [row('before', 'running')] });
    const feed = start(b);
    await until('it listens', () => b.opened === 1);
    b.say(event('state', STATE) + event('call', row('new', 'queued')));
    await until('all is here', () => feed.state.version === '1.2.3' && feed.calls.rows.size === 2);
    assert.equal(feed.health().word, 'live');
    assert.equal(feed.state.tasks.pending, 7, 'the exact numbers are kept');
    assert.equal(b.asked.filter((path) => path.startsWith('/api/v1/calls')).length, 1);
    assert.match(feed.state.denied.llms, /no grant/);
    feed.stop();
  });

  test('a call that comes by the stream while the answer is on its way is kept', async () => {
    let answer;
    const b = broker({ calls: new Promise((resolve) => { answer = resolve; }) });
    const feed = start(b);
    feed.calls.put(row('over meanwhile', 'running'));
    await until('it listens', () => b.opened === 1 && b.asked.some((path) => path.startsWith('/api/v1/calls')));
    b.say(event('call', row('came meanwhile', 'running')));
    await until('it is here', () => feed.calls.rows.has('came meanwhile'));
    answer([]);
    await until('the answer is taken', () => !feed.calls.rows.has('over meanwhile'));
    assert.ok(feed.calls.rows.has('came meanwhile'));
    feed.stop();
  });

  test('asks where there is no room among the listeners', async () => {
    const b = broker({ refuses: 503, calls: [row('a', 'running')] });
    const feed = start(b);
    await until('it polls', () => feed.health().word === 'polling' && feed.calls.rows.size === 1);
    assert.equal(b.asked.filter((path) => path === '/api/v1/events').length, 1);
    feed.stop();
  });

  test('a stream that ends is opened again, and one that is silent is stale', async () => {
    let now = 1_000_000;
    const b = broker();
    const feed = start(b, { now: () => now });
    await until('it listens', () => b.opened === 1);
    b.say(event('state', STATE));
    await until('it is live', () => feed.health().word === 'live' && feed.state.isLoaded);
    now += 6000;
    assert.deepEqual(feed.health(), { word: 'stale', silentMs: 6000 });
    b.end();
    await until('it listens again', () => b.opened === 2);
    b.say(event('state', STATE));
    await until('it is live again', () => feed.health().word === 'live');
    feed.stop();
  });

  test('a page that nobody sees lets go of its stream and takes it up when it is seen', async () => {
    let now = 1_000_000, isHidden = false;
    const b = broker();
    const feed = start(b, { now: () => now, isHidden: () => isHidden });
    await until('it listens', () => b.opened === 1);
    b.say(event('state', STATE));
    await until('it is live', () => feed.state.isLoaded);
    isHidden = true;
    now += 61_000;
    feed.heard();
    let hasEnded = false;
    feed.listen = ((listen) => async (signal) => { assert.ok(!isHidden, 'it does not listen while hidden'); return listen.call(feed, signal); })(feed.listen);
    const { pause } = feed;
    feed.pause = (...args) => { hasEnded = true; return pause.apply(feed, args); };
    await until('it let go', () => hasEnded);
    isHidden = false;
    feed.nudge();
    await until('it listens again', () => b.opened === 2);
    feed.stop();
  });
});
