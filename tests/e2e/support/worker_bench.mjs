// A worker program between a scripted broker and a scripted local LLM server.
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { binary, cleanEnv } from './daemon.mjs';
import { startMockBroker } from './mock_broker.mjs';
import { guard } from './temp.mjs';
import { startUpstream } from './upstream.mjs';
import { until, within } from './wait.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
/// What starts each of the programs.
export const PROGRAMS = { 'signalbox worker': () => [binary(), 'worker'], 'examples/worker.py': () => ['python3', path.join(root, 'examples/worker.py')] };

export let broker, up;
let workers = [];

/// A worker program of the test's own, ended by its pid.
export function launch(command, args = [], env = {}) {
  const all = [...command.slice(1), '--broker', broker.url, '--upstream', up.url, '--llm', 'desk', ...args];
  const child = guard(spawn(command[0], all, { env: { ...cleanEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
  const worker = { child, stderr: '', exit: undefined };
  child.stderr.on('data', (b) => { worker.stderr += b; });
  worker.exited = new Promise((resolve) => child.once('exit', (code, signal) => { worker.exit = { code, signal }; resolve(worker.exit); }));
  worker.ended = (ms) => within(`the worker ends; stderr: ${worker.stderr}`, worker.exited, ms);
  workers.push(worker);
  return worker;
}
export async function launchBound(command, args, env) {
  const worker = launch(command, args, env);
  await broker.bound({ seen: () => worker.stderr });
  return worker;
}
export const spokenBy = (chunks) => chunks.map((c) => JSON.parse(c)).map((c) => c.choices?.[0]?.delta?.content ?? '').join('');
export const idle = () => until('the local server is idle', () => up.inFlight === 0);

export async function setUp() {
  broker = await startMockBroker();
  up = await startUpstream();
}
export async function tearDown() {
  for (const w of workers) if (!w.exit) { w.child.kill('SIGKILL'); await w.exited; }
  workers = [];
  await broker.stop();
  await up.stop();
}
