/** Asks with an HTTP/1.1 request. Source: config.core.v3.HealthCheck.HttpHealthCheck. */
import { Http1Client } from '../../codec/http1-client.ts';
import { type Body, EMPTY_BODY, wholeBody } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../../http/message.ts';
import type { HttpProbeRules } from './compile-http-probe.ts';
import { failed, type Probe, type ProbeRoom, type Verdict } from './probe.ts';

const MAX_HEAD_BYTES = 80 * 1024;

/** The first bytes of a body, read to its end; all of them when there is no limit. */
const firstBytes = async (body: Body, limit: number): Promise<Buffer> => {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    if (bytes < limit) kept.push(chunk);
    bytes += chunk.length;
  }
  return Buffer.concat(kept).subarray(0, limit);
};

/** LIVING STATE: one connection at a time, for one host. */
export class HttpProbe implements Probe {
  readonly #rules: HttpProbeRules;
  readonly #room: ProbeRoom;
  readonly #request: HttpRequest;
  #client: Http1Client | undefined;

  constructor(rules: HttpProbeRules, room: ProbeRoom) {
    this.#rules = rules;
    this.#room = room;
    this.#request = {
      method: rules.method,
      scheme: room.isSecure ? 'https' : 'http',
      authority: room.authority,
      path: rules.path,
      headers: new HeaderMap(rules.headers),
      body: rules.payload ? wholeBody(rules.payload) : EMPTY_BODY,
      trailers: NO_TRAILERS,
    };
  }

  async ask(signal: AbortSignal): Promise<Verdict> {
    const client = this.#client ?? (await this.#open(signal));
    const response = await client.send(this.#request, signal);
    response.upgraded?.destroy();
    const body = await firstBytes(response.body, this.#rules.receive.length > 0 ? this.#rules.bufferBytes : 0);
    if (!this.#room.reusesConnection) this.close();
    return this.#judge(response, body);
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #open(signal: AbortSignal): Promise<Http1Client> {
    const client = new Http1Client(await this.#room.dial(signal), { maxHeadBytes: MAX_HEAD_BYTES });
    client.onClosed(() => {
      if (this.#client === client) this.#client = undefined;
    });
    this.#client = client;
    return client;
  }

  #judge({ status, headers }: HttpResponse, body: Buffer): Verdict {
    const { matches, isExpected, isRetriable, serviceName } = this.#rules;
    const excluded = headers.has('x-envoy-immediate-health-check-fail');
    if (!matches(body)) return failed(status, { excluded });
    if (!isExpected(status)) return failed(status, { excluded, retriable: isRetriable(status) });
    if (serviceName) {
      this.#room.verified();
      if (!serviceName(headers.get('x-envoy-upstream-healthchecked-cluster') ?? '')) return failed(status);
    }
    return { kind: 'passed', degraded: headers.has('x-envoy-degraded') };
  }
}
