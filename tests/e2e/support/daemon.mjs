// A signalbox daemon of the test's own: its own folder, store, port and configuration; ended by its pid.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { guard, tempDir } from './temp.mjs';
import { open, send } from './http.mjs';
import { until, within } from './wait.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/// SIGNALBOX_BIN, else the newest binary of the usual build folders.
export function binary() {
  if (process.env.SIGNALBOX_BIN) return path.resolve(process.env.SIGNALBOX_BIN);
  const found = ['dev', 'release', 'asan-ubsan', 'tsan'].map((p) => path.join(root, 'build', p, 'signalbox')).filter((p) => fs.existsSync(p));
  if (!found.length) throw new Error('no signalbox binary under build/: build it, or set SIGNALBOX_BIN');
  return found.sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs)[0];
}

/// Where each thread of a process that does not end stands; empty where there is no gdb.
function stacks(pid) {
  const run = spawnSync('gdb', ['-batch', '-p', String(pid), '-ex', 'thread apply all bt 12'], { encoding: 'utf8', timeout: 60_000 });
  return (run.stdout ?? '').split('\n').filter((line) => /^(Thread|#)/.test(line)).map((line) => line.slice(0, 160)).join('\n');
}

/// A port that is free now. Kept over restarts of one daemon, so that callers find it again.
export const freePort = () => new Promise((resolve, reject) => {
  const probe = net.createServer();
  probe.once('error', reject);
  probe.listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});

/// Block YAML of plain objects; lists and scalars in flow style (JSON is YAML).
export function toYaml(value, indent = '') {
  return Object.entries(value).filter(([, v]) => v !== undefined).map(([key, v]) => {
    const name = /^[a-z_]+$/.test(key) ? key : JSON.stringify(key);
    if (v !== null && typeof v === 'object' && !Array.isArray(v) && Object.keys(v).length) return `${indent}${name}:\n${toYaml(v, `${indent}  `)}`;
    if (Array.isArray(v) && v.length && typeof v[0] === 'object') return `${indent}${name}:\n${v.map((x) => `${indent}  - ${flow(x)}\n`).join('')}`;
    return `${indent}${name}: ${flow(v)}\n`;
  }).join('');
}
function flow(v) {
  if (Array.isArray(v)) return `[${v.map(flow).join(', ')}]`;
  if (v !== null && typeof v === 'object') return `{${Object.entries(v).filter(([, x]) => x !== undefined).map(([k, x]) => `${/^[a-z_]+$/.test(k) ? k : JSON.stringify(k)}: ${flow(x)}`).join(', ')}}`;
  return JSON.stringify(v);
}

/// This process's environment without what would configure a daemon or a client.
export const cleanEnv = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SIGNALBOX_')));

const SANITIZER = /AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehavior|runtime error:|SIGNALBOX_ASSERT|Assertion .* failed/;

export class Daemon {
  /// `config` without http.port and store.path gets its own; with `config: null` no file is given at all.
  constructor({ config = {}, dir = tempDir(), port, env = {}, args = [], bin = binary() } = {}) {
    Object.assign(this, { config, dir, port, env, args, bin });
    this.file = path.join(dir, 'signalbox.yaml');
    this.store = config?.store?.path ?? path.join(dir, 'store');
    this.output = '';
    this.logs = '';
  }

  writeConfig(config = this.config) {
    this.config = config;
    const whole = {
      ...config,
      http: { port: this.port, ...config.http },
      store: { path: this.store, map_size_gb: 1, ...config.store },
      upstreams: config.upstreams ?? [],
    };
    fs.writeFileSync(this.file, toYaml(whole));
  }

  spawn() {
    const args = ['serve', ...(this.config === null ? [] : ['--config', this.file]), ...this.args];
    this.output = '';
    this.logs = '';
    const child = guard(spawn(this.bin, args, { cwd: this.dir, env: { ...cleanEnv(), ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] }));
    this.child = child;
    this.pid = child.pid;
    child.stdout.on('data', (b) => { this.output += b; });
    child.stderr.on('data', (b) => { this.logs += b; });
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => { this.exit = { code: null, signal: null, error }; resolve(this.exit); });
      child.once('close', (code, signal) => { this.exit = { code, signal }; resolve(this.exit); });
    });
    this.exit = undefined;
    return this;
  }

  async start({ within: ms = 20_000 } = {}) {
    if (this.config !== null) {
      this.port ??= await freePort();
      this.writeConfig();
    } else {
      this.port ??= 8642;
    }
    this.spawn();
    await until(`${this.bin} serve is ready on port ${this.port}`, async () => {
      if (this.exit) return true;
      return (await send(this.port, { method: 'GET', path: '/readyz' }, 2000)).status === 200;
    }, { within: ms, seen: () => ({ exit: this.exit, stderr: this.logs.slice(-1500), stdout: this.output.slice(-500) }) });
    if (this.exit) throw new Error(`the daemon ended at start: ${JSON.stringify(this.exit)}\nstdout: ${this.output}\nstderr: ${this.logs}`);
    return this;
  }

  get base() { return `http://127.0.0.1:${this.port}`; }
  get alive() { return this.child !== undefined && this.exit === undefined; }

  signal(name) { process.kill(this.pid, name); }

  /// As a power cut to the process: nothing of its own runs any more.
  async kill() {
    if (this.alive) this.signal('SIGKILL');
    await this.exited;
  }

  /// In good order; killed when it does not end, which is a failure of its own.
  async stop({ ms = 20_000 } = {}) {
    if (!this.child) return undefined;
    if (this.alive) {
      this.signal('SIGTERM');
      try {
        await within(`the daemon (pid ${this.pid}) ends after SIGTERM`, this.exited, ms);
      } catch (e) {
        const seen = stacks(this.pid);
        await this.kill();
        throw new Error(`${e.message}; stderr: ${this.logs.slice(-1500)}\n${seen}`);
      }
    }
    if (SANITIZER.test(this.logs)) throw new Error(`the daemon complained:\n${this.logs.slice(-6000)}`);
    return this.exit;
  }

  async restart() {
    await this.kill();
    return this.start();
  }

  open(options) { return open(this.port, options); }
  send(options, ms) { return send(this.port, options, ms); }
  get(path_, headers = {}) { return send(this.port, { method: 'GET', path: path_, headers }); }
  post(path_, body, headers = {}, ms) { return send(this.port, { method: 'POST', path: path_, body, headers }, ms); }
  put(path_, body, headers = {}) { return send(this.port, { method: 'PUT', path: path_, body, headers }); }

  chat(body, headers = {}, ms) { return this.post('/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }], ...body }, headers, ms); }
  openChat(body, headers = {}) {
    return open(this.port, { path: '/v1/chat/completions', body: { messages: [{ role: 'user', content: 'hi' }], ...body }, headers });
  }

  /// JSON of a GET that must succeed.
  async json(path_, headers = {}) {
    const r = await this.get(path_, headers);
    if (r.status !== 200) throw new Error(`GET ${path_}: status ${r.status}, ${r.text.slice(0, 400)}`);
    return r.json;
  }

  profile(name) { return this.json(`/api/v1/profiles/${encodeURIComponent(name)}`); }

  /// The profile once `test` holds for it.
  profileWhen(name, what, test, options = {}) {
    let last;
    return until(`profile ${name}: ${what}`, async () => {
      last = await this.profile(name);
      return test(last) ? last : undefined;
    }, { ...options, seen: () => last });
  }

  async calls(query = '') { return (await this.json(`/api/v1/calls?limit=1000${query}`)).calls; }

  /// The call rows that carry this description, once there are `count` of them and `test` holds for each.
  callsWhen(description, what, { count = 1, test = (row) => row.finished_at, ...options } = {}) {
    let last;
    return until(`${count} call row(s) described "${description}": ${what}`, async () => {
      last = (await this.calls()).filter((c) => c.description === description);
      return last.length === count && last.every(test) ? last : undefined;
    }, { ...options, seen: () => last });
  }

  async tasks(query = '') { return (await this.json(`/api/v1/inference-tasks?limit=500${query}`)).tasks; }
  task(id) { return this.json(`/api/v1/inference-tasks/${id}`); }
  taskWhen(id, what, test, options = {}) {
    let last;
    return until(`task ${id}: ${what}`, async () => {
      last = await this.task(id);
      return test(last) ? last : undefined;
    }, { ...options, seen: () => last });
  }

  /// Nothing runs and nothing waits in any profile.
  idle(options = {}) {
    let last;
    return until('all profiles are idle', async () => {
      last = (await this.json('/api/v1/profiles')).profiles;
      return last.every((p) => p.in_flight === 0 && p.waiting.interactive + p.waiting.workflow + p.waiting.background === 0);
    }, { ...options, seen: () => last });
  }

  /// Resident memory of the process. Unit: MiB.
  rssMib() {
    return +/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1] / 1024;
  }
}

export const startDaemon = (options) => new Daemon(options).start();

/// Runs the binary to its end: {code, signal, stdout, stderr, tookMs}. Killed by pid after `ms`.
export function run(args, { env = {}, cwd = root, input, ms = 20_000, bin = binary() } = {}) {
  return new Promise((resolve) => {
    const startedAt = Date.now();
    const child = guard(spawn(bin, args, { cwd, env: { ...cleanEnv(), ...env }, stdio: ['pipe', 'pipe', 'pipe'] }));
    let stdout = '', stderr = '', late = false;
    child.stdout.on('data', (b) => { stdout += b; });
    child.stderr.on('data', (b) => { stderr += b; });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const timer = setTimeout(() => { late = true; child.kill('SIGKILL'); }, ms);
    const done = (code, signal, error) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, late, error, tookMs: Date.now() - startedAt });
    };
    child.once('error', (e) => done(null, null, e));
    child.once('close', (code, signal) => done(code, signal));
  });
}
