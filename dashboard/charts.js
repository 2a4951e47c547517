// Line and bar charts of the last minutes, by Chart.js where the build has it.
import { h, setText } from './dom.js';
import { NONE } from './format.js';

export const hasCharts = () => typeof globalThis.Chart === 'function';
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/// A value without neighbours has no line, so it gets a point.
const isolated = ({ dataset, dataIndex: i }) => (dataset.data[i] !== null && (dataset.data[i - 1] ?? null) === null && (dataset.data[i + 1] ?? null) === null ? 2 : 0);

/// One chart with its heading, legend and newest value. `lines`: [{label, tone}] where tone is a colour's name in the style sheet.
export class TimeChart {
  constructor({ title, lines, format, isBars = false, hint }) {
    Object.assign(this, { title, lines, format, isBars });
    this.latest = h('span', { class: 'latest digits' }, NONE);
    this.box = h('div', { class: 'plot' });
    const legend = h('ul', { class: 'legend' }, lines.map((line) => h('li', {}, h('span', { class: `swatch tone-${line.tone}`, 'aria-hidden': 'true' }), line.label)));
    this.root = h('section', { class: 'card chart' }, h('header', {}, h('h3', { title: hint }, title), this.latest), this.box, legend);
    if (!hasCharts()) {
      this.box.append(h('p', { class: 'note' }, 'This build has no charts. Install Debian’s libjs-chart.js and build again.'));
      return;
    }
    this.canvas = h('canvas', { role: 'img', 'aria-label': title });
    this.box.append(this.canvas);
  }

  /// @param sets one list of numbers or nulls per line.
  update(times, sets, latest, summary) {
    setText(this.latest, latest);
    if (!this.canvas) return;
    this.canvas.setAttribute('aria-label', `${this.title}: ${summary}`);
    this.shown = { times, sets };
    if (!this.chart) this.make();
    this.fill();
    this.chart.update('none');
  }
  fill() {
    const { times, sets } = this.shown, { data } = this.chart;
    data.labels = times;
    sets.forEach((set, i) => { data.datasets[i].data = set; });
  }

  make() {
    this.chart = new globalThis.Chart(this.canvas, {
      type: this.isBars ? 'bar' : 'line',
      data: { labels: [], datasets: this.lines.map((line) => this.dataset(line)) },
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, normalized: true,
        interaction: { mode: 'index', intersect: false },
        elements: { point: { radius: isolated, hitRadius: 8, hoverRadius: 3 }, line: { borderWidth: 1.75, tension: 0 } },
        font: { family: getComputedStyle(document.body).fontFamily, size: 11 },
        plugins: {
          legend: { display: false },
          tooltip: {
            animation: false, displayColors: true, boxWidth: 8, boxHeight: 8,
            backgroundColor: token('--raised'), titleColor: token('--text'), bodyColor: token('--text'), borderColor: token('--line'), borderWidth: 1,
            callbacks: {
              title: (items) => new Date(Number(this.chart.data.labels[items[0].dataIndex])).toLocaleTimeString('en-GB'),
              label: (item) => `${item.dataset.label}: ${this.format(item.parsed.y)}`,
            },
          },
        },
        scales: {
          x: {
            stacked: this.isBars, grid: { display: false, borderColor: token('--line') },
            ticks: { color: token('--faint'), maxRotation: 0, autoSkip: false, callback: (_, i, all) => this.tick(i, all.length) },
          },
          y: { stacked: this.isBars, beginAtZero: true, suggestedMax: 1, grid: { color: token('--line'), drawBorder: false, drawTicks: false }, ticks: { color: token('--faint'), padding: 6, maxTicksLimit: 4, callback: (v) => this.format(v) }, afterFit: (axis) => { axis.width = 58; } },
        },
      },
    });
  }

  /// A word every five minutes: a wall clock would move each time the window does.
  tick(index, length) {
    const minutes = ((length - 1 - index) * 15) / 60;
    if (index === length - 1) return 'now';
    return minutes % 5 === 0 && minutes > 0 ? `−${minutes} m` : '';
  }

  dataset(line) {
    const colour = token(`--${line.tone}`);
    if (this.isBars) return { label: line.label, data: [], backgroundColor: colour, barPercentage: 0.9, categoryPercentage: 1 };
    return { label: line.label, data: [], borderColor: colour, backgroundColor: colour, borderWidth: 1.75, borderDash: line.isDashed ? [4, 3] : [] };
  }

  /// After a change of theme.
  paint() {
    if (!this.chart) return;
    this.chart.destroy();
    this.make();
    this.fill();
    this.chart.update('none');
  }

  destroy() { this.chart?.destroy(); }
}
