// `kill -9` under load, and the same store again: every acknowledged task is there; what was claimed or running is pending again with
// its attempt counted and then runs; what was finished is unchanged byte for byte; a repeated Idempotency-Key gets the same task.
//
// A call counts as acknowledged once the backend has seen it or the task list has shown it, whichever is first.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Daemon, freePort, run, startDaemon } from './support/daemon.mjs';
import { expectError, expectOk, expectRetryAfter } from './support/expect.mjs';
import { isDone, spoken } from './support/http.mjs';
import { tempDir } from './support/temp.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const TERMINAL = ['completed', 'error', 'cancelled'];
const tagOf = (record) => record.body?.messages?.[0]?.content;
const textOf = (row) => (typeof row.response_body === 'string' ? row.response_body : JSON.stringify(row.response_body));
const upstreams = (up, capacity) => [{ name: 'm', type: 'openai', url: up.url, models: ['m'], capacity }];

describe('kill -9 under load, several rounds', { timeout: 150_000 }, () => {
  const CALLS = 16, SLOTS = 4;
  const KILL_AT = [6, 11, 4, 8, 12];          // calls of the round at the backend when the daemon is killed
  let up, daemon, tag = 0;
  const sent = new Map();            // tag -> {key, stream, task, answer}
  before(async () => {
    up = await startUpstream({ models: ['m'], tokens: 8, tokenDelayMs: 25 });
    daemon = await startDaemon({ config: { upstreams: upstreams(up, SLOTS), tasks: { max_attempts: 20 }, inference: { profiles: { 'openai_compat:m': { max_queued: 500, default_queue_wait_s: 300 } } } } });
  });
  after(async () => {
    await daemon?.stop();
    await up?.stop();
  });

  const bodyOf = (name, stream) => ({ model: 'm', messages: [{ role: 'user', content: name }], ...(stream ? { stream } : {}) });
  const begin = (withKey, stream) => {
    const name = `call ${++tag}`;
    const call = { name, stream, key: withKey ? crypto.randomUUID() : undefined };
    call.open = daemon.openChat(bodyOf(name, stream), call.key ? { 'Idempotency-Key': call.key } : {});
    call.open.head.then((h) => { call.task = h.headers['x-signalbox-task']; });
    call.open.done.then((r) => { call.result = r; });
    sent.set(name, call);
    return call;
  };
  const nameOf = (row) => {
    const body = typeof row.request_body === 'string' ? JSON.parse(row.request_body) : row.request_body;
    return body.messages[0].content;
  };

  for (const [round, goal] of KILL_AT.entries()) {
    test(`round ${round + 1}`, async (t) => {
      if (!daemon.alive) await daemon.start();          // an earlier round failed half-way
      const started = Array.from({ length: CALLS }, (_, i) => begin(i % 4 !== 3, i % 2 === 0));
      await until(`${goal} of this round reached the backend and one is done`, () => up.requests.filter((r) => started.some((c) => c.name === tagOf(r))).length >= goal
        && started.some((c) => c.result?.status === 200), { within: 30_000 });
      const before_ = await daemon.tasks('&include=bodies');
      const reached = new Set(up.requests.map(tagOf));
      await daemon.kill();
      const listed = new Map(before_.map((row) => [nameOf(row), row]));
      const done = before_.filter((row) => row.status === 'completed');
      assert.ok(done.length > 0 && before_.some((row) => !TERMINAL.includes(row.status)), `some done, some not: ${before_.map((r) => r.status)}`);
      const arrivalsBefore = new Map();
      for (const r of up.requests) arrivalsBefore.set(tagOf(r), (arrivalsBefore.get(tagOf(r)) ?? 0) + 1);

      await daemon.start();
      const now = new Map((await daemon.tasks('&include=bodies')).map((row) => [nameOf(row), row]));
      const acknowledged = new Set([...listed.keys(), ...reached]);
      for (const name of acknowledged) assert.ok(now.has(name), `${name} was acknowledged and is gone after the restart`);
      for (const [name, row] of listed) assert.equal(now.get(name).id, row.id, `${name} keeps its id`);
      for (const row of done) {
        const again = now.get(nameOf(row));
        assert.deepEqual(again, row, `finished ${nameOf(row)} is unchanged`);
        assert.equal(textOf(again), textOf(row));
      }

      const ended = await until('every task has run', async () => {
        const rows = await daemon.tasks('&include=bodies');
        return rows.every((row) => TERMINAL.includes(row.status)) ? rows : undefined;
      }, { within: 60_000, every: 100, seen: async () => (await daemon.tasks()).map((row) => `${row.status} ${row.attempts}`) });
      assert.equal(new Set(ended.map((row) => row.id)).size, ended.length);
      for (const row of ended) {
        const name = nameOf(row);
        if (row.status === 'cancelled') {            // its caller was seen to leave before the end; only possible without a key
          assert.equal(sent.get(name).key, undefined, `${name} has a key and was cancelled`);
          continue;
        }
        assert.equal(row.status, 'completed', JSON.stringify(row));
        const body = typeof row.response_body === 'string' ? JSON.parse(row.response_body) : row.response_body;
        assert.equal(body.choices[0].message.content, sentence(8), `${name}: the whole answer`);
        const arrivals = up.requests.filter((r) => tagOf(r) === name).length;
        assert.ok(row.attempts >= 1 && row.attempts <= arrivals, `${name}: ${row.attempts} attempts, the backend saw ${arrivals}`);
        const was = listed.get(name);
        if (was?.status === 'completed') assert.equal(arrivals, arrivalsBefore.get(name), `${name} was finished and not run again`);
        if (was?.status === 'running') assert.ok(row.attempts >= was.attempts, `${name}: attempts never go down`);
      }
      assert.ok(ended.some((row) => row.attempts >= 2), 'someone was running when the daemon was killed, and its attempt is counted');

      const seen = up.requests.length;
      for (const call of started.filter((c) => c.key)) {
        const r = expectOk(await daemon.chat(bodyOf(call.name, call.stream), { 'Idempotency-Key': call.key }), call.name);
        const row = ended.find((x) => nameOf(x) === call.name);
        if (row) assert.equal(r.headers['x-signalbox-task'], row.id, `${call.name}: the key finds the same task`);
        if (call.task) assert.equal(r.headers['x-signalbox-task'], call.task, `${call.name}: and it is the one the first caller was told`);
        if (call.stream) {
          assert.equal(spoken(r.text), sentence(8));
          assert.ok(isDone(r.text));
        } else {
          assert.equal(r.json.choices[0].message.content, sentence(8));
          if (call.result?.status === 200 && call.result.ended === 'clean') assert.equal(r.text, call.result.text, `${call.name}: the same bytes as before the kill`);
        }
      }
      const again = up.requests.slice(seen).map(tagOf);
      assert.deepEqual(again.filter((name) => acknowledged.has(name)), [], 'no acknowledged task is run a second time for its key');
      t.diagnostic(`${acknowledged.size} acknowledged, ${done.length} done at the kill, attempts ${ended.map((r) => r.attempts).join('')}`);
      await daemon.idle();
    });
  }

  test('the order of those who waited is kept over a restart', async () => {
    if (!daemon.alive) await daemon.start();
    expectOk(await daemon.put('/api/v1/profiles/in-line', { max_concurrent: 1, max_queued: 50, default_queue_wait_s: 300 }));
    up.always = { hold: true };
    const seen = up.requests.length;
    const names = [];
    for (const priority of ['workflow', 'background', 'workflow', 'interactive', 'background', 'interactive', 'workflow']) {
      const name = `line ${priority} ${names.length}`;
      names.push(name);
      daemon.openChat(bodyOf(name, false), { 'Idempotency-Key': crypto.randomUUID(), 'X-Signalbox-Profile': 'in-line', 'X-Signalbox-Priority': priority });
      await daemon.profileWhen('in-line', `${names.length} there`, (p) => p.in_flight + p.waiting.interactive + p.waiting.workflow + p.waiting.background === names.length);
    }
    await daemon.kill();
    await until('the first was at the backend', () => up.requests.length === seen + 1);
    up.always = { tokens: 1 };
    up.release();
    await daemon.start();
    assert.equal((await daemon.profile('in-line')).max_concurrent, 1, 'a profile made by API survives');
    await up.arrived(7, (r) => up.requests.indexOf(r) > seen, { within: 20_000 });
    const order = up.requests.slice(seen + 1).map(tagOf);
    const expected = ['interactive', 'workflow', 'background'].flatMap((c) => names.filter((x) => x.includes(c)));
    assert.deepEqual(order, expected, 'by class, and in the old order inside each');
    await daemon.idle();
  });
});

describe('attempts and kills', { timeout: 60_000 }, () => {
  test('running, killed, run again: attempts 2; killed at the limit: worker_lost', async () => {
    const up = await startUpstream({ models: ['m'] });
    const daemon = await startDaemon({ config: { upstreams: upstreams(up, 4), tasks: { max_attempts: 2 } } });
    try {
      up.always = { tokens: 6, stallAfter: 2 };
      const keys = [crypto.randomUUID(), crypto.randomUUID()];
      const body = { model: 'm', stream: true };
      const calls = keys.map((k) => daemon.openChat(body, { 'Idempotency-Key': k }));
      const ids = (await Promise.all(calls.map((c) => c.head))).map((h) => h.headers['x-signalbox-task']);
      for (const id of ids) await daemon.taskWhen(id, 'running', (r) => r.status === 'running' && r.attempts === 1);
      await until('both have two words', () => calls.every((c) => spoken(c.text) === sentence(2)));
      await daemon.kill();
      for (const c of calls) assert.equal((await within('the caller sees the break', c.done)).ended, 'cut', 'a stream whose daemon died does not end politely');
      up.always = (record) => (up.requests.filter((r) => r.attempt2).length === 0 ? ((record.attempt2 = true), { tokens: 6 }) : { tokens: 6, stallAfter: 2 });
      await daemon.start();
      await up.arrived(4);
      const lucky = await until('one of them ends', async () => {
        const rows = await Promise.all(ids.map((id) => daemon.task(id)));
        return rows.find((r) => r.status === 'completed');
      });
      assert.equal(lucky.attempts, 2);
      const other = ids.find((id) => id !== lucky.id);
      await daemon.taskWhen(other, 'running its second attempt', (r) => r.status === 'running' && r.attempts === 2);
      const whole = (await daemon.get(`/api/v1/inference-tasks/${lucky.id}`)).text;
      await daemon.restart();
      const lost = await daemon.taskWhen(other, 'given up', (r) => r.status === 'error');
      assert.equal(lost.error.code, 'worker_lost', JSON.stringify(lost));
      assert.equal(lost.attempts, 2);
      assert.equal(up.requests.length, 4, 'it is not sent a third time');
      assert.equal((await daemon.get(`/api/v1/inference-tasks/${lucky.id}`)).text, whole, 'the finished one: the same bytes');
      const r = await daemon.openChat(body, { 'Idempotency-Key': keys[ids.indexOf(other)] }).done;
      if (r.status === 200) assert.match(r.text, /worker_lost/);
      else expectError(r, 'worker_lost');
    } finally {
      up.release();
      await daemon.stop();
      await up.stop();
    }
  });
});

describe('ends and starts in good order', { timeout: 90_000 }, () => {
  let up;
  before(async () => { up = await startUpstream({ models: ['m'] }); });
  after(() => up?.stop());

  test('SIGTERM: exit code 0, nothing lost, and the key finds its answer after the next start', async () => {
    await up.reset();
    const daemon = await startDaemon({ config: { upstreams: upstreams(up, 2) } });
    try {
      const headers = { 'Idempotency-Key': crypto.randomUUID() };
      const first = expectOk(await daemon.chat({ model: 'm' }, headers));
      up.next({ tokens: 20, tokenDelayMs: 20 });
      const running = { 'Idempotency-Key': crypto.randomUUID() };
      const call = daemon.openChat({ model: 'm', stream: true }, running);
      await call.firstByte;
      const exit = await daemon.stop();
      assert.deepEqual([exit.code, exit.signal], [0, null], `${JSON.stringify(exit)} ${daemon.logs.slice(-500)}`);
      const cut = await within('the caller is told', call.done);
      await daemon.start();
      const again = expectOk(await daemon.chat({ model: 'm' }, headers));
      assert.equal(again.text, first.text);
      const resumed = expectOk(await daemon.chat({ model: 'm', stream: true }, running, 30_000));
      assert.equal(resumed.headers['x-signalbox-task'], cut.headers['x-signalbox-task']);
      assert.ok(spoken(resumed.text).length > 0 && isDone(resumed.text), resumed.text);
    } finally {
      await daemon.stop();
    }
  });

  test('draining: what runs comes to its end, new calls are refused with Retry-After, /readyz says no', async () => {
    await up.reset();
    const daemon = await startDaemon({ config: { upstreams: upstreams(up, 2) } });
    try {
      up.next({ tokens: 6, stallAfter: 3 });
      const call = daemon.openChat({ model: 'm', stream: true });
      await until('three words are here', () => spoken(call.text) === sentence(3));
      daemon.signal('SIGTERM');
      await until('/readyz answers 503', async () => (await daemon.get('/readyz')).status === 503, { within: 2000 });
      const refused = await daemon.chat({ model: 'm' });
      expectError(refused, 'draining');
      expectRetryAfter(refused);
      up.release();
      const r = await within('the running stream ends', call.done);
      assert.equal(spoken(r.text), sentence(6));
      assert.ok(isDone(r.text));
      assert.deepEqual(await within('the daemon ends', daemon.exited, 15_000), { code: 0, signal: null });
    } finally {
      up.release();
      await daemon.stop();
    }
  });

  test('a second daemon on the same store is refused, and the first goes on', async () => {
    const daemon = await startDaemon({ config: { upstreams: upstreams(up, 2) } });
    try {
      const second = new Daemon({ config: { store: { path: daemon.store }, upstreams: [] }, dir: tempDir(), port: await freePort() });
      second.writeConfig();
      const r = await run(['serve', '--config', second.file], { cwd: second.dir, ms: 10_000 });
      assert.equal(r.late, false, 'it went on running');
      assert.ok(r.code > 0, `exit code ${r.code}`);
      assert.match(r.stderr, /store|lock|use/i, `stderr says why: ${r.stderr}`);
      expectOk(await daemon.chat({ model: 'm' }));
    } finally {
      await daemon.stop();
    }
  });

  test('a second daemon on the same port is refused', async () => {
    const daemon = await startDaemon({ config: {} });
    try {
      const second = new Daemon({ config: {}, dir: tempDir(), port: daemon.port });
      second.writeConfig();
      const r = await run(['serve', '--config', second.file], { cwd: second.dir, ms: 10_000 });
      assert.equal(r.late, false, 'it went on running beside the first');
      assert.ok(r.code > 0, `exit code ${r.code}`);
      assert.match(r.stderr, new RegExp(`${daemon.port}|in use`), `stderr says why: ${r.stderr}`);
      expectOk(await daemon.get('/readyz'));
    } finally {
      await daemon.stop();
    }
  });

  test('a store that is none is refused with a clear word and left as it is', async () => {
    const daemon = await startDaemon({ config: {} });
    expectOk(await daemon.chat({ model: 'echo', max_tokens: 1 }));
    await daemon.stop();
    const files = fs.readdirSync(daemon.store, { recursive: true }).filter((f) => f.endsWith('data.mdb'));
    assert.equal(files.length, 1, `one LMDB file in ${fs.readdirSync(daemon.store, { recursive: true })}`);
    const data = path.join(daemon.store, files[0]);
    const good = fs.readFileSync(data);
    const garbage = Buffer.alloc(good.length, 'garbage ');
    const cases = [['overwritten', garbage], ['cut short', good.subarray(0, 100)]];
    for (const [name, bytes] of cases) {
      fs.writeFileSync(data, bytes);
      const r = await run(['serve', '--config', daemon.file], { cwd: daemon.dir, ms: 10_000 });
      assert.equal(r.late, false, `${name}: it started on a broken store`);
      assert.ok(r.code > 0 && r.signal === null, `${name}: exit code ${r.code}, signal ${r.signal}; ${r.stderr}`);
      assert.ok(r.stderr.includes(daemon.store), `${name}: stderr names the store: ${r.stderr}`);
      assert.ok(fs.readFileSync(data).equals(bytes), `${name}: the file is left as it is`);
    }
    fs.writeFileSync(data, good);
    await daemon.start();
    assert.equal((await daemon.tasks()).length, 1, 'the good bytes back, the task is there');
    await daemon.stop();
    const taken = new Daemon({ config: { store: { path: path.join(daemon.dir, 'signalbox.yaml') } }, dir: tempDir(), port: await freePort() });
    taken.writeConfig();
    const r = await run(['serve', '--config', taken.file], { cwd: taken.dir, ms: 10_000 });
    assert.ok(r.code > 0 && !r.late, `a file where the folder should be: exit code ${r.code}`);
  });
});
