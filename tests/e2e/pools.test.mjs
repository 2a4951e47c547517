// Pools: who of three servers gets a call, by each choice, changed while the daemon runs, and what is shown of it.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { run, startDaemon } from './support/daemon.mjs';
import { expectError } from './support/expect.mjs';
import { startUpstream } from './support/upstream.mjs';
import { until } from './support/wait.mjs';

const NAMES = ['one', 'two', 'three'];
let daemon, servers;
const configured = (pools = {}) => ({
  inference: { default_choice: 'least_loaded', pools },
  upstreams: NAMES.map((name, i) => ({ name, type: 'openai', url: servers[i].url, models: [`model-${name}`], pool: 'trio', capacity: 2 })),
});
before(async () => {
  servers = await Promise.all(NAMES.map((name) => startUpstream({ models: [`model-${name}`], name })));
  daemon = await startDaemon({ config: configured({ fixed: { choice: 'first_match' } }) });
});
after(async () => { await daemon?.stop(); for (const s of servers ?? []) await s.stop(); });
afterEach(() => { for (const s of servers) { s.always = {}; s.release(); } });

const set = async (choice) => {
  const r = await daemon.put('/api/v1/pools/trio', { choice });
  assert.equal(r.status, 200, r.text);
  return r.json;
};
async function backend(headers = {}, body = {}) {
  const r = await daemon.chat({ model: 'trio', ...body }, headers);
  assert.equal(r.status, 200, r.text);
  return r.headers['x-signalbox-backend'];
}
const times = async (n, ask) => { const seen = []; for (let i = 0; i < n; i += 1) seen.push(await ask(i)); return seen; };

describe('pools', { timeout: 120_000 }, () => {
  test('are listed with what was configured', async () => {
    const { pools } = await daemon.json('/api/v1/pools');
    // In order of registration: who answered first at the start.
    const { llms } = pools[1];
    assert.deepEqual([...llms].sort(), [...NAMES].sort());
    assert.deepEqual(pools, [{ name: 'fixed', choice: 'first_match', llms: [], sessions: 0 }, { name: 'trio', choice: 'least_loaded', llms, sessions: 0 }]);
    assert.deepEqual(await daemon.json('/api/v1/pools/trio'), pools[1]);
    expectError(await daemon.get('/api/v1/pools/nobody'), 'not_found');
    const cli = await run(['get', 'pools', '--url', daemon.base]);
    assert.match(cli.stdout, /NAME +CHOICE +LLMS +SESSIONS\nfixed +first_match .*\ntrio +least_loaded +(\w+,){2}\w+ +0\n/, cli.stderr);
  });

  test('a choice that is none is refused and changes nothing', async () => {
    for (const body of [{ choice: 'random' }, {}, { choice: 'affinity', weight: 2 }]) expectError(await daemon.put('/api/v1/pools/trio', body), 'invalid_request');
    assert.equal((await daemon.json('/api/v1/pools/trio')).choice, 'least_loaded');
  });

  test('each choice holds at once', async () => {
    const { llms } = await set('first_match');
    assert.deepEqual(new Set(await times(6, () => backend())), new Set([llms[0]]));
    await set('round_robin');
    const seen = await times(6, () => backend());
    assert.equal(new Set(seen.slice(0, 3)).size, 3, seen);
    assert.deepEqual(seen.slice(3), seen.slice(0, 3));
  });

  test('with affinity a session stays, by header or by user, and neither its key nor its header goes out', async () => {
    await set('affinity');
    const homes = await times(6, (i) => backend({ 'X-Signalbox-Session': `chat ${i}` }));
    assert.deepEqual(NAMES.map((n) => homes.filter((h) => h === n).length), [2, 2, 2], 'new ones spread');
    for (let round = 0; round < 3; round += 1) assert.deepEqual(await times(6, (i) => backend({ 'X-Signalbox-Session': `chat ${i}` })), homes);
    const home = await backend({}, { user: 'alice' });
    assert.deepEqual(new Set(await times(5, () => backend({}, { user: 'alice' }))), new Set([home]));
    assert.equal((await daemon.json('/api/v1/pools/trio')).sessions, 7);
    for (const server of servers) {
      for (const request of server.requests) assert.ok(!Object.keys(request.headers).some((name) => name.startsWith('x-signalbox')), JSON.stringify(request.headers));
      assert.ok(!server.requests.some((r) => JSON.stringify(r.rawHeaders).includes('chat 0')));
    }
    expectError(await daemon.chat({ model: 'trio' }, { 'X-Signalbox-Session': 'x'.repeat(256) }), 'invalid_request');
  });

  test('a session waits for its full server, and others do not wait with it', async () => {
    await set('affinity');
    const headers = { 'X-Signalbox-Session': 'busy' };
    const home = await backend(headers);
    const server = servers[NAMES.indexOf(home)];
    const before_ = server.requests.length;
    server.always = { hold: true };
    const held = [1, 2, 3].map(() => daemon.chat({ model: 'trio' }, headers));
    await until('its server is full', () => server.requests.length === before_ + 2, { within: 5000 });
    const others = await times(4, (i) => backend(i % 2 ? { 'X-Signalbox-Session': `other ${i}` } : {}));
    assert.ok(!others.includes(home), `${others} beside ${home}`);
    server.always = {};
    server.release();
    for (const r of await Promise.all(held)) assert.equal(r.headers['x-signalbox-backend'], home, r.text);
  });

  test('a server that fails is passed over, and shown so', async () => {
    const [first, second] = (await set('first_match')).llms;
    const server = servers[NAMES.indexOf(first)];
    const breaker = async (name) => (await daemon.json(`/api/v1/llms/${name}`)).breaker;
    server.always = { status: 500 };
    const before_ = server.requests.length;
    assert.deepEqual(new Set(await times(12, () => backend())), new Set([second]));
    assert.equal(server.requests.length - before_, 5);
    const llm = await daemon.json(`/api/v1/llms/${first}`);
    assert.deepEqual([llm.breaker, llm.failures, llm.status], ['open', 5, 'active']);
    assert.equal(await breaker(second), 'closed');
    const wide = await run(['get', 'llms', '-o', 'wide', '--url', daemon.base]);
    assert.match(wide.stdout, /BREAKER +FAILURES/);
    assert.match(wide.stdout, new RegExp(`\n${first} .*open +5 `));
    server.always = {};
    await until('the probe has closed it', async () => { await backend(); return (await breaker(first)) === 'closed'; }, { within: 15_000, every: 250 });
    assert.equal(await backend(), first);
  });

  test('what was set is kept over a restart, but the configuration goes first', async () => {
    await set('round_robin');
    assert.equal((await daemon.put('/api/v1/pools/fixed', { choice: 'affinity' })).json.choice, 'affinity');
    await daemon.restart();
    assert.equal((await daemon.json('/api/v1/pools/trio')).choice, 'round_robin');
    assert.equal((await daemon.json('/api/v1/pools/fixed')).choice, 'first_match');
    daemon.writeConfig(configured({ trio: { choice: 'affinity' } }));
    assert.equal((await daemon.post('/api/v1/admin/reload', {})).status, 200);
    assert.equal((await daemon.json('/api/v1/pools/trio')).choice, 'affinity');
    assert.equal((await daemon.json('/api/v1/pools/fixed')).choice, 'first_match', 'no longer named, so as it was');
  });
});
