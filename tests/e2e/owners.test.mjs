// Owners: whose task is whose, which grants lift that, what a key may do, and its default and highest class.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk } from './support/expect.mjs';
import { followTask } from './support/task_stream.mjs';
import { answers, Crew, Worker } from './support/worker.mjs';
import { startUpstream } from './support/upstream.mjs';
import { until } from './support/wait.mjs';

const TASKS = '/api/v1/inference-tasks';
const SECRETS = {};
const keyOf = (id, owner, more = {}) => {
  SECRETS[id] = `sbx_${crypto.randomBytes(32).toString('hex')}`;
  return { id, owner, sha256: crypto.createHash('sha256').update(SECRETS[id]).digest('hex'), ...more };
};
const as = (id, more = {}) => ({ Authorization: `Bearer ${SECRETS[id]}`, ...more });
let daemon, up;
const crew = new Crew(() => daemon);

before(async () => {
  up = await startUpstream({ models: ['up-model'] });
  daemon = await startDaemon({
    config: {
      upstreams: [{ name: 'up', type: 'openai', url: up.url, models: ['up-model'], capacity: 2 }],
      inference: { profiles: { shut: { max_concurrent: 0 } } },
      agents: [{ name: 'helper', llm: 'up', system_prompt: 'Help.' }],
      workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 20 },
      auth: {
        mode: 'keys',
        keys: [
          keyOf('alice', 'alice'), keyOf('alice-2', 'alice'), keyOf('bob', 'bob'),
          keyOf('viewer', 'watch', { grants: ['tasks:view'] }), keyOf('deleter', 'janitor', { grants: ['tasks:delete', 'tasks:view'] }),
          keyOf('nightly', 'batch', { default_priority: 'background', max_priority: 'workflow' }),
          keyOf('keeper', 'keeper', { grants: ['slots:edit', 'slots:delete'] }),
          keyOf('machine', 'rack', { grants: ['workers:create'] }), keyOf('machine-2', 'other-rack', { grants: ['workers:create'] }),
          keyOf('root', 'root', { grants: ['tasks:view', 'tasks:create', 'tasks:delete', 'profiles:edit', 'profiles:view', 'agents:edit', 'agents:view', 'calls:view', 'workers:edit', 'workers:view', 'admin:edit'] }),
        ],
      },
    },
  });
});
after(async () => {
  await daemon?.stop();
  await up?.stop();
});
afterEach(async () => {
  await crew.end();
  await up.reset();
});

const request = { messages: [{ role: 'user', content: 'hi' }] };
const enqueue = async (key, body = {}, headers = {}) => {
  const r = await daemon.post(TASKS, { llm: 'up', request, ...body }, as(key, headers));
  assert.equal(r.status, 201, r.text);
  return r.json;
};
const cancel = (id, key) => daemon.send({ method: 'DELETE', path: `${TASKS}/${id}`, headers: as(key) });
const list = async (key, query = '') => expectOk(await daemon.get(`${TASKS}?limit=500${query}`, as(key))).json.tasks;

describe('keys', () => {
  test('none, a wrong one, a cut one, the hash itself: 401; both headers work', async () => {
    const hash = crypto.createHash('sha256').update(SECRETS.alice).digest('hex');
    for (const headers of [{}, { Authorization: 'Bearer nonsense' }, { Authorization: `Bearer ${SECRETS.alice.slice(0, -1)}` }, { Authorization: `Bearer ${hash}` },
      { Authorization: `Basic ${SECRETS.alice}` }, { 'X-Api-Key': `${SECRETS.alice}x` }]) {
      for (const path of [TASKS, '/api/v1/llms', '/api/v1/agents', '/api/v1/workers', '/v1/models']) expectError(await daemon.get(path, headers), 'unauthorized', {}, JSON.stringify([path, headers]));
    }
    expectOk(await daemon.get(TASKS, as('alice')));
    expectOk(await daemon.get(TASKS, { 'X-Api-Key': SECRETS.alice }));
    for (const path of ['/livez', '/health', '/readyz']) expectOk(await daemon.get(path), `${path} needs no key`);
  });

  test('a key never reaches a backend', async () => {
    expectOk(await daemon.chat({ model: 'up' }, as('alice')));
    expectOk(await daemon.chat({ model: 'up' }, { 'X-Api-Key': SECRETS.alice }));
    for (const r of up.requests) assert.ok(!JSON.stringify(r.rawHeaders).includes(SECRETS.alice));
    assert.equal(up.requests.length, 2);
  });
});

describe('tasks', () => {
  test('another owner\'s id is 404 in every call; the owner\'s other key sees it', async () => {
    const row = await enqueue('alice', {}, { 'X-Signalbox-Profile': 'shut' });
    assert.equal(row.owner, 'alice');
    const strange = (r) => expectError(r, 'task_not_found');
    strange(await daemon.get(`${TASKS}/${row.id}`, as('bob')));
    strange(await daemon.get(`${TASKS}/${row.id}/stream`, as('bob')));
    strange(await cancel(row.id, 'bob'));
    const [foreign, unknown] = [await daemon.get(`${TASKS}/${row.id}`, as('bob')), await daemon.get(`${TASKS}/01890000-0000-7000-8000-000000000000`, as('bob'))];
    const bare = (r) => ({ ...r.json.error, request_id: '' });
    assert.deepEqual(bare(foreign), bare(unknown), 'the same words as for an id that never was');
    assert.deepEqual((await list('bob')).filter((t) => t.id === row.id), []);
    assert.deepEqual(await list('bob', '&owner=alice'), []);
    assert.ok((await list('alice-2')).some((t) => t.id === row.id));
    assert.equal(expectOk(await daemon.get(`${TASKS}/${row.id}`, as('alice-2'))).json.status, 'pending', 'nobody has cancelled it');
    assert.equal(expectOk(await cancel(row.id, 'alice-2')).json.status, 'cancelled');
  });

  test('tasks:view lifts it for looking, tasks:delete for cancelling', async () => {
    const row = await enqueue('alice', {}, { 'X-Signalbox-Profile': 'shut' });
    expectOk(await daemon.get(`${TASKS}/${row.id}`, as('viewer')));
    assert.ok((await list('viewer')).some((t) => t.id === row.id));
    const stream = await followTask(daemon, row.id, { headers: as('viewer') });
    assert.equal(stream.status, 200);
    const refused = await cancel(row.id, 'viewer');
    assert.ok([403, 404].includes(refused.status), refused.text);
    assert.equal(expectOk(await daemon.get(`${TASKS}/${row.id}`, as('alice'))).json.status, 'pending');
    assert.equal(expectOk(await cancel(row.id, 'deleter')).json.status, 'cancelled');
    assert.equal((await stream.ending()).status, 'cancelled');
  });

  test('the owner filter and cursors keep owners apart', async () => {
    const mine = [];
    for (let i = 0; i < 6; i++) mine.push((await enqueue(i % 2 ? 'bob' : 'alice', {}, { 'X-Signalbox-Profile': 'shut' })).id);
    const bobs = mine.filter((_, i) => i % 2).reverse();
    const walked = [];
    for (let cursor = '', n = 0; cursor !== null && n < 50; n++) {
      const page = expectOk(await daemon.get(`${TASKS}?limit=1&status=pending${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, as('bob'))).json;
      walked.push(...page.tasks.map((t) => t.id));
      cursor = page.next_cursor;
    }
    assert.deepEqual(walked, bobs);
    assert.deepEqual((await list('root', '&owner=bob&status=pending')).map((t) => t.id), bobs);
    const first = expectOk(await daemon.get(`${TASKS}?limit=1&owner=alice&status=pending`, as('root'))).json;
    const stolen = await daemon.get(`${TASKS}?limit=500&status=pending&cursor=${encodeURIComponent(first.next_cursor)}`, as('bob'));
    if (stolen.status === 200) assert.ok(stolen.json.tasks.every((t) => t.owner === 'bob'), 'another\'s cursor shows nothing of another');
    for (const id of mine) await cancel(id, 'deleter');
  });

  test('one idempotency key of two owners is two tasks', async () => {
    const headers = { 'Idempotency-Key': 'the-same-words', 'X-Signalbox-Profile': 'shut' };
    const [a, b] = [await enqueue('alice', {}, headers), await enqueue('bob', { metadata: { other: 1 } }, headers)];
    assert.notEqual(a.id, b.id);
    for (const id of [a.id, b.id]) await cancel(id, 'deleter');
  });

  test('owners are kept over a restart', async () => {
    const row = await enqueue('alice', {}, { 'X-Signalbox-Profile': 'shut' });
    await daemon.restart();
    expectError(await daemon.get(`${TASKS}/${row.id}`, as('bob')), 'task_not_found');
    assert.equal(expectOk(await cancel(row.id, 'alice')).json.owner, 'alice');
  });
});

describe('grants', () => {
  test('a key without any: its own tasks, and a look at LLMs, agents and profiles', async () => {
    for (const path of ['/api/v1/llms', '/api/v1/llms/up', '/api/v1/agents', '/api/v1/agents/helper', '/api/v1/profiles', '/v1/models']) expectOk(await daemon.get(path, as('alice')), path);
    expectOk(await daemon.post('/api/v1/agents/helper/chat', { message: 'x' }, as('alice')));
    const forbidden = [
      ['PUT', '/api/v1/profiles/shut', { max_concurrent: 1 }], ['PUT', '/api/v1/agents/mine', { llm: 'up' }], ['DELETE', '/api/v1/agents/helper'], ['GET', '/api/v1/calls'], ['GET', '/broker/state'],
      ['POST', '/api/v1/workers', { session: null, llms: [{ name: 'x', type: 'openai', model: 'm' }] }], ['POST', '/api/v1/admin/reload', {}],
    ];
    for (const [method, path, body] of forbidden) expectError(await daemon.send({ method, path, body, headers: as('alice') }), 'forbidden', {}, `${method} ${path}`);
    assert.equal(expectOk(await daemon.get('/api/v1/profiles/shut', as('alice'))).json.max_concurrent, 0, 'and nothing changed');
  });

  test('each with its grant', async () => {
    expectOk(await daemon.put('/api/v1/profiles/roots', { max_concurrent: 1 }, as('root')));
    expectOk(await daemon.put('/api/v1/agents/roots', { llm: 'up' }, as('root')));
    expectOk(await daemon.get('/api/v1/calls', as('root')));
    assert.ok((await daemon.post('/api/v1/admin/reload', {}, as('root'))).status < 300);
  });
});

describe('classes of a key', () => {
  const used = async (key, headers = {}, body = {}) => expectOk(await daemon.chat({ model: 'up', ...body }, as(key, headers))).headers['x-signalbox-priority'];
  test('its default holds where the call says nothing; a class above its highest is lowered', async () => {
    assert.equal(await used('nightly'), 'background');
    assert.equal(await used('nightly', { 'X-Signalbox-Priority': 'interactive' }), 'workflow');
    assert.equal(await used('nightly', { 'X-Signalbox-Priority': 'workflow' }), 'workflow');
    assert.equal(await used('nightly', {}, { service_tier: 'priority' }), 'workflow');
    assert.equal(await used('alice'), 'workflow');
    assert.equal(await used('alice', { 'X-Signalbox-Priority': 'interactive' }), 'interactive');
  });

  test('for async tasks too', async () => {
    assert.equal((await enqueue('nightly')).priority, 'background');
    const row = await enqueue('nightly', { priority: 'interactive' });
    assert.deepEqual([row.priority, row.owner], ['workflow', 'batch']);
    for (const t of await list('nightly')) await daemon.get(`${TASKS}/${t.id}?wait_s=5`, as('nightly'));
  });
});

describe('worker sessions', () => {
  test('belong to their key\'s owner: for another they do not exist', async () => {
    const worker = await crew.start({ headers: as('machine'), always: answers.nothing() });
    const intruder = new Worker(daemon.port, { session: worker.session, llms: worker.llms, headers: as('machine-2') });
    const call = daemon.openChat({ model: worker.llms[0].name }, as('alice'));
    const job = await worker.job();
    const body = { status: 200, body: { stolen: true } };
    for (const r of [await daemon.get(`${worker.path}/stream`, as('machine-2')), await intruder.heartbeat(), await intruder.post(`/tasks/${job.task}/result`, body),
      await intruder.post(`/tasks/${job.task}/chunk`, { data: '{}' }), await intruder.leave()]) expectError(r, 'session_not_found');
    assert.ok([403, 404].includes((await daemon.get(worker.path, as('machine-2'))).status));
    const taken = await intruder.register();
    assert.ok(taken.status === 409 || taken.json.session !== worker.session, `another's session id is not his: ${taken.text}`);
    assert.equal(worker.channel.ended, undefined, 'the owner\'s channel is untouched');
    expectOk(await job.answer('the owner\'s'));
    assert.equal(expectOk(await call.done).json.choices[0].message.content, 'the owner\'s', 'it serves other owners\' tasks');
  });

  test('workers:edit may drain another\'s; a key without workers grants may not', async () => {
    const worker = await crew.start({ headers: as('machine') });
    const refused = await daemon.post(`${worker.path}/drain`, {}, as('alice'));
    assert.ok([403, 404].includes(refused.status), refused.text);
    assert.equal(worker.drains, 0);
    expectOk(await daemon.post(`${worker.path}/drain`, {}, as('root')));
    await until('the drain frame is here', () => worker.drains === 1);
  });
});

describe('slots', () => {
  const SLOTS = '/api/v1/slots';
  const take = (key, body = {}, headers = {}) => daemon.post(SLOTS, { profile: 'owned', ...body }, as(key, headers));
  const give = (id, key) => daemon.send({ method: 'DELETE', path: `${SLOTS}/${id}`, headers: as(key) });

  test('belong to the owner of the key that took them; grants lift that', async () => {
    const { id } = (await take('alice')).json;
    for (const [path, body] of [['renew', {}], ['mark', { event: 'first_token' }]]) {
      expectError(await daemon.post(`${SLOTS}/${id}/${path}`, body, as('bob')), 'slot_not_found');
      expectOk(await daemon.post(`${SLOTS}/${id}/${path}`, body, as('alice-2')));
    }
    expectError(await give(id, 'bob'), 'slot_not_found');
    const row = expectOk(await give(id, 'keeper')).json;
    assert.equal(row.owner, 'alice');
  });

  test('need slots:create where a key has grants', async () => {
    expectError(await take('viewer'), 'forbidden', { grant: 'slots:create' });
    expectError(await daemon.get(`${SLOTS}/hold?profile=owned`, as('viewer')), 'forbidden');
    expectError(await daemon.post(SLOTS, { profile: 'owned' }), 'unauthorized');
  });

  test('a key has its default and its highest class here, too', async () => {
    const usual = (await take('nightly', { profile: 'owned-2' })).json;
    assert.equal(usual.priority, 'background');
    expectOk(await give(usual.id, 'nightly'));
    const lowered = (await take('nightly', { profile: 'owned-2', priority: 'interactive' })).json;
    assert.equal(lowered.priority, 'workflow');
    expectOk(await give(lowered.id, 'nightly'));
  });
});

describe('keys that change while the daemon runs', () => {
  test('SIGHUP: a new key counts, one that is gone does not, what it asked for goes on', async () => {
    up.always = { hold: true };
    const call = daemon.openChat({ model: 'up-model' }, as('bob'));
    await until('it runs', () => up.inFlight === 1);
    const changed = structuredClone(daemon.config);
    changed.auth.keys = changed.auth.keys.filter((key) => key.id !== 'bob');
    changed.auth.keys.push(keyOf('carol', 'carol'));
    expectError(await daemon.get(TASKS, as('carol')), 'unauthorized');
    daemon.writeConfig(changed);
    daemon.signal('SIGHUP');
    await until('the new key is known', async () => (await daemon.get(TASKS, as('carol'))).status === 200);
    expectError(await daemon.get(TASKS, as('bob')), 'unauthorized');
    expectOk(await daemon.get(TASKS, as('alice')));
    up.always = {};
    up.release();
    expectOk(await call.done);
  });

  test('going without keys needs a restart', async () => {
    const open = structuredClone(daemon.config);
    const before = daemon.config;
    delete open.auth;
    daemon.writeConfig(open);
    expectError(await daemon.post('/api/v1/admin/reload', {}, as('root')), 'invalid_request', { param: 'auth.mode' });
    expectError(await daemon.get(TASKS), 'unauthorized');
    daemon.writeConfig(before);
    expectOk(await daemon.post('/api/v1/admin/reload', {}, as('root')));
  });
});
