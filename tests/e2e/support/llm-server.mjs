// A real llama.cpp (node-llama-cpp's prebuilt addon) behind an HTTP face with the wire habits measured on llama-server:
// answers 503 "Loading model" on every route until the model is there; sends a header with an empty value; keeps idle
// connections 5 s and closes after a stream; puts the role event and the first token into one chunk; errors carry
// `Connection: close` and a number as code; streams hold their headers back until a slot is theirs; any model name will do.
// Started as a program by startLlmServer(); its routes /busy and /stats are the test's own window.
import http from 'node:http';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(import.meta.url);

/// Starts the server in a process of its own. Resolves when it listens; `ready()` when the model is loaded.
export async function startLlmServer({ slots = 2, alias = 'tiny', context = 8192, apiKey = '' } = {}) {
  const { guard, tempDir } = await import('./temp.mjs');
  const { writeTinyGguf } = await import('./tiny-gguf.mjs');
  const { until, within } = await import('./wait.mjs');
  const model = writeTinyGguf(path.join(tempDir(), 'tiny.gguf'), { context });
  const env = { ...process.env, LLM_MODEL: model, LLM_SLOTS: `${slots}`, LLM_ALIAS: alias, LLM_CONTEXT: `${context}`, LLM_KEY: apiKey };
  const child = guard(spawn(process.execPath, [here], { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  let out = '', err = '';
  child.stderr.on('data', (b) => { err += b; });
  child.stdout.on('data', (b) => { out += b; });
  const exited = new Promise((r) => child.once('close', (code, signal) => r({ code, signal })));
  await until('the LLM server listens', () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${err}`);
    return /listening (\d+)/.test(out);
  }, { within: 30_000 });
  const port = +/listening (\d+)/.exec(out)[1];
  const get = async (route) => (await fetch(`http://127.0.0.1:${port}${route}`)).json();
  return {
    port, pid: child.pid, alias, url: `http://127.0.0.1:${port}`, get,
    ready: () => until('the LLM server has loaded its model', async () => (await fetch(`http://127.0.0.1:${port}/health`)).status === 200, { within: 60_000, every: 50, seen: () => err }),
    stats: () => get('/stats'),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await within('the LLM server ended', exited);
    },
  };
}

if (process.argv[1] === here) await serve();

async function serve() {
  const { LLM_MODEL, LLM_SLOTS, LLM_ALIAS, LLM_CONTEXT, LLM_KEY } = process.env;
  const slotContext = Math.floor(+LLM_CONTEXT / +LLM_SLOTS);
  const stats = { processing: 0, deferred: 0, maxProcessing: 0, finished: 0, aborted: 0, tokens: 0 };
  const free = [], waiters = [];
  let model, embedder, embedding = Promise.resolve();

  const json = (res, status, o, extra = {}) => {
    const text = JSON.stringify(o);
    res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text), ...extra });
    res.end(text);
  };
  const refuse = (res, code, type, message, more = {}) => json(res, code, { error: { code, message, type, ...more } }, { connection: 'close' });
  const take = () => (free.length ? Promise.resolve(free.pop()) : new Promise((r) => { stats.deferred++; waiters.push((s) => { stats.deferred--; r(s); }); }));
  const give = (s) => (waiters.length ? waiters.shift()(s) : free.push(s));

  async function complete(q, res, chat) {
    if (chat && !Array.isArray(q.messages)) return refuse(res, 400, 'invalid_request_error', "'messages' must be an array");
    const said = (m) => (typeof m.content === 'string' ? m.content : (m.content ?? []).map((p) => p.text ?? '').join(''));
    const prompt = model.tokenize(chat ? `${q.messages.map((m) => `${m.role}: ${said(m)}\n`).join('')}assistant:` : String(q.prompt ?? ''));
    const limit = Math.max(1, q.max_tokens ?? q.max_completion_tokens ?? 128);
    if (prompt.length + limit > slotContext) {
      return refuse(res, 400, 'exceed_context_size_error', 'the request exceeds the available context size', { n_prompt_tokens: prompt.length, n_ctx: slotContext });
    }
    let gone = false;
    res.on('close', () => { gone = true; });
    const slot = await take();
    stats.processing++;
    stats.maxProcessing = Math.max(stats.maxProcessing, stats.processing);
    const object = chat ? 'chat.completion' : 'text_completion';
    const base = { id: `${chat ? 'chatcmpl' : 'cmpl'}-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: LLM_ALIAS, system_fingerprint: 'v0.5.0' };
    const event = (choices, more) => `data: ${JSON.stringify({ ...base, object: chat ? 'chat.completion.chunk' : object, choices, ...more })}\n\n`;
    const ids = [];
    let said_ = '', held = '', finish = 'length';
    try {
      if (gone) return undefined;
      await slot.clearHistory();
      if (q.stream) {
        res.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
        res.flushHeaders();
        if (chat) held = event([{ index: 0, delta: { role: 'assistant', content: null }, finish_reason: null }]);
      }
      for await (const token of slot.evaluate(prompt, { temperature: q.temperature ?? 0.8, seed: q.seed })) {
        if (gone) return undefined;
        if (model.isEogToken(token)) { finish = 'stop'; break; }
        ids.push(token);
        stats.tokens++;
        const all = model.detokenize(ids);
        if (q.stream) res.write(held + event([chat ? { index: 0, delta: { content: all.slice(said_.length) }, finish_reason: null } : { index: 0, text: all.slice(said_.length), finish_reason: null }]));
        said_ = all;
        held = '';
        if (ids.length >= limit) break;
        await new Promise(setImmediate);          // so that a caller's leaving is seen between tokens
      }
      const usage = { prompt_tokens: prompt.length, completion_tokens: ids.length, total_tokens: prompt.length + ids.length, prompt_tokens_details: { cached_tokens: 0 } };
      stats.finished++;
      if (!q.stream) {
        const choice = chat ? { index: 0, message: { role: 'assistant', content: said_ }, finish_reason: finish } : { index: 0, text: said_, logprobs: null, finish_reason: finish };
        return json(res, 200, { choices: [choice], ...base, object, usage, timings: { predicted_n: ids.length } });
      }
      res.write(event([chat ? { index: 0, delta: {}, finish_reason: finish } : { index: 0, text: '', finish_reason: finish }], { timings: { predicted_n: ids.length } }));
      if (q.stream_options?.include_usage) res.write(event([], { usage }));
      return res.end('data: [DONE]\n\n', () => res.socket?.end());
    } finally {
      if (gone) stats.aborted++;
      stats.processing--;
      give(slot);
    }
  }

  async function embed(q, res) {
    const inputs = Array.isArray(q.input) && typeof q.input[0] !== 'number' ? q.input : [q.input];
    const data = [];
    let total = 0;
    for (const [index, input] of inputs.entries()) {
      embedding = embedding.catch(() => {}).then(() => embedder.getEmbeddingFor(input));
      const v = Float32Array.from((await embedding).vector);
      const norm = Math.hypot(...v);
      const unit = v.map((x) => x / norm);
      total += typeof input === 'string' ? model.tokenize(input).length : input.length;
      data.push({ object: 'embedding', index, embedding: q.encoding_format === 'base64' ? Buffer.from(unit.buffer).toString('base64') : Array.from(unit) });
    }
    return json(res, 200, { model: q.model, object: 'list', usage: { prompt_tokens: total, total_tokens: total }, data });
  }

  const server = http.createServer((req, res) => {
    res.setHeader('Server', 'llama.cpp');
    res.setHeader('Access-Control-Allow-Origin', '');
    const parts = [];
    req.on('data', (b) => parts.push(b));
    req.on('error', () => {});
    req.on('end', () => {
      if (req.url === '/stats') return json(res, 200, stats);
      if (!model) return json(res, 503, { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } });
      if (req.url === '/health' || req.url === '/v1/health') return json(res, 200, { status: 'ok' });
      if (LLM_KEY && req.headers.authorization !== `Bearer ${LLM_KEY}`) return refuse(res, 401, 'authentication_error', 'Invalid API Key');
      if (req.url === '/v1/models') return json(res, 200, { object: 'list', data: [{ id: LLM_ALIAS, object: 'model', created: 0, owned_by: 'llamacpp' }] });
      if (req.url === '/props') return json(res, 200, { total_slots: +LLM_SLOTS, default_generation_settings: { n_ctx: slotContext } });
      const handler = { '/v1/chat/completions': (q) => complete(q, res, true), '/v1/completions': (q) => complete(q, res, false), '/v1/embeddings': (q) => embed(q, res) }[req.url];
      if (!handler || req.method !== 'POST') return refuse(res, 404, 'not_found_error', 'File Not Found');
      let q;
      try { q = JSON.parse(Buffer.concat(parts)); } catch { return refuse(res, 500, 'server_error', 'parse error'); }
      return handler(q).catch((e) => (res.headersSent ? res.destroy() : refuse(res, 500, 'server_error', String(e.message))));
    });
  });
  server.keepAliveTimeout = 5000;
  server.maxRequestsPerSocket = 100;
  server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));

  const { getLlama } = await import('node-llama-cpp');
  // One thread: llama.cpp's threads spin at barriers and crawl whenever another process wants the cores.
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: 'error' });
  const loaded = await llama.loadModel({ modelPath: LLM_MODEL });
  const contexts = await loaded.createContext({ sequences: +LLM_SLOTS, contextSize: slotContext, threads: 1, batchSize: 512 });
  for (let i = 0; i < +LLM_SLOTS; i++) free.push(contexts.getSequence());
  embedder = await loaded.createEmbeddingContext({ contextSize: 2048, threads: 1 });
  model = loaded;
}
