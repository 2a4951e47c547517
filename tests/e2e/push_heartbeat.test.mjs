// Push workers by their heartbeats: what is heard, what is refused, which states are given work, what the lists show, and what a flood
// of invented workers does.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import http from 'node:http';
import { CODE, expectExit } from './support/cli.mjs';
import { run, startDaemon } from './support/daemon.mjs';
import { expectError, expectErrorObject, expectOk, ms, TIME } from './support/expect.mjs';
import { makeJob, readJob, expectJobText } from './support/job.mjs';
import { PushCrew, words } from './support/push_worker.mjs';
import { Crew } from './support/worker.mjs';
import { startUpstream, sentence } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const BEAT = '/v1/worker-heartbeat';
const LLM_FIELDS = ['name', 'kind', 'type', 'model', 'models', 'tier', 'pool', 'status', 'capacity', 'running', 'session', 'url', 'last_heartbeat_at', 'inactive_since'];
const WORKER_FIELDS = ['session', 'llms', 'bound', 'address', 'connected_at', 'last_heartbeat_at', 'capacity', 'in_flight', 'done', 'failed', 'state', 'kind'];
let daemon, up;
const crew = new PushCrew(() => daemon);
const bound = new Crew(() => daemon);

before(async () => {
  up = await startUpstream({ models: ['up-model'] });
  daemon = await startDaemon({
    config: {
      upstreams: [{ name: 'taken', type: 'openai', url: up.url, models: ['up-model'], capacity: 2 }],
      workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 2, inactive_retention_s: 600, allow_hosts: ['loopback', '10.1.2.3', 'gpu-box.lan'] },
    },
  });
});
after(async () => {
  await daemon?.stop();
  await up?.stop();
});
afterEach(async () => {
  await crew.end();
  await bound.end();
});

const beat = (body, headers = {}, on = daemon) => on.post(BEAT, body, headers);
/// A heartbeat of a worker that nobody has to answer for.
const made = (worker = {}, more = {}) => ({
  worker: { id: crew.name('made'), model_id: crew.name(), device: 'cuda:0', host: '127.0.0.1', port: 9, status: 'starting', implementation: 'none', version: '0', ...worker },
  timestamp: new Date().toISOString(), ...more,
});
const infer = (model, headers = {}) => daemon.post(`/api/v1/llms/${model}/infer`, { prompt: 'x' }, headers);
const llms = async () => (await daemon.json('/api/v1/llms')).llms;
const absent = async (model) => assert.ok(!(await llms()).some((l) => l.model === model), `no LLM came of ${model}`);

describe('a heartbeat', () => {
  test('is answered ok, and its LLM is there with all fields', async () => {
    const worker = crew.hire({ capacity: 3 });
    await worker.listen();
    const [r] = await worker.beat();
    expectOk(r);
    assert.deepEqual(Object.keys(r.json).sort(), ['message', 'status']);
    assert.equal(r.json.status, 'ok');
    assert.ok(typeof r.json.message === 'string' && r.json.message.length > 0, r.text);
    worker.keepBeating();
    const llm = await worker.active();
    assert.deepEqual(Object.keys(llm).filter((k) => LLM_FIELDS.includes(k)).sort(), [...LLM_FIELDS].sort());
    assert.deepEqual([llm.kind, llm.model, llm.capacity, llm.running, llm.inactive_since], ['worker', worker.model, 3, 0, null]);
    assert.match(llm.url, new RegExp(`^http://127\\.0\\.0\\.1:${worker.port}/?$`));
    assert.match(llm.last_heartbeat_at, TIME);
    await worker.llm('was heard of again', (l) => ms(l.last_heartbeat_at) > ms(llm.last_heartbeat_at));
    assert.deepEqual((await daemon.json(`/api/v1/llms/${llm.name}`)).url, llm.url);
    expectOk(await infer(llm.name));
    assert.equal(worker.requests.length, 1);
  });

  test('without host and capacity: the caller\'s address, and one at a time', async () => {
    const worker = await crew.start({ more: { host: undefined } });
    const llm = await worker.llm();
    assert.match(llm.url, new RegExp(`127\\.0\\.0\\.1:${worker.port}`));
    assert.equal(llm.capacity, 1);
    worker.always = { hold: 'stream' };
    const calls = [daemon.openChat({ model: worker.model }), daemon.openChat({ model: worker.model })];
    await worker.arrived(1);
    await until('the other one waits', async () => (await daemon.tasks(`&status=pending`)).some((t) => t.model === worker.model || t.pool === worker.model));
    assert.equal(worker.requests.length, 1);
    worker.always = {};
    worker.release();
    for (const c of calls) expectOk(await within('both are answered', c.done));
    assert.equal(worker.maxInFlight, 1);
  });

  test('every name of loopback, and a host of the list', async () => {
    for (const host of ['127.0.0.1', 'localhost', '127.0.0.2', '::1', '10.1.2.3', 'gpu-box.lan']) expectOk(await beat(made({ host })), host);
  });

  test('a model\'s id with a slash', async () => {
    const worker = await crew.start({ model: 'meta-llama/Llama-3-8b' });
    expectOk(await daemon.chat({ model: worker.model }));
    expectOk(await infer(worker.model));
    expectOk(await infer(encodeURIComponent(worker.model)));
    assert.equal(worker.requests.length, 3);
    assert.deepEqual(worker.strays, []);
  });

  test('what it says of itself changes with it: capacity, port', async () => {
    const worker = await crew.start({ capacity: 1 });
    worker.capacity = 5;
    await worker.beat();
    await worker.llm('has the new capacity', (l) => l.capacity === 5);
    const former = worker.port;
    await worker.refuse();
    worker.port = undefined;
    await worker.listen();
    assert.notEqual(worker.port, former);
    await worker.beat();
    await worker.active();
    assert.equal((await llms()).filter((l) => l.model === worker.model).length, 1, 'one LLM, not two');
    expectOk(await daemon.chat({ model: worker.model }, { 'X-Signalbox-Queue-Wait-S': '20' }));
    assert.equal(worker.requests.length, 1);
  });
});

describe('what is refused', () => {
  test('a member that is missing or wrong, with its name', async () => {
    const long = 'x'.repeat(129);
    const cases = [
      ...['id', 'model_id', 'device', 'port', 'status', 'implementation', 'version'].map((k) => [k, undefined]),
      ...['id', 'model_id'].flatMap((k) => ['', 'white space', 'a\u0000b', 'tab\there', long, 7, null, {}, []].map((v) => [k, v])),
      ...['device', 'implementation', 'version'].flatMap((k) => [7, {}, [], 'x'.repeat(100_000)].map((v) => [k, v])),
      ...[0, -1, 65_536, 1.5, '8080', null, {}, 1e30].map((v) => ['port', v]),
      ...['asleep', 'READY', '', 7, null, {}].map((v) => ['status', v]),
      ...[0, -1, 1.5, '4', {}, 1e30].map((v) => ['capacity', v]),
      ...[7, {}, []].map((v) => ['host', v]),
    ];
    for (const [name, value] of cases) {
      const body = made({ model_id: 'refused-model', [name]: value });
      expectError(await beat(body), 'invalid_request', { param: new RegExp(`(^|\\.)${name}$`) }, `${name}: ${JSON.stringify(value)?.slice(0, 60)}`);
    }
    await absent('refused-model');
  });

  test('a body without a worker, a timestamp that is none, no JSON', async () => {
    for (const worker of [undefined, null, 7, 'x', []]) expectError(await beat({ timestamp: new Date().toISOString(), worker }), 'invalid_request', { param: 'worker' }, JSON.stringify(worker));
    for (const timestamp of [undefined, {}, []]) expectError(await beat(made({}, { timestamp })), 'invalid_request', { param: 'timestamp' }, JSON.stringify(timestamp));
    for (const body of ['', '{"worker":', '[]', '"text"', 'null']) expectError(await beat(body), 'invalid_json', {}, body);
    expectError(await beat(made(), { 'Content-Type': 'text/plain' }), 'unsupported_media_type');
    const wrong = await daemon.get(BEAT);
    expectError(wrong, 'method_not_allowed');
    assert.match(wrong.headers.allow, /POST/);
  });

  test('a host that is not allowed: 403, and nobody is asked anything', async () => {
    const hosts = ['10.9.9.9', '192.168.0.1', '169.254.169.254', '8.8.8.8', 'example.com', 'localhost.example.com', '127.0.0.1.example.com', '10.1.2.3.example.com', '2001:db8::1', '::ffff:10.9.9.9'];
    for (const host of hosts) expectError(await beat(made({ host, model_id: 'foreign-model', status: 'ready' })), 'forbidden', {}, host);
    // No hosts at all, with something in them that a URL would take for another host or path.
    for (const host of ['127.0.0.1@10.9.9.9', '127.0.0.1/x', '127.0.0.1#', '127.0.0.1:80', 'local host', 'a\r\nb', 'http://127.0.0.1', '0.0.0.0', 'gpu-box.lan.', '']) {
      const r = await beat(made({ host, model_id: 'foreign-model', status: 'ready' }));
      expectError(r, r.status === 403 ? 'forbidden' : 'invalid_request', r.status === 403 ? {} : { param: /host$/ }, host);
    }
    await absent('foreign-model');
    expectError(await infer('foreign-model'), 'llm_not_found');
  });

  test('an upstream keeps its name', async () => {
    const worker = crew.hire({ id: 'taken' });
    await worker.listen();
    const [r] = await worker.beat();
    worker.keepBeating();
    if (r.status === 200) await worker.active();
    else { expectError(r, 'name_conflict'); await absent(worker.model); }
    const llm = await daemon.json('/api/v1/llms/taken');
    assert.deepEqual([llm.kind, llm.model], ['upstream', 'up-model']);
    const before_ = up.requests.length;
    expectOk(await daemon.chat({ model: 'taken' }));
    assert.deepEqual([up.requests.length - before_, worker.requests.length], [1, 0], 'its calls go where they went');
  });
});

describe('states', () => {
  test('starting: no work yet; ready: what waited is done', async () => {
    const worker = await crew.start({ status: 'starting' });
    const call = daemon.openChat({ model: worker.model }, { 'X-Signalbox-Queue-Wait-S': '30' });
    await until('the call waits', async () => (await daemon.tasks('&status=pending')).some((t) => t.model === worker.model || t.pool === worker.model));
    await worker.say('starting');
    assert.deepEqual([worker.requests.length, call.ended], [0, undefined]);
    await worker.say('ready');
    assert.equal(expectOk(await within('it is served', call.done)).json.choices[0].message.content, sentence(4));
  });

  test('busy: present, so that a fail-fast call waits for it; ready: it is done', async () => {
    const worker = await crew.start({ capacity: 4 });
    await worker.say('busy');
    const call = daemon.open({ path: `/api/v1/llms/${worker.model}/infer`, body: { prompt: 'x' }, headers: { 'X-Signalbox-Queue-Wait-S': '30' } });
    await until('the call waits', async () => (await daemon.tasks('&status=pending')).some((t) => t.model === worker.model || t.pool === worker.model));
    await worker.say('busy');
    assert.deepEqual([worker.requests.length, call.ended], [0, undefined]);
    await worker.say('ready');
    expectOk(await within('it is served', call.done));
  });

  test('stopped: gone from dispatch at once, what it has it may end; ready: back at once', async () => {
    const worker = await crew.start({ capacity: 2 });
    worker.next({ hold: 'stream' });
    const running = daemon.openChat({ model: worker.model });
    const [record] = await worker.arrived(1);
    await until('it streams', () => record.streams === 1);
    await worker.say('stopped');
    expectError(await infer(worker.model), 'no_backend');
    assert.equal((await worker.llm()).status, 'inactive');
    assert.equal(worker.requests.length, 1);
    worker.release();
    expectOk(await within('the running one ends', running.done));
    await worker.say('ready');
    expectOk(await infer(worker.model));
  });

  test('silent for heartbeat_timeout_s: no work; heard of again: work', async () => {
    const worker = await crew.start();
    worker.silence();
    const stale = await worker.inactive();
    assert.match(stale.inactive_since, TIME);
    expectError(await infer(worker.model), 'no_backend');
    const patient = daemon.openChat({ model: worker.model }, { 'X-Signalbox-Queue-Wait-S': '30' });
    await until('a call that may wait waits', async () => (await daemon.tasks('&status=pending')).some((t) => t.model === worker.model || t.pool === worker.model));
    assert.equal(worker.requests.length, 0, 'it was asked nothing though its port is open');
    await worker.beat();
    worker.keepBeating();
    expectOk(await within('what waited is served', patient.done));
    assert.equal((await worker.active()).inactive_since, null);
    expectOk(await infer(worker.model));
  });

  test('flapping: calls of all that time are answered, and it is in use in the end', { timeout: 120_000 }, async () => {
    const worker = await crew.start({ capacity: 2, tokenDelayMs: 3 });
    const calls = [];
    for (let i = 0; i < 150; i++) {
      worker.status = ['ready', 'busy', 'stopped', 'starting'][i % 4];
      for (const r of await worker.beat()) expectOk(r);
      if (i % 5 === 0) calls.push(daemon.openChat({ model: worker.model }, { 'X-Signalbox-Queue-Wait-S': '60' }));
    }
    await worker.say('ready');
    for (const c of calls) expectOk(await within('the call is answered', c.done, 60_000));
    assert.ok(worker.maxInFlight <= 2, `${worker.maxInFlight} at once`);
    expectOk(await infer(worker.model));
    assert.equal((await llms()).filter((l) => l.model === worker.model).length, 1);
  });
});

describe('models and workers', () => {
  test('two models by one worker', async () => {
    const models = [crew.name(), crew.name()];
    const worker = await crew.start({ models });
    for (const [i, model] of models.entries()) {
      await worker.llm('is active', (l) => l.status === 'active', model);
      expectOk(await daemon.chat({ model }), model);
      assert.equal(worker.requests.length, i + 1);
    }
    const names = (await llms()).filter((l) => models.includes(l.model)).map((l) => l.name);
    assert.equal(new Set(names).size, 2, `each has a name of its own: ${names}`);
  });

  test('two workers of one model: both work, either may go', async () => {
    const [a, b] = await crew.team(2);
    const names = [(await a.llm()).name, (await b.llm()).name];
    assert.notEqual(names[0], names[1]);
    for (const w of [a, b]) w.always = { hold: 'stream' };
    const calls = [daemon.openChat({ model: a.model }), daemon.openChat({ model: a.model })];
    await Promise.all([a.arrived(1), b.arrived(1)]);
    for (const w of [a, b]) { w.always = {}; w.release(); }
    for (const c of calls) expectOk(await c.done);
    await a.say('stopped');
    for (let i = 0; i < 3; i++) expectOk(await infer(a.model));
    assert.deepEqual([a.requests.length, b.requests.length], [1, 4]);
  });
});

test('the lists: llms, models, workers, status and the command, bound and push alike', async () => {
  const push = await crew.start({ capacity: 2 });
  const other = await bound.start();
  const silent = await crew.start();
  silent.silence();
  await silent.inactive();
  const models = (await daemon.json('/v1/models')).data.map((m) => m.id);
  for (const id of [push.model, other.llms[0].name, 'up-model']) assert.ok(models.includes(id) || (id === 'up-model' && models.includes('taken')), `${id} in ${models}`);
  assert.ok(expectOk(await daemon.get(`/v1/models/${push.model}`)).json.id);

  push.next({ hold: 'stream' });
  const call = daemon.openChat({ model: push.model });
  const [record] = await push.arrived(1);
  let row;
  await until('the worker\'s row shows the call in flight', async () => {
    const { workers } = await daemon.json('/api/v1/workers');
    assert.ok(workers.some((w) => w.session === other.session), 'the bound one is there');
    row = workers.find((w) => w.session === push.id || w.id === push.id);
    return row?.in_flight === 1;
  }, { seen: () => row });
  for (const field of WORKER_FIELDS) assert.ok(field in row, `${field} is there: ${JSON.stringify(row)}`);
  assert.equal(row.capacity, 2);
  assert.ok(JSON.stringify(row.llms).includes((await push.llm()).name), JSON.stringify(row));
  assert.match(row.address, /127\.0\.0\.1/);
  assert.match(row.last_heartbeat_at, TIME);
  record.release();
  expectOk(await call.done);
  const rowsWhen = (what, test_) => until(what, async () => {
    const { workers } = await daemon.json('/api/v1/workers');
    row = workers.find((w) => w.session === push.id || w.id === push.id);
    return test_(row, workers);
  }, { seen: () => row });
  await rowsWhen('the call is counted', (w) => w.in_flight === 0 && w.done === 1 && w.failed === 0);
  await rowsWhen('the silent one is told from the live one', (w, all) => all.find((x) => x.session === silent.id || x.id === silent.id)?.state !== w.state);

  const status = expectOk(await daemon.post('/v1/jobs', { operation: 'status' })).json;
  assert.ok(Array.isArray(status.workers), JSON.stringify(status));
  for (const id of [push.id, other.session]) assert.ok(status.workers.some((w) => w.session === id || w.id === id), `${id} in ${JSON.stringify(status)}`);
  const state = await daemon.json('/broker/state');
  assert.ok(JSON.stringify(state.workers).includes(push.id) && state.llms.some((l) => l.model === push.model));

  const cli = (args) => run(args, { env: { SIGNALBOX_URL: daemon.base } });
  const table = expectExit(await cli(['get', 'workers']), CODE.ok).stdout;
  for (const id of [push.id, other.session]) assert.match(table, new RegExp(`^${id} `, 'm'), table);
  const asJson = JSON.parse(expectExit(await cli(['get', 'workers', '-o', 'json']), CODE.ok).stdout);
  assert.ok(JSON.stringify(asJson).includes(push.id));
  assert.ok(expectExit(await cli(['describe', 'worker', push.id]), CODE.ok).stdout.includes((await push.llm()).name));
});

test('with keys, a heartbeat needs workers:create', async () => {
  const secret = { rack: crypto.randomBytes(16).toString('hex'), app: crypto.randomBytes(16).toString('hex') };
  const key = (id, grants) => ({ id, owner: id, sha256: crypto.createHash('sha256').update(secret[id]).digest('hex'), ...(grants ? { grants } : {}) });
  const own = await startDaemon({ config: { auth: { mode: 'keys', keys: [key('rack', ['workers:create']), key('app')] } } });
  try {
    expectError(await beat(made(), {}, own), 'unauthorized');
    expectError(await beat(made(), { Authorization: `Bearer ${secret.app}` }, own), 'forbidden');
    expectOk(await beat(made(), { Authorization: `Bearer ${secret.rack}` }, own));
  } finally {
    await own.stop();
  }
});

test('ten thousand invented workers', { timeout: 240_000 }, async (t) => {
  const own = await startDaemon({ config: { workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 60 }, echo: { token_delay_ms: 0 } } });
  const honest = new PushCrew(() => own);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const ask = (body) => new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const request = http.request({ host: '127.0.0.1', port: own.port, method: 'POST', path: BEAT, agent, headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) } }, (res) => {
      let answer = '';
      res.setEncoding('utf8');
      res.on('data', (piece) => { answer += piece; });
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, text: answer, json: JSON.parse(answer) }));
    });
    request.on('error', reject);
    request.end(text);
  });
  try {
    const worker = await honest.start();
    expectOk(await own.chat({ model: worker.model }));
    expectOk(await own.chat({ model: 'echo', max_tokens: 1 }));
    const before_ = own.rssMib();
    const statuses = {};
    let next = 0;
    const one = async () => {
      while (next < 10_000) {
        const i = next++;
        const r = await ask(made({ id: `invented-${i}`, model_id: i % 2 ? 'flood' : `flood-${i}`, status: 'ready' }));
        statuses[r.status] = (statuses[r.status] ?? 0) + 1;
        if (r.status !== 200) expectErrorObject(r.json.error, r.json.error.code, {}, r.text);
      }
    };
    await Promise.all(Array.from({ length: 8 }, one));
    const grown = own.rssMib() - before_;
    t.diagnostic(`answers ${JSON.stringify(statuses)}; ${grown.toFixed(1)} MiB more; ${(await own.json('/api/v1/llms')).llms.length} LLMs kept`);
    assert.ok(own.alive);
    assert.ok(Object.keys(statuses).every((s) => s === '200' || (+s >= 400 && +s < 600 && s !== '500')), JSON.stringify(statuses));
    if (!/asan|tsan/.test(own.bin)) assert.ok(grown < 50, `memory grew by ${grown} MiB`);
    assert.ok((await own.json('/api/v1/llms')).llms.length < 10_000, 'a bound holds, not all of them are kept');
    for (const r of await worker.beat()) expectOk(r, 'one that was there before is heard of still');
    expectOk(await own.chat({ model: worker.model }, {}, 60_000), 'and is given work');
    expectJobText(await readJob(own, await makeJob(own, { model: worker.model })), words().join(''));
    expectOk(await own.chat({ model: 'echo', max_tokens: 1 }));
  } finally {
    agent.destroy();
    await honest.end();
    await own.stop();
  }
});
