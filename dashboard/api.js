// The API, as this page asks it: same origin, JSON, with the key when there is one.

const KEY = 'signalbox.key';

export class ApiError extends Error {
  constructor(status, error) {
    super(error?.message ?? (status ? `The broker answered ${status}.` : 'The broker cannot be reached.'));
    Object.assign(this, { status, code: error?.code ?? '', grant: error?.grant });
  }
}

export class Api {
  constructor({ fetch: fetch_ = (...all) => fetch(...all), storage, onUnauthorized = () => {} } = {}) {
    Object.assign(this, { fetch: fetch_, storage, onUnauthorized });
  }

  headers() {
    const key = this.storage?.getItem(KEY);
    return key ? { Authorization: `Bearer ${key}` } : {};
  }

  async ask(method, path, { body, signal } = {}) {
    let response;
    try {
      response = await this.fetch(path, {
        method, signal, credentials: 'same-origin', redirect: 'error', cache: 'no-store',
        headers: { ...this.headers(), ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (e) {
      if (e?.name === 'AbortError') throw e;
      throw new ApiError(0);
    }
    let answer;
    try { answer = await response.json(); } catch { answer = undefined; }
    if (response.ok) return answer;
    if (response.status === 401) this.onUnauthorized();
    throw new ApiError(response.status, answer?.error);
  }

  get(path, options) { return this.ask('GET', path, options); }
  put(path, body) { return this.ask('PUT', path, { body }); }
  post(path, body) { return this.ask('POST', path, { body }); }
  delete(path) { return this.ask('DELETE', path); }

  /// @returns whether the key is good. A broker with /login keeps it in a cookie that no script can read; one without
  /// takes it from this tab's own storage.
  async logIn(key) {
    const post = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key }) };
    const login = await this.fetch('/login', { ...post, credentials: 'same-origin' });
    if (login.ok) {
      this.storage?.removeItem(KEY);
      return true;
    }
    const probe = await this.fetch('/api/v1/profiles', { headers: { Authorization: `Bearer ${key}` }, cache: 'no-store' });
    if (probe.status === 401) return false;
    this.storage?.setItem(KEY, key);
    return true;
  }
}

/// A name in a path; its slashes too.
export const inPath = (name) => encodeURIComponent(name);
