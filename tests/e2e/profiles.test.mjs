// Profiles while calls run: their slots, bounds and policy changed live, made on first use, reread from the file. Slots are held open by a
// backend that answers only when the test lets go.
import { before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { admissionBench } from './support/admission_bench.mjs';
import { expectError, expectOk, ms } from './support/expect.mjs';
import { until, within } from './support/wait.mjs';

describe('profiles', { timeout: 150_000 }, () => {
  let up, other, daemon;
  const bench = admissionBench({
    'local:tight': { max_concurrent: 1, max_queued: 2, default_queue_wait_s: 0.4, default_inference_s: 0.6 },
    'local:reload': { max_concurrent: 1 },
  });
  const { makeProfile, into, occupy, waiting } = bench;
  before(() => { ({ up, other, daemon } = bench); });

  test('raising max_concurrent admits waiters at once', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    up.always = { hold: true };
    const calls = Array.from({ length: 5 }, () => into(profile));
    await waiting(profile, 4);
    assert.equal(up.inFlight, 1);
    const r = expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { max_concurrent: 4 }));
    assert.deepEqual([r.json.name, r.json.max_concurrent], [profile, 4]);
    await until('three more run', () => up.inFlight === 4);
    const p = await waiting(profile, 1);
    assert.equal(p.in_flight, 4);
    up.always = {};
    up.release();
    for (const c of calls) expectOk(await within('served', c.done));
  });

  test('lowering max_concurrent drains: nobody is cut, nobody new until there is room', async () => {
    const profile = await makeProfile({ max_concurrent: 3 });
    up.always = { hold: true };
    const calls = Array.from({ length: 5 }, () => into(profile));
    await until('three run', () => up.inFlight === 3);
    await waiting(profile, 2);
    expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { max_concurrent: 1 }));
    for (const left of [2, 1]) {
      up.requests[2 - left].release();
      await daemon.profileWhen(profile, `${left} in flight`, (p) => p.in_flight === left);
      assert.equal(up.requests.length, 3, `nobody new while ${left} of the old run`);
    }
    up.requests[2].release();
    await up.arrived(4);
    assert.equal((await daemon.profile(profile)).in_flight, 1);
    up.always = {};
    up.release();
    for (const c of calls) expectOk(await within('served', c.done));
    assert.equal(up.requests.slice(3).length, 2);
  });

  test('max_concurrent 0 pauses admission; what runs goes on, what waits stays', async () => {
    const profile = await makeProfile({ max_concurrent: 2 });
    const { call: running, record } = await occupy(profile);
    assert.equal(expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { max_concurrent: 0 })).json.max_concurrent, 0);
    const held = into(profile);
    const impatient = into(profile, { 'X-Signalbox-Queue-Wait-S': '0.3' });
    await waiting(profile, 2);
    record.release();
    expectOk(await within('the running one ends well', running.done));
    expectError(await within('budget', impatient.done), 'queue_wait_timeout', { queue_wait_s: 0.3 });
    assert.equal(up.requests.length, 1, 'nobody is admitted');
    expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { max_concurrent: 1 }));
    expectOk(await within('admission goes on', held.done));
  });

  test('a policy changed live reorders those who wait', async () => {
    const profile = await makeProfile({ max_concurrent: 1, policy: 'strict' });
    const { call: first, record } = await occupy(profile);
    const ended = [];
    const calls = [];
    for (const max_tokens of [300, 100, 200]) {
      calls.push(into(profile, {}, { max_tokens }).done.then((r) => { expectOk(r); ended.push(max_tokens); }));
      await waiting(profile, calls.length);
    }
    const r = expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { policy: 'sjf', sjf: { max_bypass_s: 600 } }));
    assert.deepEqual([r.json.policy, r.json.sjf.max_bypass_s], ['sjf', 600]);
    record.release();
    expectOk(await within('the first', first.done));
    await within('all', Promise.all(calls));
    assert.deepEqual(ended, [100, 200, 300]);
  });

  test('a reserved slot is for interactive calls', async () => {
    const profile = await makeProfile({ max_concurrent: 2, reserve_interactive: 1 });
    const { call: first, record } = await occupy(profile);
    const second = into(profile);
    await waiting(profile, 1);
    const urgent = expectOk(await within('interactive', into(profile, { 'X-Signalbox-Priority': 'interactive' }).done));
    assert.ok(+urgent.headers['x-signalbox-queue-wait-ms'] < 1000);
    await waiting(profile, 1);
    record.release();
    expectOk(await within('first', first.done));
    expectOk(await within('second', second.done));
  });

  test('max_queued can be changed live', async () => {
    const profile = await makeProfile({ max_concurrent: 1, max_queued: 1 });
    const { record } = await occupy(profile);
    const calls = [into(profile)];
    await waiting(profile, 1);
    expectError(await into(profile).done, 'queue_full', { max_queued: 1 });
    expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { max_queued: 2 }));
    calls.push(into(profile));
    await waiting(profile, 2);
    expectError(await into(profile).done, 'queue_full', { max_queued: 2 });
    record.release();
    for (const c of calls) expectOk(await within('served', c.done));
  });

  test('a profile registers itself on first use, with the defaults', async () => {
    expectOk(await into('seen:first-time').done);
    const p = await daemon.profile('seen:first-time');
    const expected = { name: 'seen:first-time', max_queued: 32, default_queue_wait_s: 20, default_inference_s: 120, policy: 'strict', in_flight: 0, waiting: { interactive: 0, workflow: 0, background: 0 }, admitted_total: 1, rejected_total: 0, auto_registered: true };
    for (const [k, v] of Object.entries(expected)) assert.deepEqual(p[k], v, `${k}; ${JSON.stringify(p)}`);
    assert.ok('estimated_wait_s' in p);
    const configured = await daemon.profile('local:tight');
    assert.equal(configured.auto_registered, false);
    assert.deepEqual([configured.max_concurrent, configured.max_queued, configured.default_queue_wait_s, configured.default_inference_s], [1, 2, 0.4, 0.6]);
    const names = (await daemon.json('/api/v1/profiles')).profiles.map((x) => x.name);
    for (const name of ['seen:first-time', 'local:tight', 'local:reload']) assert.ok(names.includes(name), `${name} in ${names}`);
  });

  test('effective slots: the capacities of the executors when nothing else is configured', async () => {
    expectOk(await daemon.chat({ model: 'other-model' }));
    assert.equal((await daemon.profile('openai_compat:other-model')).max_concurrent, 3);
    other.always = { hold: true };
    const calls = Array.from({ length: 5 }, () => daemon.openChat({ model: 'other-model' }));
    await daemon.profileWhen('openai_compat:other-model', 'three run, two wait', (p) => p.in_flight === 3 && p.waiting.workflow === 2);
    assert.equal(other.inFlight, 3);
    other.always = {};
    other.release();
    for (const c of calls) expectOk(await within('served', c.done));
    assert.equal(other.maxInFlight, 3);
  });

  test('an executor\'s own capacity holds across profiles', async () => {
    other.always = { hold: true };
    const profiles = await Promise.all(Array.from({ length: 3 }, () => makeProfile({ max_concurrent: 10 })));
    const calls = profiles.flatMap((p) => [0, 1].map(() => daemon.openChat({ model: 'other-model' }, { 'X-Signalbox-Profile': p })));
    await until('three run', () => other.inFlight === 3);
    await daemon.get('/livez');
    assert.equal(other.inFlight, 3, 'the LLM has room for three, whatever the profiles allow');
    other.always = {};
    other.release();
    for (const c of calls) expectOk(await within('served', c.done));
    assert.equal(other.maxInFlight, 3);
  });

  test('X-Signalbox-Profile puts calls for two models into one profile', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    const { record } = await occupy(profile);
    const second = daemon.openChat({ model: 'other-model' }, { 'X-Signalbox-Profile': profile });
    const embedding = daemon.open({ path: '/v1/embeddings', body: { model: 'other-model', input: 'x' }, headers: { 'X-Signalbox-Profile': profile } });
    const p = await waiting(profile, 2);
    assert.deepEqual(p.waiting, { interactive: 0, workflow: 1, background: 1 });
    assert.equal(other.requests.length, 0);
    const independent = expectOk(await daemon.chat({ model: 'other-model' }));
    assert.equal(independent.headers['x-signalbox-profile'], 'openai_compat:other-model', 'its own profile is not in the way');
    record.release();
    for (const c of [second, embedding]) assert.equal(expectOk(await within('served', c.done)).headers['x-signalbox-profile'], profile);
  });

  test('profiles are independent: a full one does not slow another', async () => {
    const [full, free] = [await makeProfile({ max_concurrent: 1 }), await makeProfile({ max_concurrent: 1 })];
    const { record } = await occupy(full);
    const stuck = into(full);
    await waiting(full, 1);
    const r = expectOk(await into(free).done);
    assert.ok(r.tookMs < 2000, `${r.tookMs} ms`);
    record.release();
    expectOk(await stuck.done);
  });

  test('SIGHUP puts a changed file in force; a bad one changes nothing', async () => {
    const profile = 'local:reload';
    up.always = { hold: true };
    const calls = Array.from({ length: 3 }, () => into(profile));
    await waiting(profile, 2);
    const raised = structuredClone(bench.config);
    raised.inference.profiles[profile].max_concurrent = 2;
    daemon.writeConfig(raised);
    daemon.signal('SIGHUP');
    await until('a second one runs', () => up.inFlight === 2);
    assert.equal((await daemon.profile(profile)).max_concurrent, 2);
    fs.writeFileSync(daemon.file, `${fs.readFileSync(daemon.file, 'utf8')}no_such_section: {x: 1}\n`);
    const logged = daemon.logs.length + daemon.output.length;
    daemon.signal('SIGHUP');
    await until('the bad file is told', () => daemon.logs.length + daemon.output.length > logged);
    assert.equal((await daemon.profile(profile)).max_concurrent, 2);
    assert.ok(daemon.alive);
    up.always = {};
    up.release();
    for (const c of calls) expectOk(await within('served', c.done));
  });
});
