/** Waiting for proxies to acknowledge, never for time. The one such loop. */
import type { SyncStatus } from '#api/sync.ts';

const PATIENCE_MS = 20_000;

/** What is waited for: these workloads' proxies, connected and at that version or later. */
export interface Convergence {
  readonly version: number;
  readonly workloads: readonly string[];
  /** 20 s when absent. Who refuses is told of at once, whatever this says. */
  readonly patienceMs?: number;
}

/** Whose time it is. pause: lets a moment of it pass. */
export interface Waiting {
  readonly sync: () => SyncStatus | Promise<SyncStatus>;
  readonly nowMs: () => number;
  readonly pause: () => Promise<unknown>;
}

/** Settles when all have acknowledged; rejects at once when one refused that version or a later one, and when patience ends with who is behind. */
export const converged = async (wanted: Convergence, { sync, nowMs, pause }: Waiting): Promise<void> => {
  const deadline = nowMs() + (wanted.patienceMs ?? PATIENCE_MS);
  for (;;) {
    const { behind, refused } = standingOf(await sync(), wanted);
    if (behind.length === 0) return;
    if (refused.length > 0) throw new Error(refused.join('; '));
    if (nowMs() > deadline) throw new Error(`not every proxy acknowledged version ${wanted.version}: ${behind.join('; ')}`);
    await pause();
  }
};

const isReady = async (adminUrl: string): Promise<boolean> => {
  const answer = await fetch(`${adminUrl}/ready`, { headers: { connection: 'close' } });
  await answer.text();
  return answer.status === 200;
};

/** Settles when each of them says so: what was acknowledged may still wait for a certificate before it opens. adminUrls: of proxies. */
export const allReady = async (adminUrls: readonly string[], { nowMs, pause }: Omit<Waiting, 'sync'>): Promise<void> => {
  const deadline = nowMs() + PATIENCE_MS;
  for (let waiting = adminUrls; ; await pause()) {
    const answers = await Promise.all(waiting.map((url) => isReady(url)));
    waiting = waiting.filter((_, index) => !answers[index]);
    if (waiting.length === 0) return;
    if (nowMs() > deadline) throw new Error(`not every proxy is ready: ${waiting.join(', ')}`);
  }
};

const standingOf = ({ proxies }: SyncStatus, { version, workloads }: Convergence) => {
  const behind: string[] = [];
  const refused: string[] = [];
  for (const workload of workloads) {
    const proxy = proxies.find((candidate) => candidate.workload === workload);
    if (proxy === undefined) behind.push(`${workload} is not connected`);
    else if (proxy.version < version) {
      behind.push(`${workload} is at ${proxy.version}`);
      for (const kind of Object.values(proxy.kinds))
        if (kind.refused && Number(kind.refused.version) >= version)
          refused.push(`${workload} refused version ${kind.refused.version}: ${kind.refused.reason}`);
    }
  }
  return { behind, refused };
};
