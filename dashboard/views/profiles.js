// Profiles: slots and queues; the number of slots can be changed while calls run.
import { inPath } from '../api.js';
import { h, renew, setAttribute, setText } from '../dom.js';
import { count, orNone, seconds } from '../format.js';
import { callHint, deniedNote, matches, meter, numberColumn, search, textColumn } from '../parts.js';
import { PRIORITIES } from '../sort.js';
import { Table } from '../table.js';

const SLOTS_MAX = 10_000;

export function create(ctx) {
  const { api, feed } = ctx;
  const filter = search(ctx, 'Filter');
  const note = h('div', {});

  async function setSlots(name, control) {
    const input = control.querySelector('input');
    const wanted = Number(input.value);
    if (input.value === '' || !Number.isInteger(wanted) || wanted < 0 || wanted > SLOTS_MAX) {
      ctx.toast(`Slots are a whole number from 0 to ${SLOTS_MAX}.`, true);
      return;
    }
    await ctx.act(`${name} has ${wanted} ${wanted === 1 ? 'slot' : 'slots'} now`, async () => {
      const profile = await api.put(`/api/v1/profiles/${inPath(name)}`, { max_concurrent: wanted });
      feed.state.profiles = feed.state.profiles.map((each) => (each.name === name ? profile : each));
      control.dataset.dirty = '';
    });
  }
  function slotsCell(cell, row) {
    renew(cell, row.name, () => {
      const input = h('input', { type: 'number', min: '0', max: String(SLOTS_MAX), step: '1', class: 'slots digits', 'aria-label': `slots of ${row.name}` });
      const set = h('button', { type: 'submit', class: 'small', 'aria-label': `set the slots of ${row.name}` }, 'Set');
      const form = h('form', { class: 'slots-form' }, input, set);
      form.addEventListener('submit', (event) => { event.preventDefault(); setSlots(row.name, form); });
      input.addEventListener('input', () => { form.dataset.dirty = 'yes'; });
      input.addEventListener('keydown', (event) => {
        if (event.key !== 'Escape' || !form.dataset.dirty) return;
        event.stopPropagation();
        form.dataset.dirty = '';
        ctx.refresh();
      });
      return form;
    });
    const form = cell.firstChild, input = form.firstChild;
    // What somebody is typing is theirs until it is set or given up.
    if (!form.dataset.dirty && input.value !== String(row.max_concurrent)) input.value = String(row.max_concurrent);
  }
  const waitingColumn = (name) => numberColumn(`waiting_${name}`, name, {
    width: 12, class: `queue queue-${name}`, hint: `waiting, class ${name}`, sort: (row) => row.waiting[name],
    render: (cell, row) => {
      setText(cell, count(row.waiting[name]));
      setAttribute(cell, 'data-some', row.waiting[name] > 0 ? 'yes' : null);
    },
  });
  const columns = [
    textColumn('name', 'Profile', { isHead: true, width: 24, class: 'whole' }),
    { id: 'in_flight', label: 'In flight / slots', width: 17, sort: (row) => row.in_flight / Math.max(1, row.max_concurrent), render: (cell, row) => meter(cell, row.in_flight, row.max_concurrent, `${row.in_flight} of ${row.max_concurrent} slots in use`) },
    ...PRIORITIES.map(waitingColumn),
    numberColumn('estimated_wait_s', 'Est. wait', { width: 11, text: (row) => seconds(row.estimated_wait_s) }),
    { id: 'slots', label: 'Slots', width: 15, class: 'broad', render: slotsCell },
    numberColumn('admitted_total', 'Admitted', { optional: true, text: (row) => count(row.admitted_total) }),
    numberColumn('rejected_total', 'Rejected', { optional: true, text: (row) => count(row.rejected_total) }),
    numberColumn('max_queued', 'Queue', { optional: true, width: 8, hint: 'places per class' }),
    { id: 'budgets', label: 'Wait / run', optional: true, width: 19, class: 'digits', hint: 'default budgets', text: (row) => `${seconds(row.default_queue_wait_s)} / ${seconds(row.default_inference_s)}` },
    textColumn('policy', 'Policy', { rare: true, width: 9, text: (row) => `${orNone(row.policy)}` }),
  ];
  const table = new Table({ label: 'Profiles', columns, key: (row) => row.name, onSort: (sort) => ctx.setParams({ sort }), empty: h('div', {}, h('p', {}, 'No profiles yet: one comes into being with the first call of its kind.'), callHint()) });
  const root = h('div', { class: 'view' }, h('div', { class: 'toolbar' }, h('h1', {}, 'Profiles'), filter.node), note, table.root);

  function update() {
    const { q, sort } = ctx.params;
    filter.fill(q);
    renew(note, feed.state.denied.profiles ?? '', () => feed.state.denied.profiles && deniedNote(feed.state.denied.profiles));
    table.update(feed.state.profiles.filter((row) => matches(row, q, ['name', 'policy'])), { sort, isLoading: !feed.state.isLoaded });
  }
  return { root, update, focusFilter: () => filter.node.querySelector('input').focus() };
}
