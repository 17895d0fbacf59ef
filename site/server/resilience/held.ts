/** Requests that stay open because a program was asked to hold them: how limits are counted exactly, without a race. */
import { setTimeout as pause } from 'node:timers/promises';
import { serviceOf as serviceOfWorkload } from '#labs';
import type { LiveMesh, LiveWorkload } from '../live-mesh.ts';
import { OrderError, type Sender, type SendOrder } from '../sender.ts';
import type { SteadyLoad } from '../steady-load.ts';
import type { BreakerView, HeldRequest, HeldView, SentAnswer } from '../told.ts';
import { readBreakers } from './breakers.ts';

const MOST = 400;
/** Programs let go after two minutes by themselves. */
const PATIENCE_MS = 150_000;
/** One has its place before the next one comes: while connections open, their requests would sit on the seats of others. Who waits, waits longer than this. */
const PLACE_MS = 250;
/** The same for many, so that nobody waits for minutes. */
const PLACE_OF_MANY_MS = 30;
const MANY = 20;
const LOOK_AGAIN_MS = 50;
const QUIET_LOOKS = 4;
const SETTLE_MS = 6_000;
const PROGRAM_TIMEOUT_MS = 2_000;
const PROGRAM_PORT = 9080;

interface Open {
  readonly number: number;
  readonly from: string;
  answer?: SentAnswer;
}

const serviceOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname.split('.')[0] : undefined) ?? '';

/** Past the callers' proxies, so that it takes nobody's place: to the program itself, else as a stranger to its sidecar. Gives how many went and how many are held. */
const releaseAt = async (
  { name, address, appPort }: LiveWorkload,
  count: number,
): Promise<{ readonly released: number; readonly held: number }> => {
  const url = appPort === undefined ? `http://${address}:${PROGRAM_PORT}/` : `http://127.0.0.1:${appPort}/`;
  const headers = { 'user-agent': 'dinghy-probe', [`rehearse-${serviceOfWorkload(name)}`]: `release=${count}` };
  const answer = await fetch(url, { headers, signal: AbortSignal.timeout(PROGRAM_TIMEOUT_MS) });
  return (await answer.json()) as { released: number; held: number };
};

const NOBODY = { released: 0, held: 0 };

/** What holding needs: as much of sender and load as it uses. */
interface HeldRoom {
  readonly mesh: LiveMesh;
  readonly sender: Pick<Sender, 'send'>;
  readonly load: Pick<SteadyLoad, 'state' | 'start' | 'stop'>;
}

/** LIVING STATE: what was sent to be held, the last set of it. */
export class HeldRequests {
  readonly #mesh: LiveMesh;
  readonly #sender: HeldRoom['sender'];
  readonly #load: HeldRoom['load'];
  #open: Open[] = [];
  #service = '';
  #loadWas = 0;

  constructor({ mesh, sender, load }: HeldRoom) {
    this.#mesh = mesh;
    this.#sender = sender;
    this.#load = load;
  }

  /** Adds to what is held; settles once each has been answered or has found its place. Rejects with OrderError. */
  async add(order: SendOrder): Promise<HeldView> {
    if (!Number.isInteger(order.count) || order.count < 1 || this.#open.length + order.count > MOST)
      throw new OrderError(`At most ${MOST} requests are held at once: release some.`);
    this.#service = serviceOf(order.url);
    this.#rest();
    for (let left = order.count; left > 0; left--) {
      const before = await this.#placed();
      this.#start(order);
      const limit = performance.now() + (order.count > MANY ? PLACE_OF_MANY_MS : PLACE_MS);
      while ((await this.#placed()) === before && performance.now() < limit) await pause(2);
    }
    return this.#settled();
  }

  /** Answered, or held by a program. */
  async #placed(): Promise<number> {
    return this.#answered() + (await this.#heldNow());
  }

  /** The load's own requests would take places and seats. */
  #rest(): void {
    const { on, perSecond } = this.#load.state;
    if (!on) return;
    this.#loadWas = perSecond;
    this.#load.stop();
  }

  #start(order: SendOrder): void {
    const open: Open = { number: this.#open.length + 1, from: order.from };
    this.#open.push(open);
    this.#sender.send({ ...order, count: 1 }, PATIENCE_MS).then(
      ([answer]) => {
        if (answer !== undefined) open.answer = answer;
      },
      (error: Error) => {
        open.answer = { status: 0, durationMs: 0, body: '', error: error.message, requestId: '', servedBy: '', flags: '' };
      },
    );
  }

  /** Lets the oldest go, and settles. */
  async release(count: number): Promise<HeldView> {
    for (let left = count; left > 0; left--) {
      const before = this.#answered();
      if (!(await this.#releaseOne())) break;
      // One after another: only so is it certain whose place the next one gets.
      for (let looks = 40; this.#answered() === before && looks > 0; looks--) await pause(LOOK_AGAIN_MS / 5);
    }
    return this.#settled();
  }

  /** Lets everything go, whoever waits in line included, and forgets it. */
  async clear(): Promise<HeldView> {
    for (let looks = SETTLE_MS / LOOK_AGAIN_MS; this.#answered() < this.#open.length && looks > 0; looks--) {
      await Promise.all(this.#workloads().map((workload) => releaseAt(workload, MOST).catch(() => NOBODY)));
      await pause(LOOK_AGAIN_MS);
    }
    this.#open = [];
    if (this.#loadWas > 0) this.#load.start(this.#loadWas);
    this.#loadWas = 0;
    return this.view();
  }

  async view(): Promise<HeldView> {
    const requests = this.#open.map(
      ({ number, from, answer }): HeldRequest => ({ number, from, ...(answer === undefined ? {} : { answer }) }),
    );
    return { requests, breakers: await this.#breakers() };
  }

  #answered(): number {
    return this.#open.filter(({ answer }) => answer !== undefined).length;
  }

  #workloads(): readonly LiveWorkload[] {
    return this.#mesh.workloads.filter(({ name }) => serviceOfWorkload(name) === this.#service);
  }

  async #releaseOne(): Promise<boolean> {
    for (const workload of this.#workloads()) {
      const { released } = await releaseAt(workload, 1).catch(() => NOBODY);
      if (released > 0) return true;
    }
    return false;
  }

  async #heldNow(): Promise<number> {
    const counts = await Promise.all(this.#workloads().map((workload) => releaseAt(workload, 0).catch(() => NOBODY)));
    return counts.reduce((sum, { held }) => sum + held, 0);
  }

  /** Nothing moves any more: as many answers, and as many at the programs, as a moment ago. */
  async #settled(): Promise<HeldView> {
    let last = '';
    for (let [quiet, left] = [0, SETTLE_MS / LOOK_AGAIN_MS]; quiet < QUIET_LOOKS && left > 0; left--) {
      await pause(LOOK_AGAIN_MS);
      const now = `${this.#answered()} ${await this.#heldNow()}`;
      quiet = now === last ? quiet + 1 : 0;
      last = now;
    }
    return this.view();
  }

  async #breakers(): Promise<readonly BreakerView[]> {
    const senders = [...new Set(this.#open.map(({ from }) => from))];
    const proxies = [...this.#mesh.workloads, ...this.#mesh.gateways];
    const views = await Promise.all(
      senders.map(async (from) => {
        const adminUrl = proxies.find(({ name }) => name === from)?.adminUrl;
        if (adminUrl === undefined) return [];
        return (await readBreakers({ from, adminUrl, service: this.#service }).catch(() => [])).slice(0, 1);
      }),
    );
    return views.flat();
  }
}
