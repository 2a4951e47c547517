// Live calls: what runs and what waits, in the order of admission.
import { h, renew, setText } from '../dom.js';
import { duration, instant, orNone, shortId } from '../format.js';
import { callHint, confirm, deniedNote, matches, numberColumn, priorityColumn, search, statusColumn, textColumn } from '../parts.js';
import { isLive, tokensOut, withPositions } from '../ring.js';
import { Table } from '../table.js';
import { inPath } from '../api.js';

const FIELDS = ['id', 'profile', 'model', 'pool', 'backend', 'owner', 'description', 'priority', 'status', 'request_id'];

/// Running first, oldest first; then the waiting in the order of admission. Pure.
export function liveRows(rows) {
  const running = rows.filter((row) => row.status === 'running').sort((a, b) => ((a.admitted_at ?? '') < (b.admitted_at ?? '') ? -1 : 1));
  return [...running, ...withPositions(rows)];
}
const waited = (row, now) => (row.admitted_at ? row.queue_wait_ms ?? instant(row.admitted_at) - instant(row.queued_at) : now - instant(row.queued_at));
const elapsed = (row, now) => (row.admitted_at ? now - instant(row.admitted_at) : undefined);

export function create(ctx) {
  const { feed } = ctx;
  const filter = search(ctx, 'Filter');
  const total = h('p', { class: 'total digits', 'aria-live': 'off' });
  const denied = h('div', {});

  async function cancel(row, button) {
    if (!(await confirm(`Cancel call ${shortId(row.id)}${row.description ? ` (${row.description})` : ''}?`, 'Cancel the call'))) return button.focus();
    await ctx.act(`call ${shortId(row.id)} cancelled`, () => ctx.api.delete(row.kind === 'slot' ? `/api/v1/slots/${inPath(row.id)}` : `/api/v1/inference-tasks/${inPath(row.id)}`));
  }
  const columns = [
    { id: 'id', label: 'Id', isHead: true, width: 11, class: 'mono', render: (cell, row) => renew(cell, row.id, () => h('a', { href: `#/calls/${inPath(row.id)}`, title: row.id }, shortId(row.id))) },
    statusColumn('status', 11), priorityColumn,
    numberColumn('position', 'Place', { width: 7, hint: 'in its profile’s line', text: (row) => (row.position ? `#${row.position}` : '') }),
    { id: 'waited', label: 'Waited', number: true, isClock: true, width: 10, text: (row, now) => duration(waited(row, now)), sort: (row) => waited(row, Date.now()) },
    { id: 'elapsed', label: 'Elapsed', number: true, isClock: true, width: 10, text: (row, now) => (row.admitted_at ? duration(elapsed(row, now)) : ''), sort: (row) => elapsed(row, Date.now()) },
    { id: 'stage', label: 'Stage', optional: true, width: 13, text: (row) => (!row.admitted_at ? 'in line' : row.first_token_at ? 'streaming' : row.started_http_at ? 'no token yet' : 'handed over') },
    numberColumn('tokens', 'Tokens', { width: 9, rare: true, text: (row) => orNone(tokensOut(row)), sort: tokensOut }),
    textColumn('profile', 'Profile', { optional: true, width: 24 }), textColumn('backend', 'Runs on', { optional: true, width: 13 }),
    textColumn('description', 'Description', { class: 'broad' }), textColumn('owner', 'Owner', { optional: true, width: 10 }),
    {
      id: 'cancel', label: 'Cancel', isMute: true, width: 10, class: 'action',
      render: (cell, row) => renew(cell, row.id, () => {
        const button = h('button', { type: 'button', class: 'small danger', 'aria-label': `cancel call ${shortId(row.id)}`, onclick: () => cancel(row, button) }, 'Cancel');
        return button;
      }),
    },
  ];
  const table = new Table({ label: 'Live calls', columns, onSort: (sort) => ctx.setParams({ sort }), empty: h('div', {}, h('p', {}, 'Nothing runs and nothing waits.'), callHint()) });
  const root = h('div', { class: 'view' }, h('div', { class: 'toolbar' }, h('h1', {}, 'Live calls'), total, filter.node), denied, table.root);

  function update() {
    const { q, sort } = ctx.params;
    filter.fill(q);
    const all = liveRows(feed.calls.all().filter(isLive));
    const rows = all.filter((row) => matches(row, q, FIELDS));
    const running = all.filter((row) => row.status === 'running').length;
    setText(total, `${running} running, ${all.length - running} waiting${q ? `; ${rows.length} shown` : ''}`);
    renew(denied, feed.state.denied.calls ?? '', () => feed.state.denied.calls && deniedNote(feed.state.denied.calls));
    table.update(rows, { sort, isLoading: !feed.state.isLoaded });
  }
  return { root, update, tick: (now) => table.tick(now), focusFilter: () => filter.node.querySelector('input').focus() };
}
