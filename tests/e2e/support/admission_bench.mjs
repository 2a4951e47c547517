// A daemon before two servers, for tests of admission: profiles made for one test each, calls into them, and a slot that is held
// until the test lets go.
import { after, afterEach, before } from 'node:test';
import { startDaemon } from './daemon.mjs';
import { expectOk } from './expect.mjs';
import { startUpstream } from './upstream.mjs';
import { until } from './wait.mjs';

/// Registers the hooks of the suite that calls it; `up`, `other`, `daemon` and its `config` are there in its tests.
export function admissionBench(profiles = {}) {
  let made = 0;
  const bench = {
    up: undefined, other: undefined, daemon: undefined, config: { inference: { profiles } },
    /// A fresh profile of the given settings, and calls into it.
    makeProfile: async (settings) => {
      const name = `test:${++made}`;
      expectOk(await bench.daemon.put(`/api/v1/profiles/${name}`, settings));
      return name;
    },
    into: (profile, headers = {}, body = {}) => bench.daemon.openChat({ model: 'wide', ...body }, { 'X-Signalbox-Profile': profile, ...headers }),
    /// A call that has the profile's slot and keeps it until `up.release()`.
    occupy: async (profile, headers = {}) => {
      const { up } = bench;
      const seen = up.requests.length;
      up.next({ hold: true });
      const call = bench.into(profile, headers);
      await until('the slot is taken', () => up.requests.length > seen);
      return { call, record: up.requests.at(-1) };
    },
    waiting: (profile, count, options) => bench.daemon.profileWhen(profile, `${count} wait`, (p) => p.waiting.interactive + p.waiting.workflow + p.waiting.background === count, options),
  };
  before(async () => {
    bench.up = await startUpstream({ models: ['wide', 'one-slot'], name: 'wide' });
    bench.other = await startUpstream({ models: ['other-model'], name: 'other' });
    bench.config.upstreams = [
      { name: 'wide-box', type: 'openai', url: bench.up.url, models: ['wide', 'one-slot'], capacity: 64 },
      { name: 'other-model', type: 'openai', url: bench.other.url, models: ['other-model'], capacity: 3 },
    ];
    bench.daemon = await startDaemon({ config: bench.config });
  });
  after(async () => {
    await bench.daemon?.stop();
    await bench.up?.stop();
    await bench.other?.stop();
  });
  afterEach(async () => {
    bench.up.always = {};
    await bench.up.reset();
    await bench.other.reset();
    await bench.daemon.idle({ within: 15_000 });
  });
  return bench;
}
