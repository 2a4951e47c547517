// Goal: the bar's stretches follow each other and fill it. Method: rows in each stage of their lives.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { callSegments, taskSegments } from '../../dashboard/timeline.js';

const T0 = Date.parse('2026-11-21T12:00:00Z');
const at = (ms) => new Date(T0 + ms).toISOString();
const shape = (segments) => segments.map((s) => [s.kind, s.ms]);

describe('the time line of a call', () => {
  const whole = { queued_at: at(0), admitted_at: at(300), first_token_at: at(400), finished_at: at(1000), streaming: true };
  test('queue wait, time to first token, streaming', () => {
    const segments = callSegments(whole);
    assert.deepEqual(shape(segments), [['wait', 300], ['first', 100], ['stream', 600]]);
    assert.ok(Math.abs(segments.reduce((sum, s) => sum + s.share, 0) - 1) < 1e-9);
  });
  test('goes on with the clock while it lives', () => {
    assert.deepEqual(shape(callSegments({ queued_at: at(0) }, T0 + 250)), [['wait', 250]]);
    assert.deepEqual(shape(callSegments({ queued_at: at(0), admitted_at: at(100) }, T0 + 250)), [['wait', 100], ['run', 150]]);
  });
  test('rejected calls only waited', () => assert.deepEqual(shape(callSegments({ queued_at: at(0), finished_at: at(20_000) })), [['wait', 20_000]]));
  test('no stretch is empty or negative', () => {
    assert.deepEqual(callSegments({ queued_at: at(0), finished_at: at(0) }), []);
    assert.deepEqual(shape(callSegments({ ...whole, admitted_at: at(0) })), [['first', 400], ['stream', 600]]);
    assert.deepEqual(callSegments({}), []);
  });
});

describe('the time line of a task', () => {
  test('has each attempt with its end, and the waits between', () => {
    const row = {
      created_at: at(0), completed_at: at(1000),
      attempt_log: [
        { attempt: 1, backend: 'gpu', claimed_at: at(100), ended_at: at(300), outcome: 'lost', error_code: 'worker_lost' },
        { attempt: 2, backend: 'cpu', claimed_at: at(450), ended_at: at(1000), outcome: 'completed', error_code: null },
      ],
    };
    assert.deepEqual(shape(taskSegments(row)), [['wait', 100], ['lost', 200], ['wait', 150], ['completed', 550]]);
    assert.equal(taskSegments(row)[1].label, 'attempt 1 on gpu: lost (worker_lost)');
  });
  test('an open attempt lasts until now', () => {
    const row = { created_at: at(0), attempt_log: [{ attempt: 1, backend: 'gpu', claimed_at: at(100), ended_at: null, outcome: 'open' }] };
    assert.deepEqual(shape(taskSegments(row, T0 + 500)), [['wait', 100], ['open', 400]]);
  });
  test('a task that nobody took only waits', () => assert.deepEqual(shape(taskSegments({ created_at: at(0), attempt_log: [] }, T0 + 9)), [['wait', 9]]));
});
