/**
 * What the echo answers, as steps: one pure script, whatever carries its bytes. The request scripts it in `x-lab-behave`, settings joined by `;`:
 *
 * - `fail=S` answers S; `answers=503,200;key=K` answers the n-th request of K with the n-th status, and the last from then on
 * - `delay=MS` waits before the head; `hold=KEY` waits until somebody asks with `release=KEY`; `held=KEY` tells how many wait, in `x-lab-held`
 * - `reset` drops the connection instead of answering; `garble` answers what is no HTTP; `early` answers before the body of the request is read
 * - `chunked`; `size=N` a body of N bytes; `drip=N/MS` N bytes each MS; `stall=KEY` half the body, the rest once KEY is released; `cut` half the body, then the connection is closed
 * - `header=name:value` a field of the answer, as often as wanted
 * - `until=N` misbehaves only while `x-envoy-attempt-count` is below N; `from=N` holds only from that try on; `only=W` is for the workload W alone
 * - `health=S` from now on `/healthz` answers S
 */

/** A request as it came: header names in their own spelling. */
export interface EchoRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** One thing to do. length: of the body in bytes; absent: in chunks. text: sent as UTF-8. raw: bytes in place of an answer. */
export type EchoStep =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'hold'; readonly key: string }
  | {
      readonly kind: 'head';
      readonly status: number;
      readonly headers: readonly (readonly [string, string])[];
      readonly length?: number;
    }
  | { readonly kind: 'bytes'; readonly text: string }
  | { readonly kind: 'raw'; readonly text: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'close' }
  | { readonly kind: 'end' };

/** What the program remembers of earlier requests. turn: which one of its `key` this is, from 0. held: how many wait under the key asked for. */
export interface EchoMemory {
  readonly turn: number;
  readonly held: number;
  readonly health: number;
}

/** Settings of one request. */
export interface EchoScript {
  get(name: string): string | undefined;
  has(name: string): boolean;
  readonly headers: readonly (readonly [string, string])[];
}

const MAX_DELAY_MS = 60_000;
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const MAX_PIECES = 10_000;
const CHUNKS = 3;
const HEALTH_PATH = '/healthz';
const FORGETFUL: EchoMemory = { turn: 0, held: 0, health: 200 };
/** What ends when a later try is made. */
const MISDEEDS = ['fail', 'answers', 'delay', 'reset', 'garble', 'drip', 'stall', 'cut'];

const headerOf = ({ headers }: Pick<EchoRequest, 'headers'>, name: string): string | undefined =>
  headers.find(([key]) => key.toLowerCase() === name)?.[1];

const halves = (text: string, separator: string): [string, string] => {
  const at = text.indexOf(separator);
  return at === -1 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
};

const bounded = (text: string | undefined, most: number): number => Math.min(most, Math.max(0, Number(text ?? 0) || 0));

const tryOf = (request: Pick<EchoRequest, 'headers'>): number => Number(headerOf(request, 'x-envoy-attempt-count') ?? 1);

/** What that workload is asked to do; nothing when another is meant. The body plays no part. */
export const readScript = (workload: string, request: Pick<EchoRequest, 'headers'>): EchoScript => {
  const parts = (headerOf(request, 'x-lab-behave') ?? '')
    .split(';')
    .filter((part) => part !== '')
    .map((part) => halves(part, '='));
  const settings = new Map(parts);
  const only = settings.get('only');
  if (only !== undefined && only !== workload) settings.clear();
  const until = settings.get('until');
  if (until !== undefined && tryOf(request) >= Number(until)) for (const name of MISDEEDS) settings.delete(name);
  if (tryOf(request) < Number(settings.get('from') ?? 0)) settings.delete('hold');
  const headers = settings.size === 0 ? [] : parts.filter(([name]) => name === 'header').map(([, value]) => halves(value, ':'));
  return { get: (name) => settings.get(name), has: (name) => settings.has(name), headers };
};

const statusOf = (script: EchoScript, { turn }: EchoMemory): number => {
  const answers = script.get('answers')?.split(',') ?? [];
  const status = Number(answers[Math.min(turn, answers.length - 1)] ?? script.get('fail') ?? 200);
  return status >= 200 && status <= 599 ? status : 400;
};

const pieces = (text: string, size: number): string[] => {
  const step = Math.max(1, size, Math.ceil(text.length / MAX_PIECES));
  return Array.from({ length: Math.ceil(text.length / step) }, (_, index) => text.slice(index * step, (index + 1) * step));
};

const bytes = (text: string): EchoStep => ({ kind: 'bytes', text });

/** How the body goes out, to the last step. */
const bodySteps = (script: EchoScript, body: string): EchoStep[] => {
  const middle = Math.ceil(body.length / 2);
  const [first, second] = [bytes(body.slice(0, middle)), bytes(body.slice(middle))];
  if (script.has('cut')) return [first, { kind: 'close' }];
  const stall = script.get('stall');
  if (stall !== undefined) return [first, { kind: 'hold', key: stall }, second, { kind: 'end' }];
  const drip = script.get('drip');
  if (drip !== undefined) {
    const [size, ms] = halves(drip, '/');
    const pause: EchoStep = { kind: 'wait', ms: bounded(ms, MAX_DELAY_MS) };
    return [...pieces(body, bounded(size, MAX_BODY_BYTES)).flatMap((piece) => [bytes(piece), pause]), { kind: 'end' }];
  }
  if (script.has('chunked')) return [...pieces(body, Math.ceil(body.length / CHUNKS)).map(bytes), { kind: 'end' }];
  return [bytes(body), { kind: 'end' }];
};

/** Says back exactly what reached the program, as compact JSON, in the way that the script asks for. */
export const planEcho = (
  workload: string,
  request: EchoRequest,
  script: EchoScript = readScript(workload, request),
  memory: EchoMemory = FORGETFUL,
): readonly EchoStep[] => {
  if (request.path === HEALTH_PATH) return [{ kind: 'head', status: memory.health, headers: [], length: 0 }, { kind: 'end' }];
  const { method, path, headers, body } = request;
  const text = script.has('size')
    ? 'x'.repeat(bounded(script.get('size'), MAX_BODY_BYTES))
    : JSON.stringify({ workload, method, path, headers, body });
  const hold = script.get('hold');
  const before: EchoStep[] = [
    ...(script.has('delay') ? [{ kind: 'wait', ms: bounded(script.get('delay'), MAX_DELAY_MS) } as const] : []),
    ...(hold === undefined ? [] : [{ kind: 'hold', key: hold } as const]),
  ];
  if (script.has('reset')) return [...before, { kind: 'reset' }];
  if (script.has('garble')) return [...before, { kind: 'raw', text: 'HTTP/1.1 nonsense\r\n\r\n' }, { kind: 'reset' }];
  const typed = script.headers.some(([name]) => name.toLowerCase() === 'content-type');
  const told: [string, string][] = script.has('held') || script.has('release') ? [['x-lab-held', String(memory.held)]] : [];
  const fields: (readonly [string, string])[] = [
    ...(typed ? [] : ([['content-type', 'application/json']] as const)),
    ...told,
    ...script.headers,
  ];
  const length = script.has('chunked') ? {} : { length: Buffer.byteLength(text) };
  return [...before, { kind: 'head', status: statusOf(script, memory), headers: fields, ...length }, ...bodySteps(script, text)];
};
