/**
 * Calls at intended times, whether or not earlier answers have come: each through the caller's sidecar, from there to the callee's, by turns on
 * a kept and on a fresh connection. Every call is kept with when it began and when it was over, so that a barrier can be held against it.
 */
import type { Environment } from '#environment';
import { HttpClient } from '../drivers/http-client.ts';
import { calleeOf, hostOf, type Member, PORT, RING, type Way, workloadOf } from './soak-mesh.ts';

/** One call. Times are milliseconds of performance.now(), in this process. */
export interface Call {
  readonly way: Way;
  readonly caller: Member;
  readonly beganMs: number;
  readonly endedMs: number;
  /** 0: there was no answer. */
  readonly status: number;
  /** Of an answer that is no success: its body; or why there was none. */
  readonly reason: string;
  /** SHA-256 of the certificate that the callee's sidecar says the caller's showed; empty where it says nothing. */
  readonly shown: string;
}

const OUTBOUND_PORT = 15_001;
const TICK_MS = 5;
/** More are not begun: on a machine that is busy elsewhere a backlog would measure nothing but itself. */
const MOST_AT_ONCE = 48;
const QUOTED = 200;

interface Lane {
  readonly caller: Member;
  readonly way: Way;
  readonly address: string;
  readonly preface: string;
  readonly idle: HttpClient[];
}

/** What the callee's program was told of the caller's certificate. */
const shownIn = (body: string): string => /"x-forwarded-client-cert","[^"]*Hash=([0-9a-f]{64})/i.exec(body)?.[1] ?? '';

const lanesOf = async ({ workloads, vips }: Environment): Promise<Lane[]> => {
  const known = await vips();
  return RING.flatMap((caller) =>
    (['kept', 'fresh'] as const).map((way): Lane => {
      const address = workloads.find(({ name }) => name === workloadOf(caller))?.address;
      const vip = known[hostOf(calleeOf(caller), way)];
      if (address === undefined || vip === undefined) throw new Error(`no way from ${caller} to ${hostOf(calleeOf(caller), way)}`);
      return { caller, way, address, preface: `PROXY TCP4 ${address} ${vip} 40000 ${PORT}\r\n`, idle: [] };
    }),
  );
};

/** LIVING STATE of one load. */
export class Load implements AsyncDisposable {
  readonly calls: Call[] = [];
  /** Calls that were due while too many were under way. */
  leftOut = 0;
  readonly #environment: Environment;
  readonly #lanes: readonly Lane[];
  readonly #pending = new Set<Promise<void>>();
  readonly #beganMs = performance.now();
  readonly #rate: number;
  readonly #timer: NodeJS.Timeout;
  #fired = 0;

  private constructor(environment: Environment, lanes: readonly Lane[], rate: number) {
    this.#environment = environment;
    this.#lanes = lanes;
    this.#rate = rate;
    this.#timer = setInterval(() => this.#fireDue(), TICK_MS);
  }

  /** rate: calls a second over all ways and callers. Begins at once. */
  static async begin(environment: Environment, rate: number): Promise<Load> {
    return new Load(environment, await lanesOf(environment), rate);
  }

  /** Settles when the last answer is here. */
  async end(): Promise<readonly Call[]> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    for (const { idle } of this.#lanes) for (const client of idle.splice(0)) client[Symbol.dispose]();
    return this.calls;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #fireDue(): void {
    const due = Math.floor(((performance.now() - this.#beganMs) * this.#rate) / 1_000);
    for (; this.#fired < due; this.#fired++) {
      const lane = this.#lanes[this.#fired % this.#lanes.length];
      if (lane === undefined || this.#pending.size >= MOST_AT_ONCE) {
        this.leftOut++;
        continue;
      }
      const call = this.#call(lane).finally(() => this.#pending.delete(call));
      this.#pending.add(call);
    }
  }

  async #call(lane: Lane): Promise<void> {
    const { way, caller } = lane;
    const beganMs = performance.now();
    const keep = (status: number, reason: string, shown: string): void =>
      void this.calls.push({ way, caller, beganMs, endedMs: performance.now(), status, reason: reason.slice(0, QUOTED), shown });
    let client: HttpClient | undefined;
    try {
      client = await this.#clientOf(lane);
      const headers = [['Host', hostOf(calleeOf(caller), way)]] as const;
      const { status, body } = await client.send({ method: 'GET', path: '/', headers, body: '' });
      keep(status, status === 200 ? '' : body, shownIn(body));
    } catch (error) {
      keep(0, error instanceof Error ? error.message : String(error), '');
    }
    if (way === 'kept' && client?.usable) lane.idle.push(client);
    else client?.[Symbol.dispose]();
  }

  /** A connection that the sidecar closed while nobody used it is not asked. */
  async #clientOf({ idle, address, preface }: Lane): Promise<HttpClient> {
    for (let client = idle.pop(); client; client = idle.pop()) {
      if (client.usable) return client;
      client[Symbol.dispose]();
    }
    return new HttpClient(await this.#environment.connect(address, OUTBOUND_PORT), preface);
  }
}
