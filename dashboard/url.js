// The URL is the state: `#/view?name=value`. Pure.

/// @returns {view, id, params}; `#/tasks/ID?status=error&status=cancelled` has params.status as a list.
export function parseHash(hash, views) {
  const text = hash.replace(/^#\/?/, '');
  const mark = text.indexOf('?');
  const path = mark < 0 ? text : text.slice(0, mark);
  const [view, ...rest] = path.split('/');
  const params = {};
  for (const [name, value] of new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1))) {
    if (value === '') continue;
    if (!Object.hasOwn(params, name)) params[name] = value;
    else params[name] = [].concat(params[name], value);
  }
  let id;
  try { id = decodeURIComponent(rest.join('/')) || undefined; } catch { id = undefined; }
  return views.includes(view) ? { view, id, params } : { view: views[0], id: undefined, params: {} };
}

export function formatQuery(params) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of [].concat(value ?? [])) if (each !== '') query.append(name, each);
  }
  return query.toString();
}

export function formatHash({ view, id, params = {} }) {
  const query = formatQuery(params);
  return `#/${view}${id ? `/${encodeURIComponent(id)}` : ''}${query ? `?${query}` : ''}`;
}

export const asList = (value) => (value === undefined ? [] : [].concat(value));

const SPANS = { '5m': 300, '15m': 900, '1h': 3600, '6h': 21600, '24h': 86400, '7d': 604800 };
export const SINCE_CHOICES = Object.keys(SPANS);
/// "15m" or an RFC 3339 time, as the API wants it; undefined when it is neither.
export function sinceTime(text, now = Date.now()) {
  if (!text) return undefined;
  if (Object.hasOwn(SPANS, text)) return new Date(now - SPANS[text] * 1000).toISOString();
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}
