// A daemon before every kind of backend that the contract speaks of, for the tests of its wire.
import { startDaemon } from './daemon.mjs';
import { startUpstream } from './upstream.mjs';
import { until } from './wait.mjs';

export const CHAT = '/v1/chat/completions';
export const MAX_BODY = 20_000;

export class ContractHouse {
  async start() {
    this.up = await startUpstream({ models: ['alpha-7b'], name: 'alpha' });
    this.many = await startUpstream({ models: ['m-one', 'org/m-two'], name: 'many' });
    this.studio = await startUpstream({ models: ['chatty', 'embedder'], name: 'studio' });
    this.pooled = await startUpstream({ models: ['pool-model'], name: 'pooled' });
    this.daemon = await startDaemon({
      env: { ALPHA_KEY: 'the-backends-own-key' },
      config: {
        http: { max_body_bytes: MAX_BODY, allowed_hosts: ['box.example'] },
        upstreams: [
          { name: 'alpha', type: 'openai', url: this.up.url, models: ['alpha-7b'], capacity: 4, api_key_env: 'ALPHA_KEY' },
          { name: 'many', type: 'openai', url: `${this.many.url}/v1`, models: ['m-one', 'org/m-two'], capacity: 4 },
          { name: 'studio', type: 'lmstudio', url: this.studio.url, discover: true, capacity: 4 },
          { name: 'pooled', type: 'openai', url: this.pooled.url, models: ['pool-model'], pool: 'team', capacity: 4 },
        ],
      },
    });
    await until('every backend\'s models are known', async () => {
      const ids = (await this.daemon.json('/v1/models')).data.map((m) => m.id);
      return ['alpha', 'm-one', 'chatty', 'pooled'].every((n) => ids.includes(n)) || undefined;
    }, { within: 20_000, seen: () => this.daemon.json('/v1/models') });
    return this;
  }

  get upstreams() { return [this.up, this.many, this.studio, this.pooled].filter(Boolean); }

  async reset() {
    for (const u of this.upstreams) await u.reset();
  }

  async stop() {
    await this.daemon?.stop();
    for (const u of this.upstreams) await u.stop();
  }
}
