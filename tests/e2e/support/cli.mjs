// What tests of the command line share: its exit codes, a stand-in for the daemon, and a terminal.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { spawn } from 'node:child_process';
import { binary, cleanEnv, run } from './daemon.mjs';
import { guard } from './temp.mjs';
import { until, within } from './wait.mjs';

export const CODE = { ok: 0, failure: 1, usage: 2, timedOut: 3, key: 4, unreachable: 5, rejected: 6, taskFailed: 7, interrupted: 130 };
export const told = (r) => `exit code ${r.code}${r.late ? ' (did not end by itself)' : ''}\nstdout: ${r.stdout.slice(0, 1500)}\nstderr: ${r.stderr.slice(0, 1500)}`;

/// Ended with `code`, and nothing but text in what it printed.
export function expectExit(r, code) {
  assert.equal(r.late, false, told(r));
  assert.equal(r.code, code, told(r));
  assert.ok(!/[\x00-\x08\x0b-\x1f\x7f]/.test(r.stdout + r.stderr), `no control characters: ${JSON.stringify(told(r))}`);
  if (code !== CODE.ok) assert.ok(r.stderr.trim().length > 0, `it says why on stderr: ${told(r)}`);
  return r;
}

export const errorBody = (code, message, status = 400) => ({ status, body: { error: { message, type: 'invalid_request_error', code, param: null, request_id: 'r', source: 'broker' } } });

/// An HTTP server that answers as `answer(request)` says: {status?, headers?, body} for JSON, {events: [text, ...], hold?, cut?} for a stream (each
/// element one write; `hold` keeps it open), or undefined for 404. Requests are kept in `requests` as {method, path, query, headers, body}.
/// On `port` if that is given.
export async function startMock(answer, port = 0) {
  const requests = [];
  const server = http.createServer(async (req, res) => {
    let text = '';
    for await (const piece of req) text += piece;
    const url = new URL(req.url, 'http://x');
    const request = { method: req.method, path: url.pathname, query: url.search, headers: req.headers, body: text ? JSON.parse(text) : undefined, isGone: false };
    requests.push(request);
    res.on('close', () => { request.isGone = !res.writableFinished; });
    const reply = (await answer(request)) ?? errorBody('not_found', `there is nothing at ${url.pathname}`, 404);
    if (!reply.events) {
      res.writeHead(reply.status ?? 200, { 'Content-Type': 'application/json', ...reply.headers });
      res.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
      return;
    }
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const event of reply.events) {
      await new Promise((r) => { setTimeout(r, 5); });
      res.write(event);
    }
    // Else what was written last would go down with the connection.
    if (reply.cut) res.write(': cut\n\n', () => setTimeout(() => res.destroy(), 50));
    else if (!reply.hold) res.end();
  });
  await new Promise((r) => { server.listen(port, '127.0.0.1', r); });
  const base = `http://127.0.0.1:${server.address().port}`;
  return {
    base, requests,
    cli: (args, options = {}) => run(args, { ...options, env: { SIGNALBOX_URL: base, ...options.env } }),
    stop: () => new Promise((r) => { server.close(r); server.closeAllConnections(); }),
  };
}

export const sse = (event, data, id) => `${event ? `event: ${event}\n` : ''}${id ? `id: ${id}\n` : ''}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
export const chunk = (content) => sse('', { choices: [{ delta: { content } }] });
export const done = 'data: [DONE]\n\n';

/// The command at a terminal of its own (util-linux `script`): {type(text), shows(what, test), ended, screen()}.
export function atTerminal(args, { env = {}, rows = 24, columns = 100 } = {}) {
  const quoted = [binary(), ...args].map((a) => `'${a.replaceAll("'", "'\\''")}'`).join(' ');
  const command = `stty rows ${rows} cols ${columns}; exec ${quoted}`;
  const child = guard(spawn('script', ['-qec', command, '/dev/null'], { env: { ...cleanEnv(), ...env, SHELL: '/bin/sh' }, stdio: ['pipe', 'pipe', 'pipe'] }));
  let screen = '';
  child.stdout.on('data', (b) => { screen += b; });
  const ended = new Promise((r) => { child.once('close', (code) => r(code)); });
  return {
    type: (text) => child.stdin.write(text),
    shows: (what, test) => until(what, () => (test(screen) ? screen : undefined), { seen: () => screen }),
    screen: () => screen,
    /// Of the command itself, which `script` has started.
    pid: () => Number(fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')[0]),
    ended: () => within('it ends', ended),
  };
}
