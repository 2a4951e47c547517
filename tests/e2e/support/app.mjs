// One app among several: a process of its own that makes `count` calls at once and prints, as one line of JSON, how each ended.
//   node app.mjs PORT MODEL PRIORITY COUNT DESCRIPTION
import { send } from './http.mjs';

const [port, model, priority, count, description] = process.argv.slice(2);
const calls = Array.from({ length: +count }, (_, i) => send(+port, {
  path: '/v1/chat/completions', body: { model, messages: [{ role: 'user', content: `${priority} ${i}` }] },
  headers: { 'X-Signalbox-Priority': priority, 'X-Signalbox-Description': description },
}, 60_000));
const answers = await Promise.all(calls);
console.log(JSON.stringify(answers.map((r) => ({ status: r.status, priority: r.headers['x-signalbox-priority'], waitMs: +r.headers['x-signalbox-queue-wait-ms'] }))));
