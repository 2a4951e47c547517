// An LLM that costs nothing, and who calls it as fast as it can.
import fs from 'node:fs';
import path from 'node:path';
import { freePort, root, run, start, temporaryFolder, untilStatus, which } from './support.mjs';

const completion = JSON.stringify({
  id: 'chatcmpl-benchmark', object: 'chat.completion', created: 1700000000, model: 'bench',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'All work and no play makes a dull day. '.repeat(20) } }],
  usage: { prompt_tokens: 200, completion_tokens: 180, total_tokens: 380 },
});

/// @returns {child, port} of an nginx that answers every call with the same 1 KB.
export async function startNginx() {
  const folder = temporaryFolder();
  const port = await freePort();
  const conf = path.join(folder, 'nginx.conf');
  fs.writeFileSync(conf, `
daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 75; default_type application/json;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((each) => `${each}_temp_path ${folder}/${each};`).join(' ')}
  server { listen 127.0.0.1:${port} backlog=4096; location / { return 200 '${completion}'; } }
}
`);
  const child = start(which('nginx'), ['-p', folder, '-c', conf, '-e', `${folder}/error.log`], { cwd: folder });
  await untilStatus(child, port, '/', 200);
  return { child, port };
}

/// `connections` that call as fast as they are answered. @returns the figures; throws when a call failed.
export async function load(port, connections, duration_s) {
  const script = path.join(root, 'tests/benchmarks/chat.lua');
  const text = await run('wrk', ['-t1', `-c${connections}`, `-d${duration_s}s`, '--timeout', '30s', '-s', script, `http://127.0.0.1:${port}`],
    duration_s * 1000 + 60_000);
  const pairs = (/RESULT (.*)/.exec(text)?.[1] ?? "").split(" ").map((pair) => pair.split("="));
  const found = Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]));
  if (!found.calls) throw new Error(`wrk says nothing:\n${text}`);
  if (found.status || found.socket) throw new Error(`${found.status} calls failed, ${found.socket} on their sockets:\n${text}`);
  return { ...found, per_s: found.calls / found.us * 1e6 };
}
