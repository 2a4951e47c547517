// Goal: a view can be sent as a link, whatever is in it. Method: there and back.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { formatHash, formatQuery, parseHash, sinceTime } from '../../dashboard/url.js';

const VIEWS = ['overview', 'calls', 'tasks'];

describe('url', () => {
  test('there and back', () => {
    for (const state of [
      { view: 'calls', id: undefined, params: {} }, { view: 'tasks', id: '0199-aa', params: { status: ['error', 'cancelled'], q: 'a&b=c #?/%' } },
      { view: 'calls', id: 'x/y', params: { profile: 'openai_compat:org/model', since: '15m' } },
    ]) assert.deepEqual(parseHash(formatHash(state), VIEWS), state);
  });
  test('nothing, and what is no view, is the first view', () => {
    for (const hash of ['', '#', '#/', '#/nowhere?x=1', '#/__proto__']) assert.deepEqual(parseHash(hash, VIEWS), { view: 'overview', id: undefined, params: {} });
  });
  test('empty parameters are none', () => {
    assert.equal(formatHash({ view: 'calls', params: { q: '', cursor: undefined, status: [] } }), '#/calls');
    assert.deepEqual(parseHash('#/calls?q=&status=ok', VIEWS).params, { status: 'ok' });
    assert.equal(formatQuery({ a: null, b: ['x', 'y'] }), 'b=x&b=y');
  });
  test('a broken escape is no id', () => assert.equal(parseHash('#/calls/%E0%A4%A', VIEWS).id, undefined));
  test('names that every object has are parameters like others', () => {
    assert.deepEqual(Object.entries(parseHash('#/calls?constructor=1&constructor=2', VIEWS).params), [['constructor', ['1', '2']]]);
    assert.equal(sinceTime('constructor'), undefined);
  });
  test('since is a span or a time', () => {
    const now = Date.parse('2026-11-21T12:00:00Z');
    assert.equal(sinceTime('15m', now), '2026-11-21T11:45:00.000Z');
    assert.equal(sinceTime('2026-11-21T03:00:00+01:00', now), '2026-11-21T02:00:00.000Z');
    assert.equal(sinceTime('yesterday', now), undefined);
    assert.equal(sinceTime(undefined, now), undefined);
  });
});
