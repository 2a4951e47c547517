// Agents: from the configuration and by API, what they put into a request, and their pools, which are tried member by member.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk, expectRetryAfter, expectTaskHeaders } from './support/expect.mjs';
import { isDone, spoken } from './support/http.mjs';
import { Crew } from './support/worker.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until } from './support/wait.mjs';

const AGENTS = '/api/v1/agents';
const PROMPT = 'You review code. Be brief.';
let one, left, right, daemon;
const crew = new Crew(() => daemon);

before(async () => {
  [one, left, right] = await Promise.all(['one', 'left', 'right'].map((name) => startUpstream({ models: [`${name}-model`], name, keepAlive: false })));
  daemon = await startDaemon({
    config: {
      upstreams: [
        { name: 'one', type: 'openai', url: one.url, models: ['one-model'], capacity: 4 },
        { name: 'left', type: 'openai', url: left.url, models: ['left-model'], pool: 'pair', capacity: 2 },
        { name: 'right', type: 'openai', url: right.url, models: ['right-model'], pool: 'pair', capacity: 2 },
      ],
      agents: [
        { name: 'reviewer', llm: 'one', description: 'Reads code', system_prompt: PROMPT, defaults: { temperature: 0.2, max_tokens: 3 }, priority: 'interactive' },
        { name: 'twins', pool: 'pair', system_prompt: 'You are one of two.' },
      ],
      workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 20 },
      tasks: { max_attempts: 3 },
    },
  });
});
after(async () => {
  await daemon?.stop();
  for (const u of [one, left, right]) await u?.stop();
});
afterEach(async () => {
  await crew.end();
  for (const u of [one, left, right]) {
    if (!u.up) await u.start();
    await u.reset();
  }
});

const ask = (agent, body, headers) => daemon.post(`${AGENTS}/${agent}/chat`, body, headers);
const last = (u = one) => u.requests.at(-1).body;

describe('the list', () => {
  test('configured agents are there, with every field', async () => {
    const { agents } = await daemon.json(AGENTS);
    assert.ok(['reviewer', 'twins'].every((n) => agents.some((a) => a.name === n)), JSON.stringify(agents));
    const reviewer = expectOk(await daemon.get(`${AGENTS}/reviewer`)).json;
    for (const [k, v] of Object.entries({ name: 'reviewer', llm: 'one', pool: null, description: 'Reads code', system_prompt: PROMPT, defaults: { temperature: 0.2, max_tokens: 3 }, priority: 'interactive' })) {
      assert.deepEqual(reviewer[k] ?? null, v, k);
    }
    assert.deepEqual(agents.find((a) => a.name === 'reviewer'), reviewer);
    expectError(await daemon.get(`${AGENTS}/nobody`), 'agent_not_found');
  });

  test('made, changed, kept over a restart and deleted by API', async () => {
    const body = { llm: 'one', description: 'Writes', system_prompt: 'You write.', defaults: { temperature: 0.9 }, priority: 'background' };
    const made = expectOk(await daemon.put(`${AGENTS}/writer`, body)).json;
    assert.equal(made.name, 'writer');
    for (const [k, v] of Object.entries(body)) assert.deepEqual(made[k], v, k);
    expectOk(await ask('writer', { message: 'a line' }));
    assert.equal(last().messages[0].content, 'You write.');
    const changed = expectOk(await daemon.put(`${AGENTS}/writer`, { pool: 'pair', system_prompt: 'You write in twos.' })).json;
    assert.deepEqual([changed.pool, changed.llm ?? null, changed.system_prompt], ['pair', null, 'You write in twos.']);
    await daemon.restart();
    assert.deepEqual(expectOk(await daemon.get(`${AGENTS}/writer`)).json, changed);
    expectOk(await ask('writer', { message: 'a line' }));
    assert.equal([...left.requests, ...right.requests][0].body.messages[0].content, 'You write in twos.');
    assert.deepEqual(expectOk(await daemon.send({ method: 'DELETE', path: `${AGENTS}/writer` })).json, changed);
    expectError(await daemon.get(`${AGENTS}/writer`), 'agent_not_found');
    expectError(await ask('writer', { message: 'x' }), 'agent_not_found');
    expectError(await daemon.send({ method: 'DELETE', path: `${AGENTS}/writer` }), 'agent_not_found');
    await daemon.restart();
    expectError(await daemon.get(`${AGENTS}/writer`), 'agent_not_found', {}, 'and it stays deleted');
  });

  test('bad agents are told by field', async () => {
    const cases = [[{}, /llm|pool/], [{ llm: 'one', pool: 'pair' }, /llm|pool/], [{ llm: 7 }, /llm/], [{ llm: 'one', system_prompt: 7 }, /system_prompt/],
      [{ llm: 'one', defaults: 'hot' }, /defaults/], [{ llm: 'one', priorty: 'workflow' }, /priorty/]];
    for (const [body, param] of cases) expectError(await daemon.put(`${AGENTS}/bad`, body), 'invalid_request', { param }, JSON.stringify(body));
    expectError(await daemon.put(`${AGENTS}/bad`, { llm: 'one', priority: 'urgent' }), 'invalid_priority');
    assert.equal((await daemon.put(`${AGENTS}/white%20space`, { llm: 'one' })).status, 400);
    expectError(await daemon.get(`${AGENTS}/bad`), 'agent_not_found');
  });
});

describe('a chat', () => {
  test('message: the system prompt first, defaults filled in, its class, its name in the row', async () => {
    const r = expectOk(await ask('reviewer', { message: 'int main() {}' }));
    assert.deepEqual(last(), { model: 'one-model', messages: [{ role: 'system', content: PROMPT }, { role: 'user', content: 'int main() {}' }], temperature: 0.2, max_tokens: 3 });
    assert.equal(r.json.object, 'chat.completion');
    assert.equal(r.json.choices[0].message.content, sentence(3));
    expectTaskHeaders(r, { priority: 'interactive', backend: 'one', attempts: '1', profile: 'openai_compat:one-model' });
    const row = await daemon.task(r.headers['x-signalbox-task']);
    assert.deepEqual([row.agent, row.priority, row.status], ['reviewer', 'interactive', 'completed']);
  });

  test('messages: all of them, after the system prompt', async () => {
    const messages = [{ role: 'user', content: 'a' }, { role: 'assistant', content: 'b' }, { role: 'user', content: 'c' }];
    expectOk(await ask('reviewer', { messages }));
    assert.deepEqual(last().messages, [{ role: 'system', content: PROMPT }, ...messages]);
  });

  test('what the caller says goes before the defaults; a header before the agent\'s class', async () => {
    const r = expectOk(await ask('reviewer', { message: 'x', temperature: 1.1 }, { 'X-Signalbox-Priority': 'background' }));
    assert.deepEqual([last().temperature, last().max_tokens], [1.1, 3]);
    assert.equal(r.headers['x-signalbox-priority'], 'background');
  });

  test('streamed', async () => {
    const r = expectOk(await ask('reviewer', { message: 'x', stream: true }));
    assert.equal(r.headers['content-type'], 'text/event-stream');
    assert.equal(spoken(r.text), sentence(3));
    assert.ok(isDone(r.text));
    assert.equal(last().stream, true);
  });

  test('through a bound worker', async () => {
    const worker = await crew.start();
    expectOk(await daemon.put(`${AGENTS}/remote`, { llm: worker.llms[0].name, system_prompt: 'Far away.' }));
    expectOk(await ask('remote', { message: 'x' }));
    assert.deepEqual(worker.jobs[0].request.messages, [{ role: 'system', content: 'Far away.' }, { role: 'user', content: 'x' }]);
  });

  test('refusals', async () => {
    for (const body of [{}, { message: 7 }, { messages: 'x' }, { message: 'x', messages: [] }]) expectError(await ask('reviewer', body), 'invalid_request', {}, JSON.stringify(body));
    expectError(await ask('nobody', { message: 'x' }), 'agent_not_found');
    assert.equal(one.requests.length, 0);
  });

  test('an async task of an agent', async () => {
    const r = await daemon.post('/api/v1/inference-tasks', { agent: 'reviewer', request: { messages: [{ role: 'user', content: 'later' }] } });
    assert.equal(r.status, 201, r.text);
    assert.deepEqual([r.json.agent, r.json.priority], ['reviewer', 'interactive']);
    const row = await daemon.taskWhen(r.json.id, 'completed', (t) => t.status === 'completed');
    assert.equal(row.response_body.choices[0].message.content, sentence(3));
    assert.deepEqual(last().messages[0], { role: 'system', content: PROMPT });
    assert.equal(last().temperature, 0.2);
    assert.deepEqual((await daemon.tasks('&agent=reviewer')).filter((t) => t.id === row.id).length, 1);
    expectError(await daemon.post('/api/v1/inference-tasks', { agent: 'nobody', request: { messages: [] } }), 'agent_not_found');
  });
});

describe('a pool, member by member', () => {
  /// The first request of all gets `behaviour`, those after it a good answer.
  const firstFails = (behaviour) => {
    let used = false;
    for (const u of [left, right]) u.always = () => (used ? {} : ((used = true), behaviour));
  };
  for (const [name, behaviour] of [['500', { status: 500 }], ['503', { status: 503 }], ['429', { status: 429 }], ['a cut', { cut: 'head' }]]) {
    for (const stream of [false, true]) {
      test(`${name} at the first, the next answers (${stream ? 'stream' : 'plain'})`, async () => {
        firstFails(behaviour);
        const r = expectOk(await ask('twins', { message: 'x', stream }));
        assert.equal(stream ? spoken(r.text) : r.json.choices[0].message.content, sentence(4));
        assert.deepEqual([left.requests.length, right.requests.length], [1, 1]);
        assert.equal(r.headers['x-signalbox-attempts'], '2');
      });
    }
  }

  test('all fail: the last one\'s error', async () => {
    const order = [];
    for (const [u, status] of [[left, 500], [right, 503]]) u.always = () => (order.push(status), { status });
    const r = await ask('twins', { message: 'x' });
    expectError(r, 'backend_error', { status: 502, backend_status: order.at(-1) });
    assert.ok(left.requests.length > 0 && right.requests.length > 0, 'both were tried');
  });

  test('a failure after the first byte does not move on', async () => {
    for (const u of [left, right]) u.always = { cut: 2 };
    const r = await ask('twins', { message: 'x', stream: true });
    assert.equal(spoken(r.text), sentence(2));
    assert.equal(isDone(r.text), false);
    assert.equal(left.requests.length + right.requests.length, 1);
  });

  test('the first is down: the next answers', async () => {
    for (const down of [left, right]) {
      await down.stop();
      for (let i = 0; i < 3; i++) expectOk(await ask('twins', { message: 'x' }), `${down.name} is down`);
      await down.start();
      await until(`${down.name} is used again`, async () => {
        await Promise.all([1, 2, 3, 4].map(() => ask('twins', { message: 'x' })));
        return down.requests.length > 0;
      }, { within: 40_000, every: 200 });
    }
  });

  test('nobody at all: 503 no_backend at once', async () => {
    const worker = crew.hire({ pool: 'nobody-home' });
    await worker.start();
    expectOk(await daemon.put(`${AGENTS}/lonely`, { pool: 'nobody-home' }));
    expectOk(await ask('lonely', { message: 'x' }));
    worker.kill();
    await until('the loss is seen', async () => (await daemon.json(`/api/v1/workers/${worker.session}`)).bound === false);
    const r = await ask('lonely', { message: 'x' });
    assert.ok(r.tookMs < 2000, `${r.tookMs} ms`);
    expectError(r, 'no_backend');
    expectRetryAfter(r);
  });
});
