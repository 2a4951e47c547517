// Agents: names for an LLM or a pool together with how to ask it.
import { h, renew } from '../dom.js';
import { orNone } from '../format.js';
import { deniedNote, hint, matches, priorityColumn, search, textColumn } from '../parts.js';
import { Table } from '../table.js';

export function create(ctx) {
  const { api } = ctx;
  let rows = [], isLoaded = false, denied = '', isAsking = false;
  const filter = search(ctx, 'Filter');
  const note = h('div', {});
  const table = new Table({
    label: 'Agents', key: (row) => row.name, onSort: (sort) => ctx.setParams({ sort }),
    columns: [
      textColumn('name', 'Agent', { isHead: true, width: 20, class: 'whole' }),
      textColumn('target', 'Asks', { width: 22, class: 'broad', text: (row) => (row.llm ? row.llm : `pool ${row.pool}`), sort: (row) => row.llm ?? row.pool }),
      { ...priorityColumn, label: 'Class' },
      textColumn('description', 'Description', { optional: true }),
      {
        id: 'prompt', label: 'System prompt', width: 30, class: 'whole',
        render: (cell, row) => renew(cell, orNone(row.system_prompt), () => (row.system_prompt
          ? h('details', { class: 'inline' }, h('summary', {}, `${row.system_prompt.length} characters`), h('pre', { class: 'body', tabindex: '0', 'aria-label': `system prompt of ${row.name}` }, row.system_prompt)) : 'none')),
      },
      textColumn('defaults', 'Defaults', { optional: true, class: 'mono', text: (row) => (row.defaults && Object.keys(row.defaults).length ? JSON.stringify(row.defaults) : 'none'), sort: undefined }),
    ],
    empty: h('div', {}, hint('No agents. Make one:', `curl -X PUT ${location.origin}/api/v1/agents/reviewer \\\n  -H 'Content-Type: application/json' \\\n  -d '{"llm":"echo","system_prompt":"You review code.","priority":"workflow"}'`)),
  });
  const root = h('div', { class: 'view' }, h('div', { class: 'toolbar' }, h('h1', {}, 'Agents'), filter.node), note, table.root);

  async function load() {
    if (isAsking) return;
    isAsking = true;
    try {
      rows = (await api.get('/api/v1/agents')).agents;
      denied = '';
    } catch (e) {
      denied = e.message;
    } finally {
      isAsking = false;
    }
    isLoaded = true;
    show();
  }
  function show() {
    const { q, sort } = ctx.params;
    filter.fill(q);
    renew(note, denied, () => denied && deniedNote(denied));
    table.update(rows.filter((row) => matches(row, q, ['name', 'llm', 'pool', 'description', 'priority'])), { sort, isLoading: !isLoaded || Boolean(denied) });
  }
  let ticks = 0;
  load();
  return { root, update: show, tick: () => { if (++ticks % 5 === 0) load(); }, focusFilter: () => filter.node.querySelector('input').focus() };
}
