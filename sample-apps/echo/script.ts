/** What the echo answers: one pure script, whatever carries its bytes. The request may script it: `x-lab-behave: fail=503;until=3;delay=250;chunked`. */

/** A request as it came: header names in their own spelling. */
export interface EchoRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** What to do. delayMs: wait before answering. chunked: send the body in several chunks. reset: drop the connection instead. */
export interface EchoPlan {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly delayMs: number;
  readonly chunked: boolean;
  readonly reset: boolean;
}

const MAX_DELAY_MS = 60_000;

const headerOf = ({ headers }: EchoRequest, name: string): string | undefined => headers.find(([key]) => key.toLowerCase() === name)?.[1];

const settings = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split(';')
      .filter((part) => part !== '')
      .map((part): [string, string] => {
        const [name = '', value = ''] = part.split('=', 2);
        return [name.trim(), value.trim()];
      }),
  );

/** `fail=S` answers S; with `until=N` only as long as `x-envoy-attempt-count` is below N. */
const statusOf = (script: ReadonlyMap<string, string>, request: EchoRequest): number => {
  const fail = Number(script.get('fail') ?? 200);
  const until = script.get('until');
  const tries = Number(headerOf(request, 'x-envoy-attempt-count') ?? 1);
  return until !== undefined && tries >= Number(until) ? 200 : fail >= 200 && fail <= 599 ? fail : 400;
};

/** Says back exactly what reached the program, as compact JSON. */
export const planEcho = (workload: string, request: EchoRequest): EchoPlan => {
  const script = settings(headerOf(request, 'x-lab-behave') ?? '');
  const { method, path, headers, body } = request;
  return {
    status: statusOf(script, request),
    headers: [['content-type', 'application/json']],
    body: JSON.stringify({ workload, method, path, headers, body }),
    delayMs: Math.min(MAX_DELAY_MS, Math.max(0, Number(script.get('delay') ?? 0) || 0)),
    chunked: script.has('chunked'),
    reset: script.has('reset'),
  };
};
