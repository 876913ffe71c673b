// The real box on the demo model, in a folder and on ports of its own.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const repository = new URL('../..', import.meta.url).pathname;
const READY_MS = 60_000;
const STOP_MS = 20_000;

const listen = (make, close) => new Promise((resolve, reject) => make(resolve, reject, close));

function freeTcp() {
  return listen((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function udp(port) {
  return listen((resolve, reject) => {
    const socket = createSocket('udp4').once('error', reject);
    socket.bind(port, '127.0.0.1', () => {
      const bound = socket.address().port;
      socket.close(() => resolve(bound));
    });
  });
}

/**
 * Ranges of `width` free UDP ports each, apart from each other and below the ports that the system
 * hands out by itself.
 */
async function freeRanges(count, width) {
  const ranges = [];
  for (let tries = 0; tries < 50 && ranges.length < count; tries += 1) {
    const first = 12_000 + width * Math.floor((Math.random() * 20_000) / width);
    if (ranges.includes(first)) continue;
    try {
      for (let port = first; port < first + width; port += 1) await udp(port);
      ranges.push(first);
    } catch {
      // Somebody has one of them: another range.
    }
  }
  if (ranges.length < count) throw new Error(`no ${width} free UDP ports on 127.0.0.1`);
  return ranges.map((first) => `${first}-${first + width - 1}`);
}

export class Box {
  /** Starts it and waits until it answers. `scale` shortens ring and talk times of the town. */
  static async start({ scale = 4 } = {}) {
    const bin = join(process.env.CARGO_TARGET_DIR ?? join(repository, 'target'), 'release');
    for (const program of ['supervisor', 'switchd', 'centerd', 'town']) {
      if (!existsSync(join(bin, program))) throw new Error(`${join(bin, program)} is missing: run make build first`);
    }
    const box = new Box();
    box.folder = mkdtempSync(join(tmpdir(), 'linebox-browser-'));
    const [console, sip, town] = [await freeTcp(), await udp(0), await udp(0)];
    const [rtp, townRtp] = await freeRanges(2, 200);
    // The trunk of the demo model names the town's port, which --set cannot reach into.
    const demo = readFileSync(join(repository, 'board/models/demo.toml'), 'utf8');
    const model = demo.replace(/^port = 5070$/m, `port = ${town}`);
    if (model === demo) throw new Error('the demo model has no [[town.trunk]] with port = 5070 any more');
    writeFileSync(join(box.folder, 'demo.toml'), model);
    const settings = {
      'ports.console': console, 'ports.sip': sip, 'ports.rtp': rtp,
      'town.sip': town, 'town.rtp': townRtp, 'town.scale': scale.toFixed(1),
    };
    box.url = `http://127.0.0.1:${console}`;
    box.output = '';
    box.child = spawn(join(bin, 'supervisor'), [
      '--model', join(box.folder, 'demo.toml'), '--data', join(box.folder, 'data'),
      ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ], { cwd: repository, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [box.child.stdout, box.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (box.output += text));
    }
    // Whatever ends this program, the box does not outlive it.
    process.once('exit', () => box.child.kill('SIGTERM'));
    box.ended = new Promise((resolve) => box.child.once('exit', (code, signal) => resolve(code ?? signal)));
    await box.ready();
    return box;
  }

  async ready() {
    const until = Date.now() + READY_MS;
    let ended = false;
    void this.ended.then(() => (ended = true));
    for (;;) {
      this.password = /first-run administrator password: *(\S+)/.exec(this.output)?.[1];
      const health = await this.health().catch(() => null);
      if (this.password && health?.link === 'up') return;
      if (ended) throw new Error(`the box ended by itself:\n${this.tail()}`);
      if (Date.now() > until) throw new Error(`the box is not ready after ${READY_MS} ms:\n${this.tail()}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async health() {
    const answer = await fetch(`${this.url}/api/v1/health`, { signal: AbortSignal.timeout(2000) });
    return answer.json();
  }

  tail(lines = 40) {
    return this.output.trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** As Ctrl-C does; tells the exit code, or that it did not end in time. */
  async stop() {
    this.child.kill('SIGINT');
    const late = new Promise((resolve) => setTimeout(() => resolve('not within 20 s'), STOP_MS).unref());
    const code = await Promise.race([this.ended, late]);
    if (code === 'not within 20 s') this.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    return code;
  }
}
