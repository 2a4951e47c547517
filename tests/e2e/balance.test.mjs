// Who gets a call: shares of a thousand over three push workers, nothing lost when one of them dies, sessions that stay where they
// were, and the choice of each pool in the configuration and live.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Daemon, freePort, run, startDaemon } from './support/daemon.mjs';
import { expectError, expectOk } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { makeJob, readJob } from './support/job.mjs';
import { PushCrew } from './support/push_worker.mjs';
import { tempDir } from './support/temp.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until } from './support/wait.mjs';

const LONG = 120_000;
const CALLS = 1000;
/// A call is long enough that every slot is taken again well before the next one is free: shares are about the choice, not about who is quick.
const PACE_MS = 25;
const PATIENT = { 'X-Signalbox-Queue-Wait-S': '100' };
const poolPath = (name) => `/api/v1/pools/${encodeURIComponent(name)}`;
const sum = (list) => list.reduce((a, b) => a + b, 0);
const shares = (team) => team.map((w) => w.requests.filter((r) => r.state === 'done').length);

/// No backend has anything to do, as the daemon sees it: what was answered a moment ago may still count as running.
const quiet = (daemon) => until('nothing runs', async () => (await daemon.json('/api/v1/llms')).llms.every((l) => l.running === 0));

/// `count` calls, `abreast` at a time: what `one(i)` gives for each.
async function flood(count, abreast, one) {
  const all = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const i = next++;
      all[i] = await one(i);
    }
  };
  await Promise.all(Array.from({ length: abreast }, lane));
  return all;
}

describe('a thousand calls over three workers of capacity four', { timeout: 300_000 }, () => {
  let daemon;
  const crew = new PushCrew(() => daemon);
  before(async () => { daemon = await startDaemon({ config: { workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 30 } } }); });
  after(() => daemon?.stop());
  afterEach(() => crew.end());
  const chat = (model, i, more = {}) => daemon.chat({ model, messages: [{ role: 'user', content: `call ${i}` }], ...more }, PATIENT, LONG);

  test('none gets more than 10 % over its share, and none too much at once', async (t) => {
    const team = await crew.team(3, { capacity: 4, tokenDelayMs: PACE_MS });
    const { model } = team[0];
    for (const r of await flood(CALLS, 30, (i) => chat(model, i))) assert.equal(expectOk(r).json.choices[0].message.content, sentence(4));
    const got = shares(team);
    t.diagnostic(`shares ${got}, most at once ${team.map((w) => w.maxInFlight)}`);
    assert.equal(sum(got), CALLS, 'each call ran once');
    for (const n of got) assert.ok(n <= (CALLS / 3) * 1.1, `shares ${got}`);
    for (const w of team) assert.ok(w.maxInFlight <= 4, `${w.id} had ${w.maxInFlight} at once`);
    assert.ok(team.every((w) => w.maxInFlight === 4), `all of their room is used: ${team.map((w) => w.maxInFlight)}`);
  });

  test('half full: six at a time are two for each, whoever is quicker', async () => {
    const team = await crew.team(3, { capacity: 4 });
    const { model } = team[0];
    const given = () => sum(team.map((w) => w.requests.length));
    for (let round = 1; round <= 20; round++) {
      for (const w of team) w.always = { hold: 'stream' };
      const calls = Array.from({ length: 6 }, (_, i) => chat(model, i));
      await until('six are held', () => given() === 6 * round, { seen: () => team.map((w) => w.requests.length) });
      assert.deepEqual(team.map((w) => w.inFlight), [2, 2, 2], `round ${round}`);
      for (const w of team) { w.always = {}; w.release(); }
      for (const r of await Promise.all(calls)) expectOk(r);
      await quiet(daemon);
    }
  });

  test('streams are shared the same way, and by capacity', async (t) => {
    const model = crew.name();
    const team = [await crew.start({ model, capacity: 6, tokenDelayMs: PACE_MS }), await crew.start({ model, capacity: 3, tokenDelayMs: PACE_MS })];
    for (const r of await flood(300, 30, (i) => chat(model, i, { stream: true }))) expectOk(r);
    const got = shares(team);
    t.diagnostic(`shares ${got}`);
    assert.equal(sum(got), 300);
    assert.ok(got[0] <= 200 * 1.1 && got[1] <= 100 * 1.1, `two thirds and one third: ${got}`);
  });

  test('one is killed in the middle: no call is lost, the others do its part', async (t) => {
    const team = await crew.team(3, { capacity: 4, tokenDelayMs: PACE_MS, keepAlive: false });
    const { model } = team[0];
    const victim = team[1];
    const calls = flood(CALLS, 30, (i) => chat(model, i));
    const dying = victim.arrived(100, (r) => r.state === 'done', { within: LONG })
      .then(() => until('it has calls in hand', () => victim.inFlight > 0, { every: 1 })).then(() => victim.kill());
    const answers = await calls;
    await dying;
    answers.forEach((r, i) => {
      assert.equal(expectOk(r, `call ${i}`).json.choices[0].message.content, sentence(4));
    });
    assert.equal(new Set(answers.map((r) => r.headers['x-signalbox-task'])).size, CALLS);
    const retried = answers.filter((r) => r.headers['x-signalbox-attempts'] !== '1').length;
    const got = shares(team);
    t.diagnostic(`shares ${got}, ${retried} tried again`);
    assert.ok(got[1] < CALLS / 3 && sum(got) >= CALLS, `shares ${got}`);
    assert.ok(retried >= 1, 'what it had in hand went to another');
  });

  test('a worker that joins gets its part', async () => {
    const model = crew.name();
    const first = await crew.start({ model, capacity: 2, always: { hold: 'stream' } });
    const calls = flood(8, 8, (i) => chat(model, i));
    await first.arrived(2);
    const second = await crew.start({ model, capacity: 4 });
    await second.arrived(6, (r) => r.state === 'done');
    assert.equal(first.requests.length, 2, 'the first still has its two');
    first.always = {};
    first.release();
    for (const r of await calls) expectOk(r);
  });
});

describe('sessions', { timeout: 300_000 }, () => {
  const MODEL = 'sticky-model';
  const WAYS = {
    header: (daemon, key, text) => daemon.chat({ model: MODEL, messages: [{ role: 'user', content: text }] }, { ...PATIENT, 'X-Signalbox-Session': key }, LONG),
    user: (daemon, key, text) => daemon.chat({ model: MODEL, user: key, stream: true, messages: [{ role: 'user', content: text }] }, PATIENT, LONG),
    job: async (daemon, key, text) => readJob(daemon, await makeJob(daemon, { model: MODEL, session: key, prompt: text })),
  };
  let daemon, team;
  const crew = new PushCrew(() => daemon);
  before(async () => {
    daemon = await startDaemon({ config: { inference: { pools: { [MODEL]: { choice: 'affinity' } } }, workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 30 } } });
    team = await crew.team(3, { model: MODEL, capacity: 8 });
  });
  after(async () => {
    await crew.end();
    await daemon?.stop();
  });

  /// The only worker that is ready for as long as `body` runs.
  const alone = async (worker, body) => {
    for (const w of team) if (w !== worker) { await w.say('stopped'); await w.inactive(); }
    await body();
    for (const w of team) { await w.say('ready'); await w.active(); }
  };
  const whoHad = (text) => team.filter((w) => w.prompts.some((p) => p?.includes(text)));
  /// Of the calls whose text begins so: how many each worker had.
  const spread = (text) => team.map((w) => w.prompts.filter((p) => p?.includes(text)).length);

  for (const [way, ask] of Object.entries(WAYS)) {
    test(`by ${way}: at least 99 % of a session's calls go where its first went`, async (t) => {
      const keys = team.map((_, i) => `${way}-session-${i}`);
      for (const [i, worker] of team.entries()) await alone(worker, () => ask(daemon, keys[i], `<${keys[i]} first>`));
      for (const [i, worker] of team.entries()) assert.deepEqual(whoHad(`<${keys[i]} first>`), [worker]);
      await flood(300, 6, (n) => ask(daemon, keys[n % 3], `<${keys[n % 3]} call>`));
      for (const [i, key] of keys.entries()) {
        const got = spread(`<${key} call>`);
        t.diagnostic(`${key}: ${got}`);
        assert.equal(sum(got), 100);
        assert.ok(got[i] >= 99, `${key} belongs to worker ${i}: ${got}`);
      }
    });
  }

  test('calls without a session are not bound to anybody', async () => {
    for (const w of team) w.always = { hold: 'stream' };
    const calls = Array.from({ length: 6 }, (_, i) => daemon.chat({ model: MODEL, messages: [{ role: 'user', content: `<free ${i}>` }] }, PATIENT, LONG));
    await until('all are given', () => sum(spread('<free')) === 6, { seen: () => spread('<free') });
    for (const w of team) { w.always = {}; w.release(); }
    for (const r of await Promise.all(calls)) expectOk(r);
    assert.ok(spread('<free').filter((n) => n > 0).length >= 2, `${spread('<free')}`);
  });

  test('a session whose backend is full or gone goes elsewhere, and stays there', async () => {
    const key = 'nomad';
    await alone(team[0], () => WAYS.header(daemon, key, '<nomad first>'));
    await team[0].say('stopped');
    await team[0].inactive();
    expectOk(await WAYS.header(daemon, key, '<nomad moves>'));
    const [home] = whoHad('<nomad moves>');
    assert.notEqual(home, team[0]);
    await team[0].say('ready');
    await team[0].active();
    for (let i = 0; i < 20; i++) expectOk(await WAYS.header(daemon, key, '<nomad later>'));
    assert.equal(home.prompts.filter((p) => p.includes('<nomad later>')).length, 20, `its last backend is its new one: ${spread('<nomad later>')}`);

    home.always = { hold: 'stream' };
    const held = Array.from({ length: 8 }, () => WAYS.header(daemon, key, '<nomad fills>'));
    await home.arrived(8, (r) => r.body.prompt.includes('<nomad fills>'));
    const next = await WAYS.header(daemon, key, '<nomad overflows>');
    expectOk(next);
    assert.ok(!whoHad('<nomad overflows>').includes(home), 'it does not wait for a full one while others are free');
    home.always = {};
    home.release();
    for (const r of await Promise.all(held)) expectOk(r);
  });

  test('its worker dies in the middle of a session: no call is lost', async () => {
    const key = 'orphan';
    await alone(team[2], () => WAYS.header(daemon, key, '<orphan first>'));
    const calls = flood(60, 3, (i) => WAYS.header(daemon, key, `<orphan ${i}>`));
    await team[2].arrived(10, (r) => r.body?.prompt.includes('<orphan ') && r.state === 'done');
    await team[2].kill();
    for (const r of await calls) expectOk(r);
    await team[2].start();
    await team[2].active();
  });

  test('the pool tells how many it remembers', async () => {
    const { sessions } = expectOk(await daemon.get(poolPath(MODEL))).json;
    const count = Array.isArray(sessions) ? sessions.length : sessions;
    assert.ok(count >= 5, JSON.stringify(sessions));
  });
});

describe('the choice of a pool', { timeout: 240_000 }, () => {
  let daemon, one, two;
  const crew = new PushCrew(() => daemon);
  before(async () => {
    [one, two] = await Promise.all([startUpstream({ models: ['shared'], name: 'one' }), startUpstream({ models: ['shared'], name: 'two' })]);
    daemon = await startDaemon({
      config: {
        upstreams: [{ name: 'one', type: 'openai', url: one.url, models: ['shared'], pool: 'pair', capacity: 4 }, { name: 'two', type: 'openai', url: two.url, models: ['shared'], pool: 'pair', capacity: 4 }],
        inference: { pools: { pair: { choice: 'round_robin' } } }, workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 30 },
      },
    });
  });
  after(async () => {
    await daemon?.stop();
    await one?.stop();
    await two?.stop();
  });
  afterEach(() => crew.end());
  const set = (name, choice) => daemon.put(poolPath(name), { choice });

  test('by the configuration, for upstreams as well', async () => {
    for (let i = 0; i < 12; i++) expectOk(await daemon.chat({ model: 'pair' }));
    assert.deepEqual([one.requests.length, two.requests.length], [6, 6], 'turn by turn');
    const pool = expectOk(await daemon.get(poolPath('pair'))).json;
    assert.deepEqual(Object.keys(pool).sort(), ['choice', 'llms', 'name', 'sessions']);
    assert.deepEqual([pool.name, pool.choice, pool.llms.map((l) => l.name ?? l).sort()], ['pair', 'round_robin', ['one', 'two']]);
  });

  test('live: each choice does what it says from the next call on', async () => {
    const team = await crew.team(3, { capacity: 4 });
    const { model } = team[0];
    const names = [];
    for (const w of team) names.push((await w.llm()).name);
    const pool = expectOk(await daemon.get(poolPath(model))).json;
    assert.deepEqual([pool.name, pool.choice, pool.llms.map((l) => l.name ?? l).sort()], [model, 'least_loaded', [...names].sort()]);

    /// How three calls are spread, one after another or held at the same time.
    const counted = async (body) => {
      for (const w of team) w.requests = [];
      await body();
      return team.map((w) => w.requests.length).sort();
    };
    const inTurn = () => counted(async () => { for (let i = 0; i < 3; i++) { await quiet(daemon); expectOk(await daemon.chat({ model })); } });
    const atOnce = () => counted(async () => {
      for (const w of team) w.always = { hold: 'stream' };
      const calls = Array.from({ length: 3 }, () => daemon.chat({ model }));
      await until('three are held', () => sum(team.map((w) => w.requests.length)) === 3);
      for (const w of team) { w.always = {}; w.release(); }
      for (const r of await Promise.all(calls)) expectOk(r);
    });
    for (const [choice, expected] of [['least_loaded', { inTurn: [0, 0, 3], atOnce: [1, 1, 1] }], ['first_match', { inTurn: [0, 0, 3], atOnce: [0, 0, 3] }], ['round_robin', { inTurn: [1, 1, 1], atOnce: [1, 1, 1] }],
      ['least_loaded', { inTurn: [0, 0, 3], atOnce: [1, 1, 1] }]]) {
      const r = expectOk(await set(model, choice));
      assert.deepEqual([r.json.name, r.json.choice], [model, choice]);
      assert.equal(expectOk(await daemon.get(poolPath(model))).json.choice, choice);
      assert.deepEqual(await inTurn(), expected.inTurn, `${choice}, one after another`);
      await quiet(daemon);
      assert.deepEqual(await atOnce(), expected.atOnce, `${choice}, at once`);
    }
    expectOk(await set(model, 'affinity'));
    await quiet(daemon);
    const sticky = await counted(async () => {
      for (const w of team) w.always = { hold: 'stream' };
      const calls = [];
      for (let i = 0; i < 6; i++) {
        calls.push(daemon.chat({ model }, { 'X-Signalbox-Session': i % 2 ? 'left' : 'right' }));
        await until(`${i + 1} are held`, () => sum(team.map((w) => w.requests.length)) === i + 1);
      }
      for (const w of team) { w.always = {}; w.release(); }
      for (const r of await Promise.all(calls)) expectOk(r);
    });
    assert.deepEqual(sticky, [0, 3, 3], 'each session where its first call went, though the third worker has nothing to do');
  });

  test('a pool by the name of a model with a slash', async () => {
    const worker = await crew.start({ model: 'org/model-7b' });
    for (const path of ['/api/v1/pools/org%2Fmodel-7b', '/api/v1/pools/org/model-7b']) assert.equal(expectOk(await daemon.get(path)).json.name, worker.model);
    assert.equal(expectOk(await daemon.put('/api/v1/pools/org/model-7b', { choice: 'first_match' })).json.choice, 'first_match');
  });

  test('what is refused', async () => {
    for (const choice of ['best', '', 'ROUND_ROBIN', 7, null, {}, undefined]) expectError(await set('pair', choice), 'invalid_request', { param: 'choice' }, JSON.stringify(choice));
    expectError(await daemon.put(poolPath('pair'), '{"choice":'), 'invalid_json');
    assert.equal((await daemon.get(poolPath('no-such-pool'))).status, 404);
    const wrong = await send(daemon.port, { method: 'DELETE', path: poolPath('pair') });
    expectError(wrong, 'method_not_allowed');
    for (const method of ['GET', 'PUT']) assert.match(wrong.headers.allow, new RegExp(method));
    assert.equal(expectOk(await daemon.get(poolPath('pair'))).json.choice, 'round_robin', 'nothing of that changed it');
  });
});

test('a choice in the configuration that is none is told at the start', async () => {
  const daemon = new Daemon({ config: { inference: { pools: { chat: { choice: 'best' } } } }, dir: tempDir(), port: await freePort() });
  daemon.writeConfig();
  const r = await run(['config', 'check', daemon.file]);
  assert.notEqual(r.code, 0, r.stdout);
  assert.match(r.stdout + r.stderr, /choice/);
  assert.match(r.stdout + r.stderr, /least_loaded/, 'it names those that are');
});
