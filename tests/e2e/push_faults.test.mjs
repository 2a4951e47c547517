// Push workers that go wrong: each fault has its own error, none is followed elsewhere, and before the first byte another worker is
// asked. One daemon tries once, so that each fault is seen as it is; the other tries three times.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { CODE, expectExit } from './support/cli.mjs';
import { run, startDaemon } from './support/daemon.mjs';
import { expectError, expectErrorObject, expectOk, expectOnTime, expectTaskHeaders } from './support/expect.mjs';
import { isDone, spoken, streamError } from './support/http.mjs';
import { dropJob, expectJobError, expectJobText, makeJob, openJob, readJob, tokensOf } from './support/job.mjs';
import { PushCrew, words } from './support/push_worker.mjs';
import { sentence } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const TASKS = '/api/v1/inference-tasks';
const LONG = 60_000;
const chatOnce = (daemon, worker, body = {}, headers = {}) => daemon.chat({ model: worker.model, ...body }, headers, LONG);

describe('each fault by its error', { timeout: 240_000 }, () => {
  let daemon, elsewhere, visits;
  const crew = new PushCrew(() => daemon);
  before(async () => {
    daemon = await startDaemon({ config: { workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 30 }, tasks: { max_attempts: 1 } } });
    visits = 0;
    elsewhere = http.createServer((req, res) => { res.end('data: stolen\n\ndata: [DONE]\n\n'); });
    elsewhere.on('connection', () => { visits++; });
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
  });
  after(async () => {
    await daemon?.stop();
    elsewhere?.close();
    elsewhere?.closeAllConnections();
  });
  afterEach(() => crew.end());

  /// The fault before the first byte, plain and streamed, by the front and as a job: one code for all. A worker each: after some
  /// failures the same one would be left in peace.
  const everyWay = async (behaviour, code, details = {}, note = '') => {
    for (const stream of [false, true]) {
      const worker = await crew.start({ always: behaviour, keepAlive: false });
      const r = await chatOnce(daemon, worker, { stream });
      expectError(r, code, details, `${note} ${stream ? 'streamed' : 'plain'}`);
      expectTaskHeaders(r, { attempts: '1' });
      assert.equal(worker.requests.length, 1, note);
      const row = await daemon.task(r.headers['x-signalbox-task']);
      assert.deepEqual([row.status, row.error.code], ['error', code], note);
    }
    const { status, ...inside } = details;
    const worker = await crew.start({ always: behaviour, keepAlive: false });
    const job = await readJob(daemon, await makeJob(daemon, { model: worker.model }));
    expectJobError(job, code, inside);
    assert.deepEqual(tokensOf(job.text), [], note);
  };

  test('it refuses connections: backend_unreachable', async () => {
    for (const stream of [false, true]) {
      const worker = await crew.start();
      await worker.refuse();
      const r = await chatOnce(daemon, worker, { stream });
      expectError(r, 'backend_unreachable');
      await worker.kill();
    }
    const worker = await crew.start();
    await worker.refuse();
    expectJobError(await readJob(daemon, await makeJob(daemon, { model: worker.model })), 'backend_unreachable');
  });

  test('it answers an error: its status and its words', async () => {
    for (const [status, ours] of [[400, 400], [404, 404], [422, 422], [500, 502], [503, 502]]) {
      const details = { status: ours, backend_status: status, message: /Model not loaded/ };
      await everyWay({ status, body: { error: 'Model not loaded' } }, 'backend_error', details, `${status}, JSON`);
    }
    await everyWay({ status: 500, body: 'Model not loaded', headers: { 'content-type': 'text/plain' } }, 'backend_error', { status: 502, backend_status: 500, message: /Model not loaded/ }, 'text');
    await everyWay({ status: 400, body: { error: { message: 'Model not loaded', code: 7 } } }, 'backend_error', { status: 400, backend_status: 400, message: /Model not loaded/ }, 'an object');
  });

  test('its answer cannot be read: backend_error', async () => {
    for (const body of ['', '{"job_id":', 'Internal Error', '<html></html>', '[]', 'null', '{}', '{"job_id":"a"}', '{"job_id":"a","sse_url":null}', '{"job_id":"a","sse_url":7}', '{"job_id":"a","sse_url":{}}', Buffer.from([123, 34, 255, 254]).toString('latin1')]) {
      const worker = await crew.start({ always: { status: 200, body } });
      expectError(await chatOnce(daemon, worker, { stream: true }), 'backend_error', { status: 502 }, body);
      assert.deepEqual(worker.strays, [], body);
    }
    await everyWay({ status: 200, body: '{"job_id":' }, 'backend_error', { status: 502 }, 'cut JSON');
    const endless = await crew.start({ always: { status: 200, body: `{"job_id":"${'x'.repeat(30 << 20)}"}` } });
    expectError(await chatOnce(daemon, endless), 'backend_error', { status: 502 }, '30 MiB where some bytes would do');
  });

  test('an sse_url that leads away is refused and never followed', async () => {
    const { port } = elsewhere.address();
    const urls = [
      `http://127.0.0.1:${port}/x`, `HTTP://127.0.0.1:${port}/x`, `//127.0.0.1:${port}/x`, `\\\\127.0.0.1:${port}/x`, `@127.0.0.1:${port}/x`, `:${port}/x`, `.127.0.0.1:${port}/x`,
      `http://localhost:${port}/x`, `https://127.0.0.1:${port}/x`, `ftp://127.0.0.1:${port}/x`, `file:///etc/passwd`, `/x\r\nHost: 127.0.0.1:${port}\r\n\r\nGET /y HTTP/1.1`, '/a\u0000b', '', ' ',
    ];
    for (const sseUrl of urls) {
      const worker = await crew.start({ always: { sseUrl } });
      const r = await chatOnce(daemon, worker, { stream: true });
      expectError(r, 'backend_error', { status: 502 }, JSON.stringify(sseUrl).slice(0, 80));
      assert.deepEqual(worker.strays, [], `nothing was asked of the worker for ${JSON.stringify(sseUrl).slice(0, 80)}`);
    }
    // Odd, but not leading away: refused here or by the worker.
    for (const sseUrl of [`/\\127.0.0.1:${port}/x`, 'relative', '/a b', `/${'x'.repeat(1 << 20)}`, '/v1/inference/unknown/stream']) {
      const worker = await crew.start({ always: { sseUrl } });
      const r = await chatOnce(daemon, worker, { stream: true });
      assert.ok(['backend_error', 'backend_stream_failed'].includes(r.json?.error?.code), `${sseUrl.slice(0, 80)}: ${r.text}`);
    }
    assert.equal(visits, 0, 'the other host never saw a connection');
  });

  test('redirects are not followed, by the POST or by the stream', async () => {
    const headers = { location: `http://127.0.0.1:${elsewhere.address().port}/v1/inference` };
    for (const status of [301, 302, 303, 307, 308]) {
      const post = await crew.start({ always: { status, body: '{}', headers } });
      expectError(await chatOnce(daemon, post), 'backend_error', { status: 502, backend_status: status }, `POST ${status}`);
      const stream = await crew.start({ always: { streamStatus: status, streamBody: '{}', streamHeaders: headers } });
      const r = await chatOnce(daemon, stream);
      assert.ok(['backend_error', 'backend_stream_failed'].includes(r.json?.error?.code), r.text);
      expectError(r, r.json.error.code, { status: 502 }, `GET ${status}`);
    }
    assert.equal(visits, 0, 'the other host never saw a connection');
  });

  test('its stream cannot be had', async () => {
    for (const behaviour of [{ streamStatus: 404 }, { streamStatus: 500 }, { cut: 'stream' }]) {
      const worker = await crew.start({ always: behaviour, keepAlive: false });
      const r = await chatOnce(daemon, worker, { stream: true });
      assert.ok(['backend_error', 'backend_stream_failed'].includes(r.json?.error?.code), r.text);
      expectError(r, r.json.error.code, { status: r.status === 404 ? 404 : 502 }, JSON.stringify(behaviour));
      assert.equal(worker.requests[0].streams, 1);
    }
  });

  test('its stream is cut, or ends, before the first token: backend_stream_failed', async () => {
    for (const behaviour of [{ cut: 'post' }, { cut: 'head' }, { cut: 0 }, { tokens: [], noDone: true }, { raw: [': only a comment\n\n'] }, { raw: ['data: half'] }]) {
      await everyWay(behaviour, 'backend_stream_failed', {}, JSON.stringify(behaviour));
    }
    // No events at all: a broken stream or an unreadable answer, as one looks at it.
    for (const behaviour of [{ raw: ['garbage\n\nmore garbage\n\n'] }, { raw: ['{"choices":[]}'], contentType: 'application/json' }, { raw: ['<html>it works!</html>'], contentType: 'text/html' }]) {
      const worker = await crew.start({ always: behaviour });
      const r = await chatOnce(daemon, worker, { stream: true });
      expectError(r, r.json?.error?.code === 'backend_error' ? 'backend_error' : 'backend_stream_failed', { status: 502 }, JSON.stringify(behaviour));
    }
  });

  for (const [name, behaviour, said] of [['is cut', { cut: 2 }, 2], ['ends without [DONE]', { noDone: true }, 4], ['ends in the middle of an event', { raw: ['data: alpha \n\ndata: bravo \n\ndata: char'] }, 2],
    ['says an error', { errorEvent: 2 }, 2]]) {
    test(`its stream ${name} after the first token: an error event, no [DONE]`, async () => {
      const worker = await crew.start({ always: behaviour });
      const r = await within('the end', daemon.openChat({ model: worker.model, stream: true }).done);
      assert.equal(r.status, 200, r.text);
      assert.equal(spoken(r.text), sentence(said), 'what came stays, half an event does not come');
      const e = streamError(r.text) ?? {};
      expectErrorObject(e, name === 'says an error' && e.code === 'backend_error' ? 'backend_error' : 'backend_stream_failed', {}, r.text);
      if (name === 'says an error') assert.match(e.message, /the card fell off/);
      assert.equal(isDone(r.text), false, r.text);
      const job = await readJob(daemon, await makeJob(daemon, { model: worker.model }));
      assert.deepEqual(tokensOf(job.text), words(said));
      expectJobError(job, e.code);
      const plain = await chatOnce(daemon, worker);
      expectError(plain, e.code, { status: 502 }, 'a plain answer is never half of one');
    });
  }

  test('it hangs: the inference budget ends it, and it is hung up on', async () => {
    for (const behaviour of [{ hold: 'post' }, { hold: 'stream' }, { stallAfter: 2 }]) {
      for (const stream of [false, true]) {
        const worker = await crew.start({ always: behaviour });
        const call = daemon.openChat({ model: worker.model, stream }, { 'X-Signalbox-Inference-S': '1' });
        const r = await within('its end', call.done, 30_000);
        const [record] = worker.requests;
        await worker.ended(record, 'aborted');
        if (behaviour.stallAfter && stream) {
          assert.equal(spoken(r.text), sentence(2));
          assert.ok(['inference_timeout', 'backend_stream_failed'].includes(streamError(r.text)?.code), r.text);
          assert.equal(isDone(r.text), false);
        } else {
          expectError(r, 'inference_timeout', { inference_s: 1 }, JSON.stringify(behaviour));
          expectOnTime(r.tookMs, 1000, { slack: 8000 });
        }
        assert.equal((await daemon.taskWhen(r.headers['x-signalbox-task'], 'over', (t) => t.completed_at)).status, 'error');
      }
    }
  });

  test('it is slow with its first byte: that is no fault', async () => {
    const worker = await crew.start({ firstDelayMs: 1500 });
    expectTaskHeaders(expectOk(await chatOnce(daemon, worker, { stream: true })), { attempts: '1' });
    expectJobText(await readJob(daemon, await makeJob(daemon, { model: worker.model })), sentence(4));
  });

  test('two [DONE], and words after it: one [DONE] and no such words', async () => {
    for (const behaviour of [{ doneTwice: true }, { afterDone: ['late ', 'words'], doneTwice: true }]) {
      const worker = await crew.start({ always: behaviour, capacity: 2 });
      expectJobText(await readJob(daemon, await makeJob(daemon, { model: worker.model })), sentence(4));
      const r = expectOk(await chatOnce(daemon, worker, { stream: true }));
      assert.equal(spoken(r.text), sentence(4));
      assert.equal(r.text.split('data: [DONE]').length, 2, r.text);
      assert.equal(expectOk(await chatOnce(daemon, worker)).json.choices[0].message.content, sentence(4));
    }
  });

  test('it answers after the cancel: nobody hears it', async () => {
    const worker = await crew.start({ capacity: 3 });
    for (const [i, behaviour] of [{ hold: 'post' }, { hold: 'stream' }, { stallAfter: 2 }].entries()) {
      worker.next({ ...behaviour, deaf: true });
      const id = await makeJob(daemon, { model: worker.model });
      const reader = openJob(daemon, id);
      const record = (await worker.arrived(2 * i + 1)).at(-1);
      if (i === 2) await until('two tokens are here', () => tokensOf(reader.text).length === 2);
      if (i === 1) await until('its stream is open', () => record.streams === 1);
      expectOk(await dropJob(daemon, id));
      await worker.ended(record, 'aborted');
      record.release();
      const r = await within('the reader is told', reader.done);
      expectJobError(r, 'task_cancelled');
      assert.deepEqual(tokensOf(r.text), words(i === 2 ? 2 : 0));
      expectOk(await chatOnce(daemon, worker), 'the next is served, and hears nothing of it');
      assert.equal((await daemon.task(id)).status, 'cancelled');
      assert.equal(record.streams, i === 0 ? 0 : 1, 'a late answer to the POST is not followed up');
    }
    await daemon.idle();
  });

  test('a token without end, and bytes that are no text: bounded, and JSON all the same', { timeout: 60_000 }, async () => {
    const worker = await crew.start();
    const before_ = daemon.rssMib();
    worker.next({ raw: Array.from({ length: 128 }, () => 'x'.repeat(1 << 20)), tokenDelayMs: 0 });
    const r = await within('its end', daemon.openChat({ model: worker.model, stream: true }).done, 45_000);
    assert.ok(['backend_error', 'backend_stream_failed'].includes(r.json?.error?.code ?? streamError(r.text)?.code), r.text.slice(0, 300));
    if (!/asan|tsan/.test(daemon.bin)) assert.ok(daemon.rssMib() - before_ < 100, `128 MiB in one line took ${daemon.rssMib() - before_} MiB`);
    const odd = await crew.start({ always: { raw: [Buffer.concat([Buffer.from('data: a'), Buffer.from([0xff, 0xfe, 0x00, 0x1b]), Buffer.from('b\n\ndata: [DONE]\n\n')])] } });
    const answer = await chatOnce(daemon, odd);
    if (answer.status === 200) assert.match(answer.json.choices[0].message.content, /^a.*b$/s);
    else expectError(answer, 'backend_error', { status: 502 });
    expectOk(await chatOnce(daemon, await crew.start()), 'the daemon is well');
  });
});

describe('before the first byte another worker is asked', { timeout: 240_000 }, () => {
  let daemon;
  const crew = new PushCrew(() => daemon);
  before(async () => { daemon = await startDaemon({ config: { workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 30 } } }); });
  after(() => daemon?.stop());
  afterEach(() => crew.end());

  /// A team whose first job, whoever gets it, goes wrong so.
  const teamWithFault = async (behaviour, count = 2) => {
    const team = await crew.team(count, { keepAlive: false });
    let used = false;
    for (const w of team) w.always = () => (used ? {} : ((used = true), behaviour));
    return team;
  };

  for (const [name, behaviour] of [['500', { status: 500 }], ['429', { status: 429 }], ['a cut POST', { cut: 'post' }], ['a stream that cannot be had', { cut: 'stream' }], ['a cut before the first token', { cut: 'head' }],
    ['comments and then a cut', { raw: [': wait\n\n'] }]]) {
    for (const stream of [false, true]) {
      test(`${name} (${stream ? 'stream' : 'plain'})`, async () => {
        const team = await teamWithFault(behaviour);
        const r = expectOk(await chatOnce(daemon, team[0], { stream }));
        assert.equal(stream ? spoken(r.text) : r.json.choices[0].message.content, sentence(4));
        assert.deepEqual(team.map((w) => w.requests.length), [1, 1], 'the second try on the other');
        const [winner, loser] = team[0].requests[0].state === 'done' && team[0].requests[0].tokensSent === 4 ? team : [team[1], team[0]];
        const names = { winner: (await winner.llm()).name, loser: (await loser.llm()).name };
        expectTaskHeaders(r, { attempts: '2', backend: names.winner });
        const id = r.headers['x-signalbox-task'];
        const row = await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed');
        assert.equal(row.attempts, 2);
        assert.deepEqual(row.attempt_log.map((a) => a.backend), [names.loser, names.winner]);
        const { stdout } = expectExit(await run(['describe', 'task', id], { env: { SIGNALBOX_URL: daemon.base } }), CODE.ok);
        for (const words_ of [/attempt 1 claimed by /, /attempt 1 ended: /, /attempt 2 claimed by /, /attempt 2 ended: completed/]) assert.match(stdout, words_);
        for (const llm of Object.values(names)) assert.ok(stdout.includes(llm), `${llm} in ${stdout}`);
      });
    }
  }

  test('one that refuses connections while its heartbeats go on', async () => {
    const [dead, alive] = await crew.team(2, { keepAlive: false });
    await dead.refuse();
    for (let i = 0; i < 6; i++) expectOk(await chatOnce(daemon, dead, { stream: i % 2 === 0 }, { 'X-Signalbox-Queue-Wait-S': '40' }));
    expectJobText(await readJob(daemon, await makeJob(daemon, { model: dead.model })), sentence(4));
    assert.equal(alive.requests.length, 7);
  });

  test('a plain answer cut in the middle: its caller has had nothing, so it is tried again', async () => {
    const team = await teamWithFault({ cut: 2 });
    const r = expectOk(await chatOnce(daemon, team[0]));
    assert.deepEqual([r.json.choices[0].message.content, r.headers['x-signalbox-attempts']], [sentence(4), '2']);
    assert.equal(r.json.usage.completion_tokens, 4, 'the tokens of the first try do not count');
  });

  test('a stream cut after its first token is not started over', async () => {
    const team = await teamWithFault({ cut: 2 });
    const r = await within('the end', daemon.openChat({ model: team[0].model, stream: true }).done);
    assert.equal(spoken(r.text), sentence(2));
    expectErrorObject(streamError(r.text) ?? {}, 'backend_stream_failed', {}, r.text);
    assert.equal(team[0].requests.length + team[1].requests.length, 1);
  });

  test('a 4xx is an answer: no second try; three failures are the end', async () => {
    const team = await crew.team(2);
    for (const w of team) w.always = { status: 400, body: { error: 'too long' } };
    expectTaskHeaders(await chatOnce(daemon, team[0]), { attempts: '1' });
    assert.equal(team[0].requests.length + team[1].requests.length, 1);
    const other = await crew.team(2);
    for (const w of other) w.always = { status: 500, body: { error: 'Model not loaded' } };
    const r = await chatOnce(daemon, other[0]);
    expectError(r, 'backend_error', { status: 502, backend_status: 500, message: /Model not loaded/ });
    expectTaskHeaders(r, { attempts: '3' });
    assert.ok(other.every((w) => w.requests.length >= 1), 'both were asked');
  });

  test('alone, it is asked again after a pause', async () => {
    const worker = await crew.start();
    worker.next({ status: 503 }, { cut: 'head' });
    const r = expectOk(await chatOnce(daemon, worker, {}, { 'X-Signalbox-Queue-Wait-S': '40' }));
    expectTaskHeaders(r, { attempts: '3' });
    assert.ok(worker.requests[1].at - worker.requests[0].at >= 10, 'not in the same breath');
  });

  test('one that always fails is left in peace, and is tried again in time', { timeout: 120_000 }, async () => {
    const [bad, good] = await crew.team(2, { keepAlive: false });
    bad.always = { status: 500 };
    const CALLS = 60;
    for (let i = 0; i < CALLS; i += 2) for (const r of await Promise.all([chatOnce(daemon, bad), chatOnce(daemon, bad)])) expectOk(r);
    assert.equal(good.requests.length, CALLS);
    assert.ok(bad.requests.length >= 1 && bad.requests.length < CALLS / 3, `the failing one was asked ${bad.requests.length} times in ${CALLS} calls`);
    bad.always = {};
    const asked = bad.requests.length;
    await until('it is in use again', async () => {
      await Promise.all([chatOnce(daemon, bad), chatOnce(daemon, bad)]).then((all) => all.forEach((r) => expectOk(r)));
      return bad.requests.length >= asked + 3;
    }, { within: LONG, every: 100 });
  });
});

test('it dies with a task and comes back: the task is done', { timeout: 90_000 }, async () => {
  const daemon = await startDaemon({ config: { workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 30 }, tasks: { max_attempts: 50 } } });
  const crew = new PushCrew(() => daemon);
  try {
    const worker = await crew.start({ keepAlive: false, always: { stallAfter: 2 } });
    const r = await daemon.post(TASKS, { model: worker.model, request: { messages: [{ role: 'user', content: 'x' }] } });
    assert.equal(r.status, 201, r.text);
    const [record] = await worker.arrived(1);
    await until('it is in mid-task', () => record.tokensSent === 2);
    await worker.kill();
    worker.always = {};
    await worker.start();
    const row = await daemon.taskWhen(r.json.id, 'over', (t) => t.completed_at, { within: LONG });
    assert.deepEqual([row.status, row.response_body?.choices[0].message.content], ['completed', sentence(4)]);
    assert.ok(row.attempts >= 2, `${row.attempts}`);
    assert.equal(worker.requests.at(-1).state, 'done');
  } finally {
    await crew.end();
    await daemon.stop();
  }
});
