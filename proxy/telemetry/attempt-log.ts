/** The tries of an exchange as its log line tells them. */
import type { AttemptLogEntry } from '#api/exchange.ts';
import type { Attempt, StreamInfo } from '../http/stream-info.ts';

const rounded = (ms: number): number => Math.round(ms * 100) / 100;

const entryOf = (tried: Attempt, startedAtMs: number): AttemptLogEntry => {
  const { host, waitedMs, headMs, failedMs, status, flag, details, limitMs } = tried;
  return {
    ...(host !== undefined && { host }),
    start: rounded(tried.startedAtMs - startedAtMs),
    ...(waitedMs !== undefined && { waited: rounded(waitedMs) }),
    ...(headMs !== undefined && { head: rounded(headMs) }),
    ...(failedMs !== undefined && { failed: rounded(failedMs) }),
    ...(status !== undefined && { status }),
    ...(flag !== undefined && { flag }),
    ...(details !== undefined && { details }),
    ...(limitMs !== undefined && { limit: limitMs }),
  };
};

/** Undefined of an exchange that was not tried upstream. */
export const attemptLog = ({ attempts, startedAtMs }: StreamInfo): readonly AttemptLogEntry[] | undefined =>
  attempts.length === 0 ? undefined : attempts.map((tried) => entryOf(tried, startedAtMs));

const NEVER_CONNECTED: ReadonlySet<unknown> = new Set(['UF', 'UH', 'UO']);

/** `address:port` of each host that there was a connection to, once. (Envoy 1.40) */
export const hostsAttempted = ({ attempts }: StreamInfo): readonly string[] => [
  ...new Set(attempts.flatMap(({ host, flag }) => (host === undefined || NEVER_CONNECTED.has(flag) ? [] : host))),
];
