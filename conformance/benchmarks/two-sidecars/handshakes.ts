/** What a handshake costs the sidecar that is called: connection, mutual TLS, one request, close; with and without the session of an earlier one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { LOAD_CORE, onCore } from '../placement.ts';
import { cpuMicros } from '../process-cost.ts';

/** Every handshake whole, or with the session of the connection before. */
export type HandshakeKind = 'full' | 'resumed';

/** One block of new connections. */
export interface HandshakeBlock {
  readonly cpuMicrosPerHandshake: number;
  readonly handshakesPerSecond: number;
  readonly resumed: number;
  readonly failed: number;
}

/** PEM files of the caller. */
export interface CallerFiles {
  readonly chain: string;
  readonly key: string;
  readonly roots: string;
}

const LOAD = join(import.meta.dirname, 'handshake-load.ts');

/** Rejects when the load failed, or opened nothing. */
export const handshakes = (
  callee: ChildProcess,
  port: number,
  { chain, key, roots }: CallerFiles,
  { seconds, kind }: { readonly seconds: number; readonly kind: HandshakeKind },
): Promise<HandshakeBlock> =>
  new Promise((resolve, reject) => {
    const pid = callee.pid ?? 0;
    const before = cpuMicros(pid);
    const args = [LOAD, String(port), String(seconds), kind, chain, key, roots];
    const child = spawn(...onCore(LOAD_CORE, process.execPath, args), { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code !== 0) return reject(new Error(`the load ended with code ${code}`));
      const { opened, resumed, failed } = JSON.parse(output) as { opened: number; resumed: number; failed: number };
      if (opened === 0) return reject(new Error('no handshake succeeded'));
      resolve({
        cpuMicrosPerHandshake: (cpuMicros(pid) - before) / opened,
        handshakesPerSecond: opened / seconds,
        resumed: resumed / opened,
        failed,
      });
    });
  });
