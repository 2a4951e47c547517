// Keys: who may do what, whose tasks are whose, and no wider bind without them.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { Daemon, freePort, run, startDaemon } from './support/daemon.mjs';
import { expectError, expectOk } from './support/expect.mjs';
import { tempDir } from './support/temp.mjs';
import { startUpstream } from './support/upstream.mjs';

let up;
before(async () => { up = await startUpstream({ models: ['alpha-7b'], name: 'alpha' }); });
after(() => up?.stop());
afterEach(() => up.reset());

const key = () => `key-${crypto.randomUUID()}`;

describe('keys', () => {
  let kept;
  const secrets = { owner: 'sk-alice-0123456789', plain: 'sk-bob-0123456789', low: 'sk-low-0123456789' };
  const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex');
  const as = (name) => ({ Authorization: `Bearer ${secrets[name]}` });
  before(async () => {
    kept = await startDaemon({
      config: {
        upstreams: [{ name: 'alpha', type: 'openai', url: up.url, models: ['alpha-7b'], capacity: 4 }],
        auth: {
          mode: 'keys',
          keys: [
            { id: 'a', owner: 'alice', sha256: sha256(secrets.owner), grants: ['tasks:create', 'tasks:view', 'calls:view', 'profiles:edit', 'profiles:view', 'llms:view'] },
            { id: 'b', owner: 'bob', sha256: sha256(secrets.plain), default_priority: 'background' },
            { id: 'c', owner: 'carol', sha256: sha256(secrets.low), max_priority: 'workflow' },
          ],
        },
      },
    });
  });
  after(() => kept?.stop());

  test('no key and a wrong key', async () => {
    const attempts = [{}, { Authorization: 'Bearer wrong' }, { Authorization: 'Bearer ' }, { Authorization: 'Basic c2s6eA==' }, { Authorization: secrets.owner }, { 'X-Api-Key': 'wrong' }, { 'X-Api-Key': sha256(secrets.owner) }];
    for (const headers of attempts) {
      for (const r of [await kept.chat({ model: 'alpha' }, headers), await kept.get('/v1/models', headers), await kept.get('/api/v1/profiles', headers)]) {
        const e = expectError(r, 'unauthorized', { source: 'broker' }, JSON.stringify(headers));
        assert.ok(!r.text.includes(secrets.owner) && !r.text.includes('wrong'), `no key in the answer: ${e.message}`);
      }
    }
    assert.equal(up.requests.length, 0);
  });

  test('both ways to send one', async () => {
    expectOk(await kept.chat({ model: 'alpha' }, as('owner')));
    expectOk(await kept.chat({ model: 'alpha' }, { 'X-Api-Key': secrets.plain }));
    expectOk(await kept.chat({ model: 'alpha' }, { authorization: `bearer ${secrets.plain}` }), 'the scheme in any case');
    for (const r of up.requests) assert.ok(!JSON.stringify(r.rawHeaders).includes('sk-'), 'no key goes to the backend');
  });

  test('health needs none', async () => {
    for (const path of ['/livez', '/health', '/readyz']) expectOk(await kept.get(path), path);
  });

  test('the key\'s default class and its highest class', async () => {
    const used = async (who, headers = {}, body = {}) => expectOk(await kept.chat({ model: 'alpha', ...body }, { ...as(who), ...headers })).headers['x-signalbox-priority'];
    assert.equal(await used('plain'), 'background', 'the key\'s default before the route\'s');
    assert.equal(await used('plain', { 'X-Signalbox-Priority': 'interactive' }), 'interactive');
    assert.equal(await used('plain', {}, { service_tier: 'priority' }), 'interactive');
    assert.equal(await used('low', { 'X-Signalbox-Priority': 'interactive' }), 'workflow', 'lowered to the key\'s highest');
    assert.equal(await used('low', { Priority: 'u=0' }), 'workflow');
    assert.equal(await used('low', {}, { service_tier: 'priority' }), 'workflow');
    assert.equal(await used('low', { 'X-Signalbox-Priority': 'background' }), 'background');
    assert.equal(await used('owner', { 'X-Signalbox-Priority': 'interactive' }), 'interactive');
  });

  test('what a key may not do is forbidden', async () => {
    expectError(await kept.get('/api/v1/calls', as('plain')), 'forbidden');
    expectError(await kept.put('/api/v1/profiles/x', { max_concurrent: 2 }, as('plain')), 'forbidden');
    expectOk(await kept.get('/api/v1/calls', as('owner')));
    expectOk(await kept.put('/api/v1/profiles/x', { max_concurrent: 2 }, as('owner')));
    expectOk(await kept.get('/api/v1/profiles', as('plain')), 'viewing profiles is everybody\'s');
    expectOk(await kept.get('/v1/models', as('plain')));
  });

  test('a task belongs to the key\'s owner', async () => {
    const mine = expectOk(await kept.chat({ model: 'alpha' }, as('plain'))).headers['x-signalbox-task'];
    assert.equal(expectOk(await kept.get(`/api/v1/inference-tasks/${mine}`, as('plain'))).json.owner, 'bob');
    expectError(await kept.get(`/api/v1/inference-tasks/${mine}`, as('low')), 'task_not_found', {}, 'another owner\'s id');
    const list = async (who) => expectOk(await kept.get('/api/v1/inference-tasks', as(who))).json.tasks.map((t) => t.id);
    assert.ok((await list('plain')).includes(mine));
    assert.ok(!(await list('low')).includes(mine));
    assert.ok((await list('owner')).includes(mine), 'tasks:view sees all');
  });

  test('idempotency keys are kept per owner', async () => {
    const headers = { 'Idempotency-Key': key() };
    const [a, b] = [expectOk(await kept.chat({ model: 'alpha' }, { ...as('plain'), ...headers })), expectOk(await kept.chat({ model: 'alpha', max_tokens: 1 }, { ...as('low'), ...headers }))];
    assert.notEqual(a.headers['x-signalbox-task'], b.headers['x-signalbox-task']);
  });
});

test('a wider bind without keys refuses to start', { timeout: 30_000 }, async () => {
  const d = new Daemon({ config: { http: { bind: '0.0.0.0' } }, dir: tempDir(), port: await freePort() });
  d.writeConfig();
  const r = await run(['serve', '--config', d.file], { cwd: d.dir, ms: 10_000 });
  assert.equal(r.late, false, 'it went on running');
  assert.ok(r.code > 0, `exit code ${r.code}`);
  assert.match(r.stderr, /auth|key/i, `stderr says why: ${r.stderr}`);
});
