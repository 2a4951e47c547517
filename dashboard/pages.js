// A list that is shown a page at a time: asks for the page that the URL names, asks for the newest one again every two
// seconds, and links to the next.
import { h, renew, setText } from './dom.js';
import { count } from './format.js';
import { deniedNote } from './parts.js';
import { formatHash, formatQuery } from './url.js';

const PAGE = 100;
const AGAIN_TICKS = 2;

export class Pages {
  /// @param options {view, path: of the API, rowsOf(answer), query(params): what the API is asked for, unique as JSON; sent(query): how it is
  /// written, asked anew each time; word: [one, many]; loaded(rows)}.
  constructor(ctx, { view, path, rowsOf, query, sent = (wanted) => wanted, word, loaded }) {
    Object.assign(this, { ctx, view, path, rowsOf, sent, word, loaded, rows: [], next: null, asked: '', asking: undefined, isLoaded: false, denied: '', ticks: 0 });
    this.query = () => ({ ...query(ctx.params), cursor: ctx.params.cursor, limit: PAGE });
    this.first = h('a', { class: 'button' }, 'Newest');
    this.older = h('a', { class: 'button' }, 'Older');
    this.where = h('span', { class: 'total digits' });
    this.nav = h('nav', { class: 'pager', 'aria-label': 'Pages' }, this.first, this.older, this.where);
    this.note = h('div', {});
  }

  async load() {
    const wanted = this.query(), signature = JSON.stringify(wanted);
    if (this.asking === signature) return;
    this.asking = signature;
    try {
      const answer = await this.ctx.api.get(`${this.path}?${formatQuery(this.sent(wanted))}`);
      // Another page is wanted by now: its answer is on its way.
      if (signature !== JSON.stringify(this.query())) return;
      this.rows = this.rowsOf(answer);
      this.next = answer.next_cursor;
      this.denied = '';
    } catch (e) {
      if (e.status === 401) return;
      this.denied = e.message;
    } finally {
      if (this.asking === signature) this.asking = undefined;
    }
    this.isLoaded = true;
    this.asked = signature;
    this.loaded(this.rows);
  }
  /// Asks when the URL names another page than the one that is here.
  follow() { if (this.asked !== JSON.stringify(this.query())) this.load(); }
  /// Once a second.
  tick() { if (++this.ticks % AGAIN_TICKS === 0 && !this.ctx.params.cursor) this.load(); }

  /// @param shown how many of the page's rows pass the filter.
  show(shown) {
    const { params } = this.ctx, { cursor } = params;
    const link = (to) => formatHash({ view: this.view, params: { ...params, cursor: to } });
    this.first.hidden = !cursor;
    this.first.href = link(undefined);
    this.older.hidden = !this.next;
    this.older.href = link(this.next ?? undefined);
    setText(this.where, this.isLoaded ? `${count(shown)} ${this.word[shown === 1 ? 0 : 1]}${cursor ? '' : ', newest first'}` : '');
    renew(this.note, this.denied, () => this.denied && deniedNote(this.denied));
  }
}
