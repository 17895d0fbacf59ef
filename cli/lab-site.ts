/** The site of a running mesh, as `dinghy lab` calls it: what was reached lives there, so page and terminal show the same. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Story } from '#api/story.ts';
import type { RunFile } from '#environment';
import { keyOf, type Lab, type LabSend, type LabStep, type Progress, type StepProgress, type StepVerdict, type WireStory } from '#labs';

/** The whole suite may run in one check. */
const TIMEOUT_MS = 120_000;
const ASK_AGAIN_MS = 200;
const ASK_TIMES = 10;

/** What a request of the learner brought. */
export interface SentAnswer {
  readonly status: number;
  readonly durationMs: number;
  readonly error: string;
  readonly requestId: string;
  readonly servedBy: string;
  readonly body?: string;
  readonly flags?: string;
  /** Of a call from outside: who it was, as far as proved, and why its connection was refused. */
  readonly seenAs?: { readonly peer: string; readonly refused: string };
}

/** A call with its tries, as its caller's proxy told it. */
export interface TriedCall {
  readonly reporter: string;
  readonly side: string;
  readonly to: string;
  readonly requestId: string;
  readonly status: number;
  readonly durationMs: number;
  readonly attempts: number;
  readonly attemptLog: readonly {
    readonly host?: string;
    readonly start?: number;
    readonly waited?: number;
    readonly head?: number;
    readonly failed?: number;
    readonly status?: number;
    readonly flag?: string;
  }[];
}

/** What is held, and the breakers before it. */
export interface HeldView {
  readonly requests: readonly { readonly number: number; readonly from: string; readonly answer?: SentAnswer }[];
  readonly breakers: readonly {
    readonly from: string;
    readonly requests: Seats;
    readonly connections: Seats;
    readonly pending: Seats;
  }[];
}

/** Hosts of a service as one caller's proxy sees them. */
export interface OutliersView {
  readonly nowMs: number;
  readonly clusters: readonly {
    readonly hosts: readonly {
      readonly workload: string;
      readonly consecutive5xx: { readonly now: number; readonly needed: number };
      readonly ejections: number;
      readonly ejected?: { readonly returnsMs: number };
    }[];
  }[];
}

interface Seats {
  readonly used: number;
  readonly limit?: number;
}

/** What one workload made of a request, and why. */
export interface ToldVerdict {
  readonly workload: string;
  readonly status: number;
  readonly details: string;
  readonly story: Story;
}

/** What one proxy told of one call. */
export interface ToldCall {
  readonly reporter: string;
  readonly side: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
}

/** The callee's proxy may tell a moment after the caller's. */
const whenTold = async <T>(ask: () => Promise<T>): Promise<T> => {
  for (let left = ASK_TIMES; ; left--) {
    try {
      return await ask();
    } catch (error) {
      if (left === 0) throw error;
      await pause(ASK_AGAIN_MS);
    }
  }
};

/** Labs on one running mesh. Each call rejects with the site's own words. */
export interface LabSite {
  progress(): Promise<Progress>;
  reach(lab: Lab, step: LabStep, fresh: StepProgress): Promise<Progress>;
  /** Where the configuration is not what the step wants. */
  causes(lab: Lab, step: LabStep): Promise<readonly string[]>;
  send(order: LabSend): Promise<readonly SentAnswer[]>;
  /** One request that the taps of both sidecars listen to. */
  sendOnWire(order: LabSend): Promise<{ readonly answers: readonly SentAnswer[]; readonly story: WireStory }>;
  /** Why each workload that was asked let it through, or did not. */
  why(requestId: string): Promise<readonly ToldVerdict[]>;
  /** The way of one request: every call that it caused, as both proxies of each told it. */
  way(requestId: string): Promise<readonly ToldCall[]>;
  /** The tries of several requests, every call that they caused. */
  ways(requestIds: readonly string[]): Promise<readonly TriedCall[]>;
  /** Sends requests that stay open; settles when each has found its place. */
  hold(order: LabSend): Promise<HeldView>;
  /** Lets so many go. */
  release(count: number): Promise<HeldView>;
  /** Strikes and ejections. */
  outliers(from: string, service: string): Promise<OutliersView>;
  /** Lets all go and forgets them. */
  clearHeld(): Promise<unknown>;
  check(lab: Lab, step: LabStep): Promise<StepVerdict>;
  reset(lab: Lab): Promise<{ readonly touched: number }>;
}

/** The callee's proxy may tell a moment after the caller's: asks until both sides of every call are there, or for two seconds. */
const wholeWay = async (ask: () => Promise<readonly ToldCall[]>): Promise<readonly ToldCall[]> => {
  for (let left = ASK_TIMES; ; left--) {
    const told = await ask();
    const callees = told.filter(({ side }) => side === 'inbound').length;
    if (left === 0 || (told.length > 0 && callees * 2 >= told.length)) return told;
    await pause(ASK_AGAIN_MS);
  }
};

/** Opens a session with the key of the run file. Throws when that mesh runs without its site. */
export const openLabSite = async (run: RunFile): Promise<LabSite> => {
  if (run.site === undefined) throw new Error(`mesh ${run.name} runs without its site, and labs need it; start it without --no-site`);
  const site = new URL(run.site);
  const key = new URLSearchParams(site.hash.slice(1)).get('key');
  const call = async (path: string, { body, cookie = '' }: { readonly body?: unknown; readonly cookie?: string } = {}) => {
    const answer = await fetch(new URL(`/api${path}`, site), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { origin: site.origin, 'content-type': 'application/json', ...(cookie === '' ? {} : { cookie }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.ok) return answer;
    const said: unknown = await answer.json().catch(() => undefined);
    const words = typeof said === 'object' && said !== null && 'error' in said ? String(said.error) : `status ${answer.status}`;
    throw new Error(`the site of mesh ${run.name} refused: ${words}`);
  };
  const session = await call('/session', { body: { key } });
  const cookie = (session.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '';
  const get = async <T>(path: string): Promise<T> => (await (await call(path, { cookie })).json()) as T;
  const post = async <T>(path: string, body: unknown = {}): Promise<T> => (await (await call(path, { body, cookie })).json()) as T;
  const placeOf = (lab: Lab, step: LabStep): string => `/labs/${lab.id}/steps/${step.id}`;

  return {
    progress: () => get('/labs/progress'),
    reach: (lab, step, fresh) => post(`${placeOf(lab, step)}/progress`, fresh),
    causes: (lab, step) => get(`${placeOf(lab, step)}/causes`),
    send: (order) => post('/send', { method: 'GET', ...order }),
    why: (requestId) => whenTold(() => get(`/why/${encodeURIComponent(requestId)}`)),
    sendOnWire: (order) => post('/wire', { ...order, method: 'GET' }),
    way: (requestId) => wholeWay(() => get(`/requests/${encodeURIComponent(requestId)}`)),
    ways: async (ids) => (await post<{ exchanges: readonly TriedCall[] }>('/ways', { ids })).exchanges,
    hold: (order) => post('/held', { method: 'GET', ...order }),
    release: (count) => post('/held/release', { count }),
    outliers: (from, service) => get(`/outliers/${encodeURIComponent(from)}/${encodeURIComponent(service)}`),
    clearHeld: () => post('/held/clear'),
    check: (lab, step) => post(`${placeOf(lab, step)}/check`),
    reset: (lab) => post(`/labs/${lab.id}/reset`),
  };
};

/** What was reached in a step. */
export const reachedIn = (progress: Progress, lab: Lab, step: LabStep): StepProgress | undefined => progress[keyOf(lab, step)];
