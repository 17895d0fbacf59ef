/** As fast as it goes: autocannon in its own process. Throughput and the subject's CPU are believed; its latencies are not (closed loop, whole milliseconds). */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { LOAD_CORE, onCore } from './placement.ts';

const AUTOCANNON = join(import.meta.dirname, '../../node_modules/autocannon/autocannon.js');
const CONNECTIONS = 16;

/** How many were answered. */
export interface SaturationResult {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
}

/** Rejects when the generator failed. */
export const saturate = (port: number, seconds: number): Promise<SaturationResult> =>
  new Promise((resolve, reject) => {
    const args = [AUTOCANNON, '-c', String(CONNECTIONS), '-d', String(seconds), '-j', '-n', `http://127.0.0.1:${port}/0`];
    const child = spawn(...onCore(LOAD_CORE, process.execPath, args), { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code !== 0) return reject(new Error(`autocannon ended with code ${code}`));
      const report = JSON.parse(output) as { requests: { total: number }; errors: number; non2xx: number; duration: number };
      resolve({ requests: report.requests.total, errors: report.errors + report.non2xx, seconds: report.duration });
    });
  });
