// The OpenAI front before a push worker: chats become prompts, tokens become chunks and bodies, usage is counted; and one question asked
// in four ways of three kinds of backend has one answer.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import OpenAI from 'openai';
import { startDaemon } from './support/daemon.mjs';
import { expectOk, expectTaskHeaders } from './support/expect.mjs';
import { events, isDone, payloads, spoken } from './support/http.mjs';
import { jobText, makeJob, readJob } from './support/job.mjs';
import { PushCrew, words } from './support/push_worker.mjs';
import { Crew } from './support/worker.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until } from './support/wait.mjs';

const SECRET = crypto.randomBytes(24).toString('hex');
const as = { Authorization: `Bearer ${SECRET}` };
const TASKS = '/api/v1/inference-tasks';
let daemon, up, client;
const crew = new PushCrew(() => daemon);
const bound = new Crew(() => daemon);
const start = (options = {}) => crew.start({ headers: as, ...options });

before(async () => {
  up = await startUpstream({ models: ['up-model'] });
  daemon = await startDaemon({
    config: {
      upstreams: [{ name: 'up', type: 'openai', url: up.url, models: ['up-model'], capacity: 2 }],
      workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 20 },
      auth: { mode: 'keys', keys: [{ id: 'app', owner: 'app', sha256: crypto.createHash('sha256').update(SECRET).digest('hex'),
        grants: ['tasks:create', 'tasks:view', 'tasks:delete', 'workers:create', 'workers:view', 'llms:view', 'profiles:view', 'calls:view'] }] },
    },
  });
  client = new OpenAI({ baseURL: `${daemon.base}/v1`, apiKey: SECRET, maxRetries: 0 });
});
after(async () => {
  await daemon?.stop();
  await up?.stop();
});
afterEach(async () => {
  await crew.end();
  await bound.end();
  await up.reset();
});

const user = (content) => [{ role: 'user', content }];
const rowOf = async (id) => expectOk(await daemon.get(`${TASKS}/${id}?wait_s=15`, as)).json;
const usageIsWhole = (usage, completion) => {
  assert.equal(usage.completion_tokens, completion, JSON.stringify(usage));
  assert.ok(Number.isInteger(usage.prompt_tokens) && usage.prompt_tokens > 0, JSON.stringify(usage));
  assert.equal(usage.total_tokens, usage.prompt_tokens + completion);
};

describe('the official client', () => {
  test('chat: a whole body with its usage', async () => {
    const worker = await start();
    const { data, response } = await client.chat.completions.create({ model: worker.model, messages: user('hello') }).withResponse();
    assert.equal(data.object, 'chat.completion');
    assert.ok(typeof data.id === 'string' && data.id && Number.isInteger(data.created), JSON.stringify(data));
    assert.equal(data.model, worker.model);
    assert.equal(data.choices.length, 1);
    const [choice] = data.choices;
    assert.deepEqual([choice.index, choice.message.role, choice.message.content, choice.finish_reason], [0, 'assistant', sentence(4), 'stop']);
    usageIsWhole(data.usage, 4);
    const r = { headers: Object.fromEntries(response.headers) };
    expectTaskHeaders(r, { profile: `openai_compat:${worker.model}`, priority: 'workflow', attempts: '1', backend: (await worker.llm()).name });
    const row = await rowOf(r.headers['x-signalbox-task']);
    assert.deepEqual(row.response_body, data);
    assert.deepEqual([row.status, row.kind, row.streaming], ['completed', 'chat', false]);
  });

  test('chat, streamed: the role first, a chunk a token, the reason last', async () => {
    const worker = await start({ tokens: ['Hel', 'lo', ' world', ',\n', ' 日本', ' 🚂'] });
    const pieces = [];
    for await (const piece of await client.chat.completions.create({ model: worker.model, messages: user('hello'), stream: true })) pieces.push(piece);
    assert.ok(pieces.every((p) => p.object === 'chat.completion.chunk' && p.model === worker.model && p.choices[0].index === 0), JSON.stringify(pieces));
    assert.equal(new Set(pieces.map((p) => p.id)).size, 1, 'one id');
    assert.equal(pieces[0].choices[0].delta.role, 'assistant');
    assert.deepEqual(pieces.map((p) => p.choices[0].delta.content).filter(Boolean), ['Hel', 'lo', ' world', ',\n', ' 日本', ' 🚂']);
    assert.deepEqual(pieces.map((p) => p.choices[0].finish_reason).filter(Boolean), ['stop']);
    assert.equal(pieces.at(-1).choices[0].finish_reason, 'stop');
    assert.ok(pieces.every((p) => !p.usage), 'no usage that nobody asked for');
  });

  test('chat, streamed, with usage when asked for', async () => {
    const worker = await start();
    const pieces = [];
    for await (const piece of await client.chat.completions.create({ model: worker.model, messages: user('hello'), stream: true, stream_options: { include_usage: true } })) pieces.push(piece);
    assert.deepEqual(pieces.at(-1).choices, []);
    usageIsWhole(pieces.at(-1).usage, 4);
    assert.ok(pieces.slice(0, -1).every((p) => !p.usage && p.choices.length === 1));
    assert.equal(pieces.map((p) => p.choices[0]?.delta.content ?? '').join(''), sentence(4));
  });

  test('text completion, plain and streamed', async () => {
    const worker = await start();
    const plain = await client.completions.create({ model: worker.model, prompt: 'Once upon\na time' });
    assert.deepEqual([plain.object, plain.model, plain.choices[0].text, plain.choices[0].finish_reason, plain.choices[0].index], ['text_completion', worker.model, sentence(4), 'stop', 0]);
    usageIsWhole(plain.usage, 4);
    const pieces = [];
    for await (const piece of await client.completions.create({ model: worker.model, prompt: 'Once upon\na time', stream: true, stream_options: { include_usage: true } })) pieces.push(piece);
    assert.ok(pieces.every((p) => p.object === 'text_completion'));
    assert.deepEqual(pieces.map((p) => p.choices[0]?.text).filter(Boolean), words(4));
    assert.deepEqual(pieces.map((p) => p.choices[0]?.finish_reason).filter(Boolean), ['stop']);
    usageIsWhole(pieces.at(-1).usage, 4);
    assert.deepEqual(worker.prompts, ['Once upon\na time', 'Once upon\na time'], 'a prompt is passed on as it is');
  });

  test('as many tokens as were allowed: the reason is the length', async () => {
    const worker = await start();
    const whole = await client.chat.completions.create({ model: worker.model, messages: user('hello'), max_tokens: 4 });
    assert.equal(whole.choices[0].finish_reason, 'length');
    const more = await client.chat.completions.create({ model: worker.model, messages: user('hello'), max_tokens: 5 });
    assert.equal(more.choices[0].finish_reason, 'stop');
  });

  test('an answer of no tokens is empty', async () => {
    const worker = await start({ tokens: [] });
    const plain = await client.chat.completions.create({ model: worker.model, messages: user('hello') });
    assert.deepEqual([plain.choices[0].message.content ?? '', plain.choices[0].finish_reason, plain.usage.completion_tokens], ['', 'stop', 0]);
    const r = expectOk(await daemon.chat({ model: worker.model, stream: true }, as));
    assert.deepEqual([spoken(r.text), isDone(r.text)], ['', true]);
    assert.equal(worker.requests.length, 2, 'it is no failure, so nothing is tried again');
  });

  test('errors are its own exceptions; embeddings are refused clearly and at once', async () => {
    const worker = await start();
    await assert.rejects(client.embeddings.create({ model: worker.model, input: 'x' }), (e) => {
      assert.ok(e instanceof OpenAI.APIError && e.status >= 400, `${e}`);
      assert.match(e.message, /embedding/i);
      assert.equal(e.error.code, 'invalid_request');
      return true;
    });
    assert.equal(worker.requests.length, 0);
    worker.next({ status: 400, body: { error: 'the prompt is too long' } });
    await assert.rejects(client.chat.completions.create({ model: worker.model, messages: user('x') }), (e) => {
      assert.ok(e instanceof OpenAI.BadRequestError, `${e}`);
      assert.deepEqual([e.code, e.error.backend_status], ['backend_error', 400]);
      assert.match(e.message, /the prompt is too long/);
      return true;
    });
  });
});

describe('what the worker is given', () => {
  test('a chat as lines with their roles, in order, whole', async () => {
    const worker = await start();
    const messages = [
      { role: 'system', content: 'You are terse.' }, { role: 'user', content: 'First question\nof two lines' }, { role: 'assistant', content: 'First answer: "yes"' },
      { role: 'user', content: [{ type: 'text', text: 'Second' }, { type: 'text', text: 'question, Grüße 🚂' }] },
    ];
    expectOk(await daemon.chat({ model: worker.model, messages }, as));
    const [prompt] = worker.prompts;
    let from = 0;
    for (const [role, ...texts] of [['system', 'You are terse.'], ['user', 'First question\nof two lines'], ['assistant', 'First answer: "yes"'], ['user', 'Second', 'question, Grüße 🚂']]) {
      const prefix = new RegExp(`^${role}:[ \\n]*`, 'im').exec(prompt.slice(from));
      assert.ok(prefix, `a line that begins with "${role}:" in ${JSON.stringify(prompt.slice(from))}`);
      from += prefix.index + prefix[0].length;
      for (const [i, text] of texts.entries()) {
        const at = prompt.indexOf(text, from);
        assert.ok(i ? at >= from : at === from, `"${text}" after "${role}:" in ${JSON.stringify(prompt)}`);
        from = at + text.length;
      }
    }
  });

  test('the parameters it knows, and no others', async () => {
    const worker = await start();
    expectOk(await daemon.chat({ model: worker.model, max_tokens: 77, temperature: 0.125, top_p: 0.75, seed: 3, user: 'u', service_tier: 'flex' }, as));
    expectOk(await daemon.chat({ model: worker.model, max_completion_tokens: 88, temperature: 0, stream: true }, as));
    expectOk(await daemon.post('/v1/completions', { model: worker.model, prompt: 'p', max_tokens: 99, top_k: 5 }, as));
    expectOk(await daemon.chat({ model: worker.model }, as));
    const [chat, streamed, completion, bare] = worker.requests.map((r) => r.body);
    assert.deepEqual({ ...chat, prompt: '' }, { prompt: '', max_tokens: 77, temperature: 0.125, top_p: 0.75 });
    assert.deepEqual([streamed.max_tokens, streamed.temperature], [88, 0]);
    assert.deepEqual([completion.prompt, completion.max_tokens, completion.top_k], ['p', 99, 5]);
    assert.deepEqual(Object.keys(bare).sort(), ['max_tokens', 'prompt', 'temperature'], 'these two are always there');
    assert.ok(Number.isInteger(bare.max_tokens) && bare.max_tokens > 0 && typeof bare.temperature === 'number', JSON.stringify(bare));
  });

  test('neither keys nor headers of ours, on the POST or on the stream', async () => {
    const worker = await start();
    const ours = {
      'X-Signalbox-Priority': 'interactive', 'X-Signalbox-Session': 'session-of-mine', 'X-Signalbox-Description': 'description-of-mine', 'X-Signalbox-Queue-Wait-S': '9', 'X-Signalbox-Inference-S': '19',
      'Idempotency-Key': 'key-of-mine', Cookie: 'a=cookie-of-mine', 'X-Api-Key': SECRET,
    };
    expectOk(await daemon.chat({ model: worker.model, stream: true }, { ...as, ...ours }));
    await readJob(daemon, await makeJob(daemon, { model: worker.model, session: 'session-of-mine' }, { ...as, 'X-Signalbox-Priority': 'interactive' }), as);
    assert.equal(worker.requests.length, 2);
    for (const { headers, streamHeaders, text } of worker.requests) {
      const all = JSON.stringify([headers, streamHeaders, text]);
      assert.ok(!all.includes(SECRET) && !/-of-mine/.test(all), all);
      for (const names of [headers, streamHeaders].map(Object.keys)) {
        assert.deepEqual(names.filter((n) => n.startsWith('x-signalbox') || ['authorization', 'x-api-key', 'cookie', 'idempotency-key'].includes(n)), []);
      }
      assert.match(headers['content-type'], /^application\/json/);
      assert.equal(headers.host, `127.0.0.1:${worker.port}`);
    }
  });
});

test('one question, four ways, three kinds of backend: one answer', async () => {
  const push = await start({ capacity: 2 });
  const other = await bound.start({ headers: as, capacity: 2 });
  const backends = { upstream: 'up', 'bound worker': other.llms[0].name, 'push worker': push.model };
  for (const [kind, name] of Object.entries(backends)) {
    const chat = { messages: user('the same') };
    const answers = {
      front: expectOk(await daemon.chat({ model: name, ...chat }, as), kind).json,
      infer: expectOk(await daemon.post(`/api/v1/llms/${name}/infer`, chat, as), kind).json,
    };
    const task = await daemon.post(TASKS, { model: name, request: chat }, as);
    assert.equal(task.status, 201, `${kind}: ${task.text}`);
    answers.task = (await rowOf(task.json.id)).response_body;
    for (const [way, body] of Object.entries(answers)) {
      assert.equal(body.object, 'chat.completion', `${kind}, ${way}`);
      assert.deepEqual(body.choices[0].message, { role: 'assistant', content: sentence(4) }, `${kind}, ${way}`);
      assert.ok(body.usage.completion_tokens > 0, `${kind}, ${way}: usage ${JSON.stringify(body.usage)}`);
    }
    for (const path of ['/v1/chat/completions', `/api/v1/llms/${name}/infer`]) {
      const r = expectOk(await daemon.post(path, { model: name, ...chat, stream: true }, as), kind);
      assert.equal(r.headers['content-type'], 'text/event-stream');
      assert.equal(spoken(r.text), sentence(4), `${kind}, ${path}`);
      assert.equal(events(r.text).at(-1).data, '[DONE]');
      assert.ok(payloads(r.text).some((p) => p.choices[0]?.finish_reason), `${kind}: ${r.text}`);
    }
    assert.equal(jobText((await readJob(daemon, await makeJob(daemon, { model: name }, as), as)).text), sentence(4), `${kind}, job`);
    assert.equal(expectOk(await daemon.post('/v1/completions', { model: name, prompt: 'the same' }, as)).json.choices[0].text, sentence(4), `${kind}, completion`);
  }
});

test('a task\'s stream has the same chunks as the front', async () => {
  const worker = await start();
  worker.next({ hold: 'stream' });
  const made = await daemon.post(TASKS, { model: worker.model, request: { messages: user('x'), stream: true } }, as);
  assert.equal(made.status, 201, made.text);
  const reader = daemon.open({ method: 'GET', path: `${TASKS}/${made.json.id}/stream`, headers: as });
  await reader.firstByte;
  await worker.arrived(1);
  worker.release();
  const r = await reader.done;
  const chunks = events(r.text).filter((e) => e.event === 'chunk').map((e) => JSON.parse(e.data));
  assert.equal(chunks.map((c) => c.choices[0]?.delta.content ?? '').join(''), sentence(4));
  assert.ok(chunks.every((c) => c.object === 'chat.completion.chunk'));
  const terminal = JSON.parse(events(r.text).find((e) => e.event === 'terminal').data);
  assert.equal(terminal.response_body.choices[0].message.content, sentence(4));
});

test('a caller who leaves ends the worker\'s job, streaming or not', async () => {
  const worker = await start();
  for (const stream of [true, false]) {
    worker.next({ stallAfter: 2 });
    const call = daemon.openChat({ model: worker.model, stream }, as);
    const record = (await worker.arrived(stream ? 1 : 2)).at(-1);
    await until('it streams', () => record.tokensSent === 2);
    call.abort();
    await worker.ended(record, 'aborted');
  }
  expectOk(await daemon.chat({ model: worker.model }, as), 'its slot is free again');
});
