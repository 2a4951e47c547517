// Goal: values read the same everywhere, and what is not known is said to be. Method: pure functions.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as f from '../../dashboard/format.js';

describe('format', () => {
  test('durations have the digits that matter, and never sixty of a unit', () => {
    const cases = [[0, '0 ms'], [0.4, '0 ms'], [8, '8 ms'], [999.4, '999 ms'], [999.6, '1.0 s'], [2449, '2.4 s'], [9949, '9.9 s'], [9950, '10 s'], [59_499, '59 s'], [59_600, '1 m 00 s'],
      [65_000, '1 m 05 s'], [3_599_700, '1 h 00 m'], [11_520_000, '3 h 12 m'], [86_400_000, '1 d 00 h'], [-5, '0 ms'], [null, '–'], [undefined, '–'], [NaN, '–']];
    for (const [ms, text] of cases) assert.equal(f.duration(ms), text, `${ms}`);
  });
  test('counts are grouped, rates keep small differences', () => {
    assert.equal(f.count(1234567), '1,234,567');
    assert.equal(f.count(null), '–');
    for (const [n, text] of [[0, '0'], [0.047, '0.05'], [2.34, '2.3'], [12.6, '13'], [undefined, '–']]) assert.equal(f.rate(n), text);
  });
  test('times are in the reader’s zone, with the day when it is another', () => {
    const now = new Date(2026, 10, 21, 12, 0, 0).getTime();
    const at = (...parts) => new Date(...parts).toISOString();
    assert.equal(f.time(at(2026, 10, 21, 3, 4, 5), now), '03:04:05');
    assert.equal(f.time(at(2026, 10, 20, 23, 4, 5), now), '11-20 23:04:05');
    assert.equal(f.time(at(2025, 0, 2, 3, 4, 5), now), '2025-01-02 03:04:05');
    assert.equal(f.exactTime(at(2026, 10, 21, 3, 4, 5, 7), now), '03:04:05.007');
    assert.equal(f.time('soon', now), '–');
    assert.equal(f.time(null, now), '–');
  });
  test('the title has the instant in UTC', () => {
    assert.equal(f.utc('2026-11-21T03:57:01.250Z'), '2026-11-21 03:57:01.250 UTC');
    assert.equal(f.utc(null), '');
  });
  test('how long ago', () => {
    const now = Date.parse('2026-11-21T12:00:00Z');
    const cases = [['11:59:59', 'now'], ['11:59:15', '45 s ago'], ['11:55:00', '5 m ago'], ['09:00:00', '3 h ago'], ['12:00:09', 'now']];
    for (const [clock, text] of cases) assert.equal(f.ago(`2026-11-21T${clock}Z`, now), text);
    assert.equal(f.ago('2026-11-01T12:00:00Z', now), '20 d ago');
  });
  test('an id is cut where it differs', () => assert.equal(f.shortId('0199aa00-bbcc-7ddd-8eee-ffff12345678'), '12345678'));
  test('chunks of every protocol give their text, others nothing', () => {
    assert.equal(f.chunkText('{"choices":[{"delta":{"content":"a"}}]}'), 'a');
    assert.equal(f.chunkText('{"choices":[{"text":"b"}]}'), 'b');
    assert.equal(f.chunkText('{"type":"message.delta","content":"c"}'), 'c');
    for (const none of ['', '[DONE]', 'null', '{}', '{"choices":[]}', '{"choices":[{"delta":{"content":null}}]}', '{"content":{"x":1}}']) assert.equal(f.chunkText(none), '');
  });
  test('a body is JSON to read, or what it is', () => {
    assert.equal(f.bodyText({ a: 1 }), '{\n  "a": 1\n}');
    assert.equal(f.bodyText('<b>'), '<b>');
    assert.equal(f.bodyText(null), '');
  });
  test('every status has a tone', () => {
    const tones = { queued: 'wait', pending: 'wait', running: 'run', ok: 'good', completed: 'good', queue_full: 'bad', error: 'bad', cancelled: 'off', inactive: 'off', active: 'good' };
    for (const [status, tone] of Object.entries(tones)) assert.equal(f.statusTone(status), tone, status);
  });
});
