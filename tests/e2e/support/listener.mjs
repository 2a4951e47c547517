// A server of a test's own: `receive(req, res)` is the derived class's. Its port is kept over stops, so that a restart is a restart.
import http from 'node:http';
import { once } from 'node:events';

export class Listener {
  sockets = new Set();
  connections = 0;

  async listen() {
    this.server = http.createServer((req, res) => this.receive(req, res));
    this.server.on('connection', (s) => { this.connections++; this.sockets.add(s); s.on('close', () => this.sockets.delete(s)); });
    this.server.listen(this.port ?? 0, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
    return this;
  }

  /// From now on connections are refused; those that exist are broken.
  async refuse() {
    if (!this.server) return;
    const { server } = this;
    this.server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const s of this.sockets) s.destroy();
    await closed;
  }

  get up() { return this.server !== undefined; }
  get url() { return `http://127.0.0.1:${this.port}`; }
}
