/** LIVING STATE of one exchange: StreamInfo for the rooms, and the few moves that the connection manager makes with it. */
import type { ResponseFlag } from './response-flags.ts';
import { StreamError } from './stream-error.ts';
import type { Attempt, DownstreamConnection, RouteMetadata, StreamEnd, StreamInfo } from './stream-info.ts';

/** The signal is made only when somebody asks for it: most exchanges end without. */
export class StreamRecord implements StreamInfo {
  readonly exchangeId: number;
  requestId = '';
  readonly startedAtMs: number;
  readonly startedAtWallMs: number;
  downstream: DownstreamConnection;
  readonly flags = new Set<ResponseFlag>();
  readonly attempts: Attempt[] = [];
  codeDetails = '';
  routeName = '';
  routeMetadata: RouteMetadata | undefined = undefined;
  clusterName = '';
  upstreamFailure = '';
  terminationDetails?: string;
  metadata: StreamInfo['metadata'] = undefined;
  #controller: AbortController | undefined;
  #aborted: StreamError | undefined;
  #listeners: ((end: StreamEnd) => void)[] | undefined;
  #end: StreamEnd | undefined;

  constructor(exchangeId: number, downstream: DownstreamConnection, startedAtMs: number, startedAtWallMs: number) {
    this.exchangeId = exchangeId;
    this.downstream = downstream;
    this.startedAtMs = startedAtMs;
    this.startedAtWallMs = startedAtWallMs;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  onDone(listener: (end: StreamEnd) => void): void {
    if (this.#end) listener(this.#end);
    else if (this.#listeners) this.#listeners.push(listener);
    else this.#listeners = [listener];
  }

  abortWith(flag: ResponseFlag, codeDetails: string): void {
    this.abortFor(new StreamError(flag, { codeDetails }));
  }

  abortFor(error: StreamError): void {
    if (this.#aborted || this.#end) return;
    if (error.flagged) this.flags.add(error.flag);
    this.codeDetails = error.codeDetails;
    this.#aborted = error;
    this.#controller?.abort(error);
  }

  finishWith(end: StreamEnd): void {
    if (this.#end) return;
    this.#end = end;
    if (this.#listeners) for (const listener of this.#listeners) listener(end);
  }
}
