// The list of tasks: newest first, every filter, cursors that neither lose nor repeat, bodies only when asked for.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk } from './support/expect.mjs';
import { startUpstream } from './support/upstream.mjs';

const TASKS = '/api/v1/inference-tasks';
const TERMINAL = ['completed', 'error', 'cancelled'];
let alpha, beta, daemon;
const ids = [];           // in the order they were made

before(async () => {
  [alpha, beta] = [await startUpstream({ models: ['alpha-model'], name: 'alpha' }), await startUpstream({ models: ['beta-model'], name: 'beta' })];
  daemon = await startDaemon({
    config: {
      upstreams: [{ name: 'alpha', type: 'openai', url: alpha.url, models: ['alpha-model'], capacity: 4 }, { name: 'beta', type: 'openai', url: beta.url, models: ['beta-model'], pool: 'greek', capacity: 4 }],
      agents: [{ name: 'clerk', llm: 'alpha', system_prompt: 'You are a clerk.' }],
      inference: { profiles: { shut: { max_concurrent: 0 } } },
      tasks: { max_attempts: 1 },
    },
  });
  const make = async (body, headers = {}) => {
    const r = await daemon.post(TASKS, { request: { messages: [{ role: 'user', content: `task ${ids.length}` }] }, ...body }, headers);
    assert.equal(r.status, 201, r.text);
    ids.push(r.json.id);
    return r.json.id;
  };
  const ended = (id) => daemon.taskWhen(id, 'ended', (t) => TERMINAL.includes(t.status));
  for (let i = 0; i < 4; i++) await ended(await make({ llm: 'alpha', priority: ['interactive', 'workflow', 'background', 'workflow'][i] }));
  for (let i = 0; i < 3; i++) await ended(await make({ model: 'greek' }));
  await ended(await make({ agent: 'clerk' }));
  beta.always = { status: 500 };
  await ended(await make({ llm: 'beta' }));
  for (let i = 0; i < 2; i++) await daemon.send({ method: 'DELETE', path: `${TASKS}/${await make({ llm: 'alpha' }, { 'X-Signalbox-Profile': 'shut' })}` });
  for (let i = 0; i < 5; i++) await make({ llm: 'alpha', priority: i % 2 ? 'background' : 'workflow' }, { 'X-Signalbox-Profile': 'shut' });
});
after(async () => {
  await daemon?.stop();
  await alpha?.stop();
  await beta?.stop();
});

const list = async (query = '') => expectOk(await daemon.get(`${TASKS}${query}`), query).json;
const newestFirst = () => [...ids].reverse();

describe('what is in it', () => {
  test('all of them, newest first, without bodies', async () => {
    const { tasks, next_cursor: next } = await list();
    assert.deepEqual(tasks.map((t) => t.id), newestFirst());
    assert.equal(next, null, 'nothing more to come');
    for (const t of tasks) assert.ok(!('request_body' in t) && !('response_body' in t), 'bodies are left out');
  });

  test('include=bodies brings both, as the single row has them', async () => {
    const { tasks } = await list('?include=bodies&status=completed');
    assert.equal(tasks.length, 8);
    for (const t of tasks) assert.deepEqual(t, await daemon.task(t.id));
    assert.ok(tasks.every((t) => t.request_body && t.response_body));
  });

  const filters = [
    ['status=pending', (t) => t.status === 'pending', 5], ['status=completed', (t) => t.status === 'completed', 8],
    ['status=error&status=cancelled', (t) => ['error', 'cancelled'].includes(t.status), 3], ['status=pending&status=claimed&status=running', (t) => t.status === 'pending', 5],
    ['pool=greek', (t) => t.pool === 'greek', 4], ['pool=alpha', (t) => t.pool === 'alpha', 12], ['llm=beta', (t) => t.llm === 'beta'], ['llm=alpha', (t) => t.llm === 'alpha'],
    ['agent=clerk', (t) => t.agent === 'clerk', 1], ['priority=interactive', (t) => t.priority === 'interactive', 1], ['priority=background', (t) => t.priority === 'background', 3],
    ['owner=local', () => true, 16], ['owner=stranger', () => false, 0], ['pool=nowhere', () => false, 0],
    ['status=pending&priority=background', (t) => t.status === 'pending' && t.priority === 'background', 2], ['pool=greek&status=error', (t) => t.pool === 'greek' && t.status === 'error', 1],
    ['agent=clerk&status=pending', () => false, 0],
  ];
  for (const [query, fits, count] of filters) {
    test(`?${query}`, async () => {
      const all = (await list()).tasks;
      const { tasks } = await list(`?${query}`);
      assert.deepEqual(tasks.map((t) => t.id), all.filter(fits).map((t) => t.id), 'exactly those of the whole list that fit, in its order');
      if (count !== undefined) assert.equal(tasks.length, count);
      else assert.ok(tasks.length > 0);
    });
  }

  test('bad values are told by name', async () => {
    for (const [query, param] of [['status=asleep', 'status'], ['priority=urgent', 'priority'], ['limit=0', 'limit'], ['limit=501', 'limit'], ['limit=many', 'limit'],
      ['cursor=garbage!', 'cursor']]) {
      const r = await daemon.get(`${TASKS}?${query}`);
      assert.equal(r.status, 400, `${query}: ${r.text}`);
      expectError(r, param === 'priority' ? r.json.error.code : 'invalid_request', { status: 400, param }, query);
    }
  });
});

describe('cursors', () => {
  const walk = async (query, each = () => {}) => {
    const pages = [];
    for (let cursor = '', n = 0; cursor !== null; n++) {
      assert.ok(n < 100, 'a walk comes to its end');
      const page = await list(`?${query}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
      pages.push(page.tasks.map((t) => t.id));
      cursor = page.next_cursor;
      await each(n);
    }
    return pages;
  };

  for (const limit of [1, 3, 7, 16, 500]) {
    test(`pages of ${limit}: no gap, no double`, async () => {
      const pages = await walk(`limit=${limit}`);
      assert.deepEqual(pages.flat(), newestFirst());
      for (const page of pages.slice(0, -1)) assert.equal(page.length, limit, 'every page but the last is full');
    });
  }

  test('with filters', async () => {
    assert.deepEqual((await walk('limit=2&status=pending&status=cancelled')).flat(), (await list('?status=pending&status=cancelled')).tasks.map((t) => t.id));
    assert.deepEqual((await walk('limit=1&pool=greek')).flat(), (await list('?pool=greek')).tasks.map((t) => t.id));
  });

  test('while new ones come in, the walk sees each of the old ones once', async () => {
    const old = newestFirst();
    const pages = await walk('limit=4', async () => {
      const r = await daemon.post(TASKS, { llm: 'alpha', request: { messages: [{ role: 'user', content: 'late' }] } }, { 'X-Signalbox-Profile': 'shut' });
      assert.equal(r.status, 201, r.text);
      ids.push(r.json.id);
    });
    assert.deepEqual(pages.flat(), old);
  });

  test('the default limit is 50', async () => {
    while (ids.length < 60) {
      const r = await daemon.post(TASKS, { llm: 'alpha', request: { messages: [] } }, { 'X-Signalbox-Profile': 'shut' });
      ids.push(r.json.id);
    }
    const page = await list();
    assert.equal(page.tasks.length, 50);
    assert.deepEqual((await walk('')).flat(), newestFirst());
  });
});
