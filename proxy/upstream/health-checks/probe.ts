/** One way to ask a host how it is. */
import type { Connection } from '#system/network.ts';
import type { System } from '#system/system.ts';

/** What a host said. Who cannot be asked makes the question reject. */
export type Verdict =
  | { readonly kind: 'passed'; readonly degraded: boolean }
  | {
      readonly kind: 'failed';
      /** Whether it takes several of them. */
      readonly retriable: boolean;
      /** Whether the host wants to be left out altogether. */
      readonly excluded: boolean;
      /** 0 = there was none. */
      readonly httpStatus: number;
    };

/** It does well. */
export const PASSED: Verdict = { kind: 'passed', degraded: false };

/** It does not. */
export const failed = (httpStatus = 0, more: { readonly retriable?: boolean; readonly excluded?: boolean } = {}): Verdict => ({
  kind: 'failed',
  retriable: false,
  excluded: false,
  httpStatus,
  ...more,
});

/** LIVING STATE: keeps its connection from one question to the next, where it may. */
export interface Probe {
  /** Rejects when there is no answer, and as soon as the signal aborts. */
  ask(signal: AbortSignal): Promise<Verdict>;
  close(): void;
}

/** What a probe is given. */
export interface ProbeRoom {
  readonly system: System;
  /** A new connection, secured where the cluster says so. */
  dial(signal: AbortSignal): Promise<Connection>;
  /** Whom a request names. */
  readonly authority: string;
  readonly isSecure: boolean;
  readonly reusesConnection: boolean;
  readonly timeoutMs: number;
  /** Called where an answer was compared with the name of a cluster. */
  verified(): void;
}
