/** Follows a change until every proxy has answered it: who acknowledged, who refused and in which words, and when. */
import type { ProxySync, SyncStatus } from '#api/sync.ts';
import type { ChangeProgress, ProxyAnswer } from './told.ts';

const PATIENCE_MS = 10_000;

/** What is followed. */
export interface WatchedChange {
  readonly version: number;
  /** Every proxy of the mesh, connected or not. */
  readonly workloads: readonly string[];
}

/** How it is followed. pause: lets a moment pass between two looks. */
export interface Watch {
  readonly sync: () => Promise<SyncStatus>;
  readonly nowMs: () => number;
  readonly pause: () => Promise<unknown>;
}

/** Gives the first state, each that differs from the one before, and the settled one. Rejects when the control plane goes away. */
export async function* watchChange({ version, workloads }: WatchedChange, watch: Watch): AsyncGenerator<ChangeProgress> {
  const startedAtMs = watch.nowMs();
  let answers: readonly ProxyAnswer[] = workloads.map((workload) => ({ workload, state: 'waiting' }));
  for (let isFirst = true; ; isFirst = false) {
    const { proxies } = await watch.sync();
    const ms = Math.round(watch.nowMs() - startedAtMs);
    const fresh = answers.map((before) => answerOf(before, proxies, { version, ms }));
    const isWaiting = fresh.some(({ state }) => state === 'waiting');
    const settled = !isWaiting || ms > PATIENCE_MS;
    if (isFirst || settled || fresh.some((answer, i) => answer.state !== answers[i]?.state)) yield { version, ms, proxies: fresh, settled };
    if (settled) return;
    answers = fresh;
    await watch.pause();
  }
}

/** An answer that was given stays; only who waits is asked again. */
const answerOf = (before: ProxyAnswer, proxies: readonly ProxySync[], { version, ms }: { version: number; ms: number }): ProxyAnswer => {
  if (before.state === 'acknowledged' || before.state === 'refused') return before;
  const { workload } = before;
  const proxy = proxies.find((candidate) => candidate.workload === workload);
  if (proxy === undefined) return { workload, state: 'not connected' };
  if (proxy.version >= version) return { workload, state: 'acknowledged', ms };
  const refusal = Object.entries(proxy.kinds).find(
    ([, { state, refused }]) => state === 'ERROR' && refused !== undefined && Number(refused.version) >= version,
  );
  if (refusal === undefined) return { workload, state: 'waiting' };
  const [kind, { refused }] = refusal;
  return { workload, state: 'refused', ms, reason: `${kind}: ${refused?.reason ?? ''}` };
};
