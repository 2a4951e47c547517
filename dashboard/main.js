// The page: which view is shown, the keys, the theme, the key form, and when things are drawn again.
import { Api, ApiError } from './api.js';
import { h, renew, setAttribute, setText } from './dom.js';
import { Feed } from './feed.js';
import { duration } from './format.js';
import { formatHash, parseHash } from './url.js';
import * as agents from './views/agents.js';
import * as calls from './views/calls.js';
import * as live from './views/live.js';
import * as llms from './views/llms.js';
import * as overview from './views/overview.js';
import * as profiles from './views/profiles.js';
import * as tasks from './views/tasks.js';

const VIEWS = {
  overview: { title: 'Overview', key: 'o', module: overview }, live: { title: 'Live', key: 'l', module: live },
  calls: { title: 'Calls', key: 'c', module: calls }, tasks: { title: 'Tasks', key: 't', module: tasks },
  profiles: { title: 'Profiles', key: 'p', module: profiles }, llms: { title: 'LLMs & workers', key: 'w', module: llms },
  agents: { title: 'Agents', key: 'a', module: agents },
};
const NAMES = Object.keys(VIEWS);
/// How often new data is drawn at most.
const DRAW_MS = 250;
const byId = (id) => document.getElementById(id);
const storageOf = (name) => { try { return window[name]; } catch { return undefined; } };

const api = new Api({ storage: storageOf('sessionStorage'), onUnauthorized: () => showKeyForm() });
const feed = new Feed({ api, isHidden: () => document.hidden });
let route, view, ctx, isKeyForm = false;

function makeContext() {
  return {
    api, feed, get params() { return route.params; }, get id() { return route.id; },
    /// Changes the URL; undefined takes a parameter out. Typing replaces, choosing is a step back can undo.
    setParams(patch, isReplaced = false) { go({ ...route, params: { ...route.params, ...patch } }, isReplaced); },
    open(id, from) {
      if (id) this.opener = from ?? document.activeElement;
      go({ ...route, id });
      if (!id) this.opener?.focus?.({ preventScroll: true });
    },
    refresh: draw, toast, act,
  };
}

function go(to, isReplaced) {
  const hash = formatHash(to);
  if (hash === location.hash) return;
  if (isReplaced) {
    history.replaceState(null, '', hash);
    routed();
  } else {
    location.hash = hash;
  }
}

function routed() {
  const before = route?.view;
  route = parseHash(location.hash, NAMES);
  if (isKeyForm) return;
  if (route.view !== before || !view) {
    view?.leave?.();
    ctx = makeContext();
    view = VIEWS[route.view].module.create(ctx);
    byId('content').replaceChildren(view.root);
    window.scrollTo(0, 0);
    document.title = `${VIEWS[route.view].title} · Signalbox`;
    for (const link of byId('views').children) setAttribute(link, 'aria-current', link.dataset.view === route.view ? 'page' : null);
    byId('views').querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
  draw();
}

let drawTimer;
function drawSoon() {
  drawTimer ??= setTimeout(() => { drawTimer = undefined; draw(); }, DRAW_MS);
}
function draw() {
  drawHealth();
  if (view && !isKeyForm && !document.hidden) view.update();
}

function drawHealth() {
  const health = feed.health(), { silentMs } = health;
  const word = isKeyForm ? 'key needed' : health.word;
  const node = byId('health');
  setText(node, word === 'stale' || (word === 'offline' && silentMs) ? `${word}, ${silentMs < 60_000 ? `${Math.floor(silentMs / 1000)} s` : duration(silentMs)}` : word);
  setAttribute(node, 'data-word', word);
  const { version, uptimeS } = feed.state;
  setAttribute(node, 'title', [version && `version ${version}`, uptimeS && `up for ${duration(uptimeS * 1000)}`].filter(Boolean).join(', ') || (word === 'polling' ? 'asked every two seconds' : null));
}

let toastTimer;
function toast(text, isBad = false) {
  const node = byId('toast');
  setText(node, text);
  node.className = isBad ? 'shown bad' : 'shown';
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { node.className = ''; setText(node, ''); }, isBad ? 8000 : 4000);
}
/// Does something at the broker, says how it went, and shows it.
async function act(done, what) {
  try {
    await what();
    toast(`${done[0].toUpperCase()}${done.slice(1)}.`);
  } catch (e) {
    if (!(e instanceof ApiError)) throw e;
    toast(e.message, true);
  }
  feed.nudge();
  draw();
}

function showKeyForm() {
  if (isKeyForm) return;
  isKeyForm = true;
  feed.stop();
  view?.leave?.();
  view = undefined;
  const input = h('input', { type: 'password', name: 'key', autocomplete: 'off', required: true, spellcheck: 'false' });
  const said = h('p', { class: 'error-text', role: 'alert' });
  const form = h('form', { class: 'card key-form' }, h('h1', {}, 'This broker asks for a key'),
    h('p', {}, 'It shows what the key may see. Make one with ', h('code', {}, 'signalbox keys new'), '.'),
    h('label', { class: 'field' }, h('span', {}, 'Key'), input), said, h('button', { type: 'submit' }, 'Use this key'));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    setText(said, '');
    try {
      if (!(await api.logIn(input.value.trim()))) { setText(said, 'The broker does not know this key.'); return input.select(); }
    } catch {
      return setText(said, 'The broker cannot be reached.');
    }
    isKeyForm = false;
    feed.start();
    routed();
  });
  byId('content').replaceChildren(form);
  drawHealth();
  input.focus();
}

const THEMES = ['auto', 'light', 'dark'];
function drawTheme() {
  const theme = document.documentElement.dataset.theme ?? 'auto';
  setText(byId('theme'), { auto: '◐ auto', light: '○ light', dark: '● dark' }[theme]);
  setAttribute(byId('theme'), 'aria-label', `Theme: ${theme}`);
  view?.themed?.();
}
function nextTheme() {
  const now = document.documentElement.dataset.theme ?? 'auto';
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  if (next === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try { localStorage.setItem('signalbox.theme', next); } catch { /* lasts as long as the page */ }
  drawTheme();
}

function showHelp() {
  if (document.querySelector('dialog[open]')) return;
  const keys = [['/', 'to the filter'], ['Esc', 'closes what is open'], ['↑ ↓', 'from row to row'], ['d', 'theme: system, light, dark'], ...NAMES.map((name) => [`g ${VIEWS[name].key}`, VIEWS[name].title]), ['?', 'this list']];
  const dialog = h('dialog', { 'aria-labelledby': 'help-title' }, h('form', { method: 'dialog' }, h('h2', { id: 'help-title' }, 'Keys'),
    h('dl', { class: 'facts' }, keys.map(([key, what]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, what)])), h('div', { class: 'buttons' }, h('button', { class: 'quiet' }, 'Close'))));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

let isGo = false, goTimer;
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  const isTyping = event.target.matches('input:not([type=checkbox]),select,textarea');
  if (event.key === 'Escape') {
    if (isTyping) { if (event.target.matches('[data-filter]') && event.target.value) clearFilter(event.target); event.target.blur(); return; }
    if (view?.escape?.()) event.preventDefault();
    return;
  }
  if (isTyping) return;
  if (isGo) {
    isGo = false;
    const name = NAMES.find((each) => VIEWS[each].key === event.key);
    if (name) { event.preventDefault(); location.hash = formatHash({ view: name }); }
    return;
  }
  const keys = { '/': () => view?.focusFilter?.(), '?': showHelp, d: nextTheme, g: () => { isGo = true; clearTimeout(goTimer); goTimer = setTimeout(() => { isGo = false; }, 1200); } };
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
}
function clearFilter(input) {
  input.value = '';
  ctx.setParams({ q: undefined }, true);
}

renew(byId('views'), 'views', () => NAMES.map((name) => h('a', { href: formatHash({ view: name }), 'data-view': name }, VIEWS[name].title)));
byId('theme').addEventListener('click', nextTheme);
byId('help').addEventListener('click', showHelp);
document.querySelector('.skip').addEventListener('click', (event) => { event.preventDefault(); byId('content').focus(); });
document.addEventListener('keydown', pressed);
document.addEventListener('visibilitychange', () => { if (!document.hidden) { feed.nudge(); draw(); } });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawTheme);
window.addEventListener('hashchange', routed);
feed.onChange(drawSoon);
setInterval(() => { drawHealth(); if (view && !isKeyForm && !document.hidden) view.tick?.(Date.now()); }, 1000);
// Chart.js comes with `defer`, before this module runs.
routed();
drawTheme();
feed.start();
