// GET /openapi.json: the document is sound, names every route, and says what the daemon really answers.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Validator } from '@seriousme/openapi-schema-validator';
import { run, startDaemon } from './support/daemon.mjs';
import { expectError } from './support/expect.mjs';
import { startUpstream } from './support/upstream.mjs';

/// They do not end by themselves.
const isStream = (path) => path === '/api/v1/events' || path === '/api/v1/slots/hold';
const METHODS = ['get', 'put', 'post', 'delete'];

let daemon, upstream, doc, ajv;
before(async () => {
  upstream = await startUpstream({ models: ['model-a'] });
  daemon = await startDaemon({ config: { upstreams: [{ name: 'up', type: 'openai', url: upstream.url, models: ['model-a'] }] } });
  doc = await daemon.json('/openapi.json');
  // What is not described must not be there: each object of ours is closed unless it says that it is open.
  const closed = structuredClone(doc.components.schemas);
  const close = (node) => {
    if (node === null || typeof node !== 'object') return;
    if (node.properties && node.additionalProperties === undefined) node.additionalProperties = false;
    for (const value of Object.values(node)) close(value);
  };
  close(closed);
  ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema({ $id: 'doc', components: { schemas: closed } });
});
after(async () => { await daemon?.stop(); await upstream?.stop(); });

const operations = () => Object.entries(doc.paths).flatMap(([path, item]) => METHODS.filter((m) => item[m]).map((method) => ({ path, method, name: `${method.toUpperCase()} ${path}`, ...item[method] })));
function* nodes(node, at = '') {
  if (node === null || typeof node !== 'object') return;
  yield [at, node];
  for (const [key, value] of Object.entries(node)) if (key !== 'examples') yield* nodes(value, `${at}/${key}`);
}
function fits(value, schema, what) {
  const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"doc#/components'));
  const validate = ajv.compile(local);
  assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)?.slice(0, 600)}`);
}
/// The answer is one that the document has for this operation, by status and by shape.
function expectDescribed(r, method, path, note = '') {
  const operation = doc.paths[path][method.toLowerCase()];
  let answer = operation.responses[r.status] ?? operation.responses.default;
  if (answer.$ref) answer = doc.components.responses.Error;
  const type = (r.headers['content-type'] ?? '').split(';')[0];
  const content = answer.content[type] ?? answer.content['*/*'];
  assert.ok(content, `${method} ${path} ${note}: ${r.status} ${type} is described`);
  fits(type === 'application/json' ? r.json : r.text, content.schema, `${method} ${path} ${note} ${r.status}`);
  return r;
}

describe('the document', { timeout: 60_000 }, () => {
  test('is OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(doc));
    assert.ok(valid, JSON.stringify(errors, null, 1)?.slice(0, 2000));
    assert.equal(validator.version, '3.1');
    const version = await run(['--version']);
    assert.equal(version.stdout.trim().split(' ')[1], doc.info.version, 'it is of this version');
  });

  test('each operation and each schema is told, and examples are right', () => {
    const ids = operations().map((o) => o.operationId);
    assert.equal(new Set(ids).size, ids.length, 'operation ids are unique');
    const tags = doc.tags.map((t) => t.name);
    for (const o of operations()) {
      assert.ok(o.summary && o.description && o.responses.default && tags.includes(o.tags[0]), o.name);
      const inPath = [...o.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
      const said = (o.parameters ?? []).filter((p) => p.in === 'path').map((p) => p.name).sort();
      assert.deepEqual(said, inPath, o.name);
    }
    const used = new Set();
    for (const [at, node] of nodes(doc)) {
      if (!node.$ref) continue;
      used.add(node.$ref);
      const target = node.$ref.split('/').slice(1).reduce((o, key) => o?.[key], doc);
      assert.ok(target, `${at}: ${node.$ref} is there`);
    }
    for (const name of Object.keys(doc.components.schemas)) assert.ok(used.has(`#/components/schemas/${name}`), `${name} is used`);
    for (const [at, node] of nodes(doc.components.schemas)) {
      const isSchema = node.type && typeof node.type !== 'object' ? true : Array.isArray(node.type);
      if (!isSchema || node.$ref) continue;
      assert.ok(node.description, `${at} has a description`);
      assert.ok(Array.isArray(node.examples) && node.examples.length > 0, `${at} has an example`);
      for (const example of node.examples) fits(example, node, `example of ${at}`);
    }
  });

  test('a path that it names is there', async () => {
    for (const o of operations()) {
      const path = o.path.replace(/\{\w+\}/g, 'x');
      const r = await daemon.send({ method: 'PATCH', path });
      expectError(r, 'method_not_allowed', {}, o.name);
      assert.ok(r.headers.allow.split(', ').includes(o.method.toUpperCase()), `${o.name}: Allow is ${r.headers.allow}`);
    }
  });
});

describe('what the daemon answers is what it says', { timeout: 60_000 }, () => {
  let task, session;
  test('calls and tasks', async () => {
    for (const [path, body] of [['/v1/chat/completions', { model: 'up', messages: [{ role: 'user', content: 'hi' }] }], ['/v1/completions', { model: 'echo', prompt: 'hi' }], ['/v1/chat/completions', { model: 'echo', stream: true, messages: [{ role: 'user', content: 'hi' }] }]]) {
      const r = expectDescribed(await daemon.post(path, body), 'POST', path);
      assert.equal(r.status, 200, r.text);
      for (const header of Object.keys(doc.paths[path].post.responses[200].headers)) assert.ok(r.headers[header.toLowerCase()], header);
    }
    const made = expectDescribed(await daemon.post('/api/v1/inference-tasks', { model: 'echo', request: { messages: [{ role: 'user', content: 'hi' }] }, metadata: { a: 1 } }), 'POST', '/api/v1/inference-tasks');
    assert.equal(made.status, 201, made.text);
    task = made.json.id;
    for (const path of [`/api/v1/inference-tasks/${task}?wait_s=10`, `/api/v1/inference-tasks/${task}`]) assert.equal(expectDescribed(await daemon.get(path), 'GET', '/api/v1/inference-tasks/{id}').status, 200);
    expectDescribed(await daemon.send({ method: 'DELETE', path: `/api/v1/inference-tasks/${task}` }), 'DELETE', '/api/v1/inference-tasks/{id}');
    expectDescribed(await daemon.get(`/api/v1/inference-tasks/${task}/stream`), 'GET', '/api/v1/inference-tasks/{id}/stream');
    expectDescribed(await daemon.post('/api/v1/llms/echo/infer', { messages: [{ role: 'user', content: 'hi' }] }), 'POST', '/api/v1/llms/{name}/infer');
    expectDescribed(await daemon.get('/api/v1/inference-tasks?include=bodies&limit=2'), 'GET', '/api/v1/inference-tasks');
  });

  test('agents, profiles, pools and workers', async () => {
    const agent = '/api/v1/agents/reviewer', agents = '/api/v1/agents/{name}';
    assert.equal(expectDescribed(await daemon.put(agent, { llm: 'echo', system_prompt: 's', defaults: { temperature: 0.5 } }), 'PUT', agents).status, 200);
    assert.equal(expectDescribed(await daemon.get(agent), 'GET', agents).status, 200);
    assert.equal(expectDescribed(await daemon.post(`${agent}/chat`, { message: 'hi' }), 'POST', `${agents}/chat`).status, 200);
    assert.equal(expectDescribed(await daemon.put('/api/v1/profiles/gpu', { max_concurrent: 2, policy: 'fair', fair: { weights: { 'team-a': 4 } } }), 'PUT', '/api/v1/profiles/{name}').status, 200);
    assert.equal(expectDescribed(await daemon.get('/api/v1/profiles/gpu'), 'GET', '/api/v1/profiles/{name}').status, 200);
    assert.equal(expectDescribed(await daemon.put('/api/v1/pools/trio', { choice: 'affinity' }), 'PUT', '/api/v1/pools/{name}').status, 200);
    assert.equal(expectDescribed(await daemon.get('/api/v1/pools/trio'), 'GET', '/api/v1/pools/{name}').status, 200);
    const made = expectDescribed(await daemon.post('/api/v1/workers', { session: null, llms: [{ name: 'desk', type: 'openai', model: 'm' }] }), 'POST', '/api/v1/workers');
    assert.equal(made.status, 201, made.text);
    ({ session } = made.json);
    for (const [method, suffix] of [['GET', ''], ['POST', '/heartbeat'], ['POST', '/drain'], ['DELETE', '']]) {
      const r = await daemon.send({ method, path: `/api/v1/workers/${session}${suffix}`, ...(suffix === '/heartbeat' ? { body: {} } : {}) });
      assert.equal(expectDescribed(r, method, `/api/v1/workers/{id}${suffix}`).status, 200, `${suffix} ${r.text}`);
    }
    for (const [verb, body] of [['chunk', { data: 'x' }], ['result', { status: 200, body: {} }]]) expectDescribed(await daemon.post(`/api/v1/workers/${session}/tasks/${task}/${verb}`, body), 'POST', `/api/v1/workers/{session}/tasks/{task}/${verb}`);
    expectDescribed(await daemon.send({ method: 'DELETE', path: agent }), 'DELETE', agents);
  });

  test('every other GET', async () => {
    const named = { '/v1/models/{name}': '/v1/models/echo', '/api/v1/llms/{name}': '/api/v1/llms/up', '/assets/{name}': '/assets/main.js' };
    for (const o of operations()) {
      if (o.method !== 'get' || isStream(o.path) || (o.path.includes('{') && !named[o.path])) continue;
      const r = expectDescribed(await daemon.get(named[o.path] ?? o.path), 'GET', o.path);
      assert.equal(r.status, 200, `${o.name}: ${r.text.slice(0, 300)}`);
    }
    for (const path of ['/v1/models/{name}', '/api/v1/llms/{name}', '/api/v1/inference-tasks/{id}', '/api/v1/workers/{id}', '/api/v1/agents/{name}', '/api/v1/profiles/{name}', '/api/v1/pools/{name}']) {
      assert.equal(expectDescribed(await daemon.get(path.replace(/\{\w+\}/, 'nobody')), 'GET', path, 'of nobody').status, 404);
    }
    expectDescribed(await daemon.post('/login', { key: 'any' }), 'POST', '/login');
    expectDescribed(await daemon.post('/logout', {}), 'POST', '/logout');
    expectDescribed(await daemon.send({ method: 'POST', path: '/api/v1/admin/reload' }), 'POST', '/api/v1/admin/reload');
  });

  test('a slot', async () => {
    const taken = await daemon.post('/api/v1/slots', { profile: 'gpu' });
    assert.equal(expectDescribed(taken, 'POST', '/api/v1/slots').status, 201);
    for (const [method, suffix, body] of [['POST', '/mark', { event: 'started_http' }], ['POST', '/renew', {}], ['DELETE', '', { status: 'ok' }]]) {
      const r = await daemon.send({ method, path: `/api/v1/slots/${taken.json.id}${suffix}`, body });
      assert.equal(expectDescribed(r, method, `/api/v1/slots/{id}${suffix}`).status, 200, r.text);
    }
  });
});

test('it needs a key where keys are needed', { timeout: 30_000 }, async () => {
  const sha256 = crypto.createHash('sha256').update('sesame').digest('hex');
  const guarded = await startDaemon({ config: { auth: { mode: 'keys', keys: [{ id: 'k', owner: 'o', sha256 }] } } });
  try {
    expectError(await guarded.get('/openapi.json'), 'unauthorized');
    assert.equal((await guarded.get('/openapi.json', { authorization: 'Bearer sesame' })).status, 200);
    for (const o of operations().filter((each) => each.method === 'get' && !each.path.includes('{'))) {
      const { status } = await guarded.get(o.path);
      assert.equal(status === 401, !o.security, `${o.name} without a key: ${status}`);
    }
  } finally {
    await guarded.stop();
  }
});
