/** As fast as it goes: autocannon in its own process. Throughput and the subject's CPU are believed; its latencies are not (closed loop, whole milliseconds). */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const AUTOCANNON = join(import.meta.dirname, '../../node_modules/autocannon/autocannon.js');

/** How many were answered. */
export interface SaturationResult {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
}

/** 16 connections to that port. */
export const saturate = (port: number, seconds: number): Promise<SaturationResult> =>
  new Promise((resolve, reject) => {
    const args = [AUTOCANNON, '-c', '16', '-d', String(seconds), '-j', '-n', `http://127.0.0.1:${port}/0`];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    child.on('error', reject);
    child.on('exit', () => {
      const report = JSON.parse(output) as { requests: { total: number }; errors: number; non2xx: number; duration: number };
      resolve({ requests: report.requests.total, errors: report.errors + report.non2xx, seconds: report.duration });
    });
  });
