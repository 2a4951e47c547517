// Goal: the page forgets what is old and nothing that is live, and its charts are true. Method: rows with made-up times.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { CallRing, quantile, series, withPositions } from '../../dashboard/ring.js';

const T0 = Date.parse('2026-11-21T12:00:00Z');
const at = (ms) => new Date(T0 + ms).toISOString();
const row = (id, more = {}) => ({ id, profile: 'p', priority: 'workflow', status: 'ok', queued_at: at(0), finished_at: at(0), ...more });

describe('ring', () => {
  test('lets go what ended before its span, never what is live', () => {
    const ring = new CallRing({ spanMs: 1000 });
    ring.putAll([row('old', { finished_at: at(-1001) }), row('new', { finished_at: at(-999) }), row('live', { status: 'running', finished_at: null, queued_at: at(-99_999) })]);
    ring.trim(T0);
    assert.deepEqual(ring.all().map((r) => r.id), ['new', 'live']);
  });
  test('lets go the oldest of too many, and keeps the live ones', () => {
    const ring = new CallRing({ max: 2 });
    ring.putAll([row('live', { status: 'queued', finished_at: null }), row('a'), row('b'), row('c')]);
    ring.trim(T0);
    assert.deepEqual(ring.all().map((r) => r.id), ['live', 'c']);
  });
  test('a late answer does not bring an ended call back to life', () => {
    const ring = new CallRing();
    ring.put(row('a', { status: 'cancelled' }));
    ring.put(row('a', { status: 'running', finished_at: null }));
    assert.equal(ring.rows.get('a').status, 'cancelled');
  });
  test('a late answer does not put a running call back into the line, being put back does', () => {
    const ring = new CallRing();
    ring.put(row('a', { status: 'running', finished_at: null }));
    ring.put(row('a', { status: 'queued', finished_at: null, admitted_at: null }));
    assert.equal(ring.rows.get('a').status, 'running');
    ring.put(row('a', { status: 'queued', finished_at: null, admitted_at: at(1) }));
    assert.equal(ring.rows.get('a').status, 'queued');
  });
  test('live rows that nobody names any more are forgotten', () => {
    const ring = new CallRing();
    ring.putAll([row('gone', { status: 'running' }), row('here', { status: 'queued' }), row('done')]);
    ring.forgetLive(['gone', 'done', 'never was']);
    assert.deepEqual(ring.all().map((r) => r.id), ['here', 'done']);
  });
  test('asks from the oldest live call, else from the newest', () => {
    const ring = new CallRing();
    assert.equal(ring.askFrom(), undefined);
    ring.putAll([row('a', { queued_at: at(1) }), row('b', { queued_at: at(5) })]);
    assert.equal(ring.askFrom(), at(5));
    ring.put(row('c', { status: 'running', queued_at: at(3) }));
    assert.equal(ring.askFrom(), at(3));
  });
});

describe('positions', () => {
  test('are by class, then by coming, in each profile’s own line', () => {
    const rows = [
      row('b1', { status: 'queued', priority: 'background', queued_at: at(0) }), row('i2', { status: 'queued', priority: 'interactive', queued_at: at(9) }),
      row('w1', { status: 'queued', queued_at: at(3) }), row('i1', { status: 'queued', priority: 'interactive', queued_at: at(1) }),
      row('q1', { status: 'queued', profile: 'q', priority: 'background', queued_at: at(4) }), row('r', { status: 'running' }),
    ];
    assert.deepEqual(withPositions(rows).map((r) => [r.id, r.position]), [['i1', 1], ['i2', 2], ['w1', 3], ['b1', 4], ['q1', 1]]);
  });
});

describe('series', () => {
  const options = { spanMs: 60_000, stepMs: 15_000 };
  const now = T0 + 50_000;
  test('steps lie on whole multiples, so that the past stays put', () => {
    assert.deepEqual(series([], now, options).times, series([], now + 9000, options).times);
    assert.deepEqual(series([], now, options).times.map((t) => t % 15_000), [0, 0, 0, 0]);
    assert.equal(series([], T0 + 60_000, options).times.at(-1), T0 + 60_000);
  });
  test('waits are the mean per class of what was admitted in the step', () => {
    const rows = [100, 300].map((ms, i) => row(`${i}`, { priority: 'interactive', admitted_at: at(1000 + i), queue_wait_ms: ms }));
    const { wait, admitted } = series(rows, now, options);
    assert.deepEqual(wait.interactive, [200, null, null, null]);
    assert.deepEqual(wait.background, [null, null, null, null]);
    assert.deepEqual(admitted, [2, 0, 0, 0]);
  });
  test('ends are per second; rejections are no ends; what is outside counts nowhere', () => {
    const rows = [row('a', { finished_at: at(16_000) }), row('b', { finished_at: at(17_000), status: 'error' }), row('c', { finished_at: at(18_000), status: 'queue_full' }),
      row('d', { finished_at: at(31_000), status: 'queue_wait_timeout' }), row('e', { finished_at: at(-1) }), row('f', { finished_at: at(60_000) })];
    const s = series(rows, now, options);
    assert.deepEqual(s.finished, [0, 2 / 15, 0, 0]);
    assert.deepEqual(s.rejected, [0, 1, 1, 0]);
    assert.equal(s.tokens, null);
  });
  test('first tokens are measured from admission', () => {
    const rows = [40, 60, 500].map((ms, i) => row(`${i}`, { admitted_at: at(46_000), first_token_at: at(46_000 + ms) }));
    const { first } = series(rows, now, options);
    assert.deepEqual([first.median[3], first.p95[3]], [60, 500]);
  });
  test('tokens are shown once a row has them', () => {
    assert.deepEqual(series([row('a', { finished_at: at(1000), tokens_out: 30 }), row('b', { finished_at: at(2000) })], now, options).tokens, [2, 0, 0, 0]);
  });
  test('quantiles are values that were there', () => {
    assert.equal(quantile([], 0.5), null);
    assert.equal(quantile([3, 1, 2], 0.5), 2);
    assert.equal(quantile([1, 2, 3, 4], 0.95), 4);
  });
});
