// What the benchmarks share: programs that are started in a temporary folder and ended by their pid, a daemon of their
// own, what /proc says about a process, and medians. Loopback only. Nothing here fails on a slow figure.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/// --name value and --name; `defaults` tells which there are.
export function options(defaults) {
  const given = { ...defaults };
  const words = process.argv.slice(2);
  for (let i = 0; i < words.length; ++i) {
    const name = words[i].replace(/^--/, '');
    if (!words[i].startsWith('--') || !(name in defaults)) {
      console.error(`unknown option ${words[i]}; there are: ${Object.keys(defaults).map((each) => `--${each}`).join(' ')}`);
      process.exit(2);
    }
    if (typeof defaults[name] === 'boolean') given[name] = true;
    else given[name] = typeof defaults[name] === 'number' ? Number(words[++i]) : words[++i];
  }
  return given;
}

/// SIGNALBOX_BIN, else the release build: figures of another build say nothing.
export function binary() {
  const bin = path.resolve(process.env.SIGNALBOX_BIN ?? path.join(root, 'build/release/signalbox'));
  if (!fs.existsSync(bin)) throw new Error(`no ${bin}: build it, or set SIGNALBOX_BIN`);
  return bin;
}

/// A tool of this folder, built beside the daemon. SIGNALBOX_BENCH_DIR says where if it is not there.
export function tool(name) {
  const folders = [process.env.SIGNALBOX_BENCH_DIR, path.join(path.dirname(binary()), 'benchmarks'),
    path.join(root, 'build/release/benchmarks')];
  const found = folders.filter(Boolean).map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
  if (!found) throw new Error(`no ${name}: build the target ${name}, or set SIGNALBOX_BENCH_DIR`);
  return found;
}

/// @returns the path of a program, or null.
export function which(name) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file)) ?? null;
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// -- what is started, and its end -----------------------------------------------------------------------------------

const running = new Set();
const folders = new Set();

/// A folder on the real disk: a sync that costs nothing would flatter. SIGNALBOX_BENCH_TMP chooses another.
export function temporaryFolder() {
  const folder = fs.mkdtempSync(path.join(process.env.SIGNALBOX_BENCH_TMP ?? os.tmpdir(), 'signalbox-bench-'));
  folders.add(folder);
  return folder;
}

export function start(program, args, extra = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...extra });
  running.add(child);
  child.text = '';
  child.stdout?.on('data', (bytes) => { child.text = (child.text + bytes).slice(-65536); });
  child.stderr?.on('data', (bytes) => { child.text = (child.text + bytes).slice(-65536); });
  child.ended = new Promise((done) => {
    child.once('error', (error) => { running.delete(child); child.text += String(error); done(-1); });
    child.once('close', (code, signal) => {
      running.delete(child);
      // A figure of a run in which something else ended a program is none: say which, and by what.
      if (!child.is_wanted_gone && (signal || code !== 0)) console.error(`! ${program} (pid ${child.pid}) ended by itself or by others: code ${code}, signal ${signal}\n${child.text.slice(-600)}`);
      done(code);
    });
  });
  return child;
}

/// SIGTERM to the one pid, SIGKILL when it has not ended in time.
export async function stop(child, patience_ms = 15_000) {
  if (!running.has(child)) return;
  child.is_wanted_gone = true;
  child.kill('SIGTERM');
  if (await Promise.race([child.ended.then(() => true), sleep(patience_ms)])) return;
  child.kill('SIGKILL');
  await child.ended;
}

/// Runs to the end, at most `limit_ms`. @returns its output; throws on another exit code than 0.
export async function run(program, args, limit_ms = 120_000, extra = {}) {
  const child = start(program, args, extra);
  const cut = setTimeout(() => child.kill('SIGKILL'), limit_ms);
  const code = await child.ended;
  clearTimeout(cut);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${child.text}`);
  return child.text;
}

/// Runs the benchmark; whatever comes of it, nothing that was started stays.
export async function main(body) {
  let code = 0;
  const clean = async () => {
    await Promise.all([...running].map((child) => stop(child)));
    for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => clean().then(() => process.exit(130)));
  try {
    await body();
  } catch (error) {
    console.error(error.stack ?? String(error));
    code = 1;
  }
  await clean();
  process.exit(code);
}

// -- the programs ---------------------------------------------------------------------------------------------------

/// One GET on a connection of its own. @returns the status, 0 when there is nobody.
export function status(port, path_) {
  return new Promise((done) => {
    const request = http.get({ host: '127.0.0.1', port, path: path_, agent: false, timeout: 2000 }, (answer) => {
      answer.resume();
      answer.once('end', () => done(answer.statusCode));
      answer.once('error', () => done(0));
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => done(0));
  });
}

export async function untilStatus(child, port, path_, wanted, limit_ms = 20_000, pause_ms = 20) {
  const end = Date.now() + limit_ms;
  while (await status(port, path_) !== wanted) {
    if (!running.has(child)) throw new Error(`${child.spawnfile} ended:\n${child.text}`);
    if (Date.now() > end) throw new Error(`${child.spawnfile} does not answer ${path_} with ${wanted}:\n${child.text}`);
    await sleep(pause_ms);
  }
}

/// The broker in front of one upstream with room for everything. @returns {child, port, store, folder}.
export async function startBroker({ upstream, commit = 'sync', capacity = 1024, extra = {}, bin = binary() } = {}) {
  const folder = temporaryFolder();
  const port = await freePort();
  const store = path.join(folder, 'store');
  const profile = { max_concurrent: capacity, max_queued: 10_000, default_queue_wait_s: 600, default_inference_s: 600 };
  const config = {
    http: { port },
    store: { path: store, map_size_gb: 8, commit },
    echo: { enabled: false },
    upstreams: upstream === undefined ? [] :
      [{ name: 'bench', type: 'openai', url: `http://127.0.0.1:${upstream}`, models: ['bench'], capacity }],
    // Whatever name the profile gets, the header of the load names this one.
    inference: { profiles: { bench: profile } },
    ...extra,
  };
  const file = path.join(folder, 'signalbox.yaml');
  fs.writeFileSync(file, JSON.stringify(config, null, 1));  // JSON is YAML
  const child = start(bin, ['serve', '--config', file], { cwd: folder });
  await untilStatus(child, port, '/readyz', 200);
  return { child, port, store, folder };
}

/// LMDB counts its write transactions; the last one's number, read beside the daemon.
export async function lastTransaction(store) {
  const text = await run('mdb_stat', ['-e', path.join(store, 'database')]);
  return Number(/Last transaction ID: (\d+)/.exec(text)[1]);
}

// -- figures --------------------------------------------------------------------------------------------------------

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const ticks_per_s = 100;  // USER_HZ, the same everywhere on Linux

/// CPU seconds so far, resident MiB now and at most, threads.
export function processFigures(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  const text = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return {
    user_s: Number(fields[11]) / ticks_per_s,
    system_s: Number(fields[12]) / ticks_per_s,
    cpu_s: (Number(fields[11]) + Number(fields[12])) / ticks_per_s,
    rss_mib: kib('VmRSS') / 1024,
    // The store's mapped file counts in VmRSS though the kernel may drop it at any time.
    anonymous_mib: kib('RssAnon') / 1024,
    peak_rss_mib: kib('VmHWM') / 1024,
    threads: kib('Threads'),
  };
}

export function machine() {
  const load = os.loadavg().map((each) => each.toFixed(1)).join(' ');
  return `${os.cpus().length} cores ${os.cpus()[0]?.model.trim()}, kernel ${os.release()}, load ${load}`;
}

export const row = (...cells) => console.log(cells.map((cell, i) => (i === 0 ? String(cell).padEnd(34) : String(cell).padStart(14))).join(''));
