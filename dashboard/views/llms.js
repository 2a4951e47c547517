// LLMs and workers: who can run calls, how busy they are, and when they were last heard of.
import { inPath } from '../api.js';
import { h, renew } from '../dom.js';
import { orNone, shortId } from '../format.js';
import { agoColumn, confirm, deniedNote, hint, matches, meter, numberColumn, search, statusColumn, textColumn } from '../parts.js';
import { Table } from '../table.js';

export function create(ctx) {
  const { api, feed } = ctx;
  const filter = search(ctx, 'Filter');
  const note = h('div', {});
  const runningColumn = (used, all) => ({ id: used, label: 'In flight', width: 18, sort: (row) => row[used] / Math.max(1, row[all]), render: (cell, row) => meter(cell, row[used], row[all], `${row[used]} of ${row[all]} in use`) });

  async function drain(row, button) {
    const names = row.llms.map((l) => l.name).join(', ');
    if (!(await confirm(`Drain the worker of ${names}? It ends what it has and gets no new work.`, 'Drain the worker'))) return button.focus();
    await ctx.act(`the worker of ${names} is draining`, async () => {
      const worker = await api.post(`/api/v1/workers/${inPath(row.session)}/drain`, {});
      feed.state.workers = feed.state.workers.map((each) => (each.session === row.session ? worker : each));
    });
  }
  const llmTable = new Table({
    label: 'LLMs', key: (row) => row.name, onSort: (sort) => ctx.setParams({ sort }),
    columns: [
      textColumn('name', 'LLM', { isHead: true, width: 22, class: 'whole' }), statusColumn('status', 14), runningColumn('running', 'capacity'),
      textColumn('kind', 'Kind', { width: 10 }), textColumn('type', 'Type', { optional: true, width: 11 }),
      textColumn('model', 'Model', { optional: true }), textColumn('pool', 'Pool', { optional: true, width: 12 }), textColumn('tier', 'Tier', { optional: true, width: 9 }),
      textColumn('breaker', 'Breaker', { optional: true, width: 11, text: (row) => orNone(row.breaker === 'closed' ? null : row.breaker?.replace('_', '-')), title: (row) => (row.failures ? `${row.failures} calls failed in a row` : null) }),
      agoColumn('last_heartbeat_at', 'Heartbeat'), agoColumn('inactive_since', 'Away since', { rare: true }),
      textColumn('url', 'At', { optional: true }),
    ],
    empty: h('div', {}, hint('No LLMs. Start an LLM server on this machine (LM Studio, llama.cpp, Ollama, vLLM), or name one under “upstreams” in the configuration:', 'upstreams:\n  - {name: gpu, type: openai, url: "http://gpu-box:8000/v1", discover: true}')),
  });
  const workerTable = new Table({
    label: 'Workers', key: (row) => row.session, onSort: (workers) => ctx.setParams({ workers }),
    columns: [
      { id: 'session', label: 'Session', isHead: true, width: 11, class: 'mono', text: (row) => shortId(row.session), title: (row) => row.session, sort: (row) => row.session },
      textColumn('llms', 'LLMs', { width: 22, class: 'broad', text: (row) => row.llms.map((l) => l.name).join(', '), sort: (row) => row.llms[0]?.name }),
      statusColumn('state', 13), runningColumn('in_flight', 'capacity'),
      textColumn('bound', 'Connected', { width: 11, text: (row) => (row.kind === 'push' ? 'push' : row.bound ? 'yes' : 'no'), title: (row) => (row.kind === 'push' ? 'calls are sent to its own server' : null) }),
      agoColumn('last_heartbeat_at', 'Heartbeat'),
      numberColumn('done', 'Done', { width: 8 }), numberColumn('failed', 'Failed', { width: 8 }),
      textColumn('address', 'Address', { optional: true, text: (row) => orNone(row.address) }), agoColumn('connected_at', 'Since', { optional: true }),
      {
        id: 'drain', label: 'Drain', isMute: true, width: 9, class: 'action',
        render: (cell, row) => renew(cell, `${row.session}${row.state}`, () => {
          // A push worker says by heartbeat when it is to get nothing new.
          if (row.state === 'draining' || row.kind === 'push') return null;
          const button = h('button', { type: 'button', class: 'small', 'aria-label': `drain the worker of ${row.llms.map((l) => l.name).join(', ')}`, onclick: () => drain(row, button) }, 'Drain');
          return button;
        }),
      },
    ],
    empty: h('div', {}, hint('No workers. A machine that cannot be reached from here joins by itself (docs/protocol.md, Workers):',
      `curl ${location.origin}/api/v1/workers \\\n  -H 'Content-Type: application/json' \\\n  -d '{"session":null,"llms":[{"name":"laptop","type":"llamacpp","model":"qwen3-8b"}]}'`)),
  });
  const root = h('div', { class: 'view two' }, h('div', { class: 'toolbar' }, h('h1', {}, 'LLMs and workers'), filter.node), note,
    h('section', { 'aria-labelledby': 'llms-title' }, h('h2', { id: 'llms-title' }, 'LLMs'), llmTable.root),
    h('section', { 'aria-labelledby': 'workers-title' }, h('h2', { id: 'workers-title' }, 'Workers'), workerTable.root));

  function update() {
    const { q, sort, workers } = ctx.params, { state } = feed;
    filter.fill(q);
    // A worker's heartbeat is one of all its LLMs.
    const beats = new Map(state.workers.map((w) => [w.session, w.last_heartbeat_at]));
    const models = state.llms.map((llm) => ({ ...llm, last_heartbeat_at: beats.get(llm.session) ?? llm.last_heartbeat_at }));
    llmTable.update(models.filter((row) => matches(row, q, ['name', 'model', 'pool', 'type', 'kind', 'status'])), { sort, isLoading: !state.isLoaded });
    workerTable.update(state.workers.filter((row) => matches({ ...row, names: row.llms.map((l) => l.name).join(' ') }, q, ['names', 'session', 'state', 'address'])), { sort: workers, isLoading: !state.isLoaded });
    const reasons = [state.denied.llms, state.denied.workers].filter(Boolean);
    renew(note, reasons.join('\n'), () => reasons.map(deniedNote));
  }
  const tick = (now) => { llmTable.tick(now); workerTable.tick(now); };
  return { root, update, tick, focusFilter: () => filter.node.querySelector('input').focus() };
}
