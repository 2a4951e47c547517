// The checker of the crash tests finds what it is there to find: each planted fault is named, and a good history passes.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { History } from './support/history.mjs';

const body = (text) => ({ choices: [{ message: { content: text } }] });
const row = (status, attempts = 1, text) => ({ id: 't', status, attempts, response_body: text ? body(text) : null });
const see = (h, r) => h.row('a read', h.now(), r);
const final = (r) => new Map(r ? [['t', r]] : []);
function good() {
  const h = new History();
  h.acknowledged('t', '201');
  see(h, row('pending', 0));
  see(h, row('running'));
  see(h, row('pending'));
  see(h, row('running', 2));
  h.result('t', { text: 'x' });
  h.result('t', { text: 'y', duplicate: true });
  h.answer('t', 'x', 'a plain call');
  see(h, row('completed', 2, 'x'));
  return h;
}

describe('the checker', () => {
  test('a good history', () => assert.deepEqual(good().check({ final: final(row('completed', 2, 'x')) }), []));

  const faults = [
    ['an acknowledged task is gone', /kept/, (h) => h.check({ final: final() })],
    ['a task never ends', /kept/, () => { const h = new History(); h.acknowledged('t', '201'); return h.check({ final: final(row('running')) }); }],
    ['a collected task nobody saw ending', /kept/, () => { const h = new History(); h.acknowledged('t', '201'); return h.check({ final: final(), mayBeGone: true }); }],
    ['a state goes back', /final/, (h) => { see(h, row('pending', 2)); return h.check(); }],
    ['a completed task is cancelled', /final/, (h) => { see(h, row('cancelled', 2)); return h.check(); }],
    ['an ended row changes', /final/, (h) => { see(h, row('completed', 2, 'z')); return h.check(); }],
    ['attempts fall', /attempts/, (h) => { see(h, row('completed', 1, 'x')); return h.check(); }],
    ['a second result is accepted', /once/, (h) => { h.result('t', { text: 'y' }); return h.check(); }],
    ['an accepted result is undone', /once/, () => { const h = new History(); h.result('t', { text: 'x' }); see(h, row('pending')); return h.check(); }],
    ['another body than the accepted one', /answers/, () => { const h = new History(); h.result('t', { text: 'x' }); return h.check({ final: final(row('completed', 1, 'y')) }); }],
    ['a caller got another body', /answers/, (h) => { h.answer('t', 'y', 'a stream'); return h.check(); }],
    ['a caller was told of a failure', /answers/, (h) => { h.failed('t', 'backend_stream_failed'); return h.check({ final: final(row('completed', 2, 'x')) }); }],
    ['one key, two tasks', /key k/, (h) => { h.keyed('k', 't'); h.keyed('k', 'u'); return h.check(); }],
  ];
  for (const [name, words, plant] of faults) {
    test(name, () => {
      const found = plant(good());
      assert.ok(found.some((f) => words.test(f)), `not found: ${JSON.stringify(found)}`);
    });
  }

  test('reads that overlap are not compared', () => {
    const h = good();
    const from = 0;
    h.row('a slow read', from, row('running', 1));
    assert.deepEqual(h.check(), []);
  });
});
