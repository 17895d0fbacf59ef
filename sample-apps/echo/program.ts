/** LIVING STATE of one echo, and how its steps are carried out over whatever carries its bytes. */
import { type EchoRequest, type EchoScript, type EchoStep, planEcho, readScript } from './script.ts';

const MAX_KEYS = 1_024;
const MAX_WAITING = 4_096;

interface Gate {
  isOpen: boolean;
  readonly waiting: Set<() => void>;
}

/** One exchange of whatever carries the bytes. */
export interface EchoCarrier {
  /** The other side left. */
  readonly gone: boolean;
  sleep(ms: number): Promise<void>;
  head(step: Extract<EchoStep, { kind: 'head' }>): void;
  bytes(text: string): void;
  raw(text: string): void;
  /** Drops the connection; what was written may be lost with it. */
  reset(): void;
  /** Closes the connection behind what was written. */
  close(): void;
  end(): void;
}

/** What one program remembers: who waits under which key, how often a key was asked for, and whether it says that it is well. */
export class EchoProgram {
  readonly #workload: string;
  readonly #gates = new Map<string, Gate>();
  readonly #turns = new Map<string, number>();
  #waiting = 0;
  #health = 200;

  constructor(workload: string) {
    this.#workload = workload;
  }

  /** Whether the answer comes before the body is read. */
  answersEarly(head: Pick<EchoRequest, 'headers'>): boolean {
    return readScript(this.#workload, head).has('early');
  }

  /** Plans the answer and carries it out; settles when nothing is left to do, also when the other side left meanwhile. */
  async answer(request: EchoRequest, carrier: EchoCarrier): Promise<void> {
    for (const step of this.#plan(request)) {
      if (carrier.gone) return;
      if (step.kind === 'wait') await carrier.sleep(step.ms);
      else if (step.kind === 'hold') await this.#hold(step.key);
      else if (step.kind === 'head') carrier.head(step);
      else if (step.kind === 'bytes') carrier.bytes(step.text);
      else if (step.kind === 'raw') carrier.raw(step.text);
      else carrier[step.kind]();
    }
  }

  #plan(request: EchoRequest): readonly EchoStep[] {
    const script = readScript(this.#workload, request);
    const release = script.get('release');
    const held = this.#gates.get(script.get('held') ?? release ?? '')?.waiting.size ?? 0;
    if (release !== undefined) this.#release(release);
    this.#setHealth(script);
    const turn = this.#turnOf(script.get('key'));
    return planEcho(this.#workload, request, script, { turn, held, health: this.#health });
  }

  #setHealth(script: EchoScript): void {
    const status = Number(script.get('health'));
    if (status >= 200 && status <= 599) this.#health = status;
  }

  #turnOf(key: string | undefined): number {
    if (key === undefined) return 0;
    const turn = this.#turns.get(key) ?? 0;
    this.#turns.set(key, turn + 1);
    forgetOldest(this.#turns);
    return turn;
  }

  /** Opens for those who wait and for those who come later: nobody can come too late to be released. */
  #release(key: string): void {
    const gate = this.#gateOf(key);
    gate.isOpen = true;
    for (const go of gate.waiting) go();
    gate.waiting.clear();
  }

  async #hold(key: string): Promise<void> {
    const gate = this.#gateOf(key);
    if (gate.isOpen || this.#waiting >= MAX_WAITING) return;
    this.#waiting++;
    await new Promise<void>((resolve) => gate.waiting.add(resolve));
    this.#waiting--;
  }

  #gateOf(key: string): Gate {
    const known = this.#gates.get(key);
    if (known !== undefined) return known;
    const gate: Gate = { isOpen: false, waiting: new Set() };
    this.#gates.set(key, gate);
    for (const forgotten of forgetOldest(this.#gates)) for (const go of forgotten.waiting) go();
    return gate;
  }
}

const forgetOldest = <T>(map: Map<string, T>): T[] => {
  const [oldest] = map;
  if (map.size <= MAX_KEYS || oldest === undefined) return [];
  map.delete(oldest[0]);
  return [oldest[1]];
};
