/** The same exchange with a signal of its own: for a part of the walk that may be given up alone. */
import type { ResponseFlag } from '../http/response-flags.ts';
import type { Attempt, DownstreamConnection, StreamEnd, StreamInfo } from '../http/stream-info.ts';

/** Everything but the signal is the outer stream's. */
export class ScopedStream implements StreamInfo {
  readonly exchangeId: number;
  readonly startedAtMs: number;
  readonly startedAtWallMs: number;
  readonly downstream: DownstreamConnection;
  readonly flags: Set<ResponseFlag>;
  readonly attempts: Attempt[];
  readonly signal: AbortSignal;
  readonly #outer: StreamInfo;

  constructor(outer: StreamInfo, signal: AbortSignal) {
    this.#outer = outer;
    this.signal = signal;
    this.exchangeId = outer.exchangeId;
    this.startedAtMs = outer.startedAtMs;
    this.startedAtWallMs = outer.startedAtWallMs;
    this.downstream = outer.downstream;
    this.flags = outer.flags;
    this.attempts = outer.attempts;
  }

  get requestId(): string {
    return this.#outer.requestId;
  }
  set requestId(value: string) {
    this.#outer.requestId = value;
  }
  get codeDetails(): string {
    return this.#outer.codeDetails;
  }
  set codeDetails(value: string) {
    this.#outer.codeDetails = value;
  }
  get routeName(): string {
    return this.#outer.routeName;
  }
  set routeName(value: string) {
    this.#outer.routeName = value;
  }
  get clusterName(): string {
    return this.#outer.clusterName;
  }
  set clusterName(value: string) {
    this.#outer.clusterName = value;
  }
  get metadata(): StreamInfo['metadata'] {
    return this.#outer.metadata;
  }
  set metadata(value: StreamInfo['metadata']) {
    this.#outer.metadata = value;
  }
  get upstreamFailure(): string {
    return this.#outer.upstreamFailure;
  }
  set upstreamFailure(value: string) {
    this.#outer.upstreamFailure = value;
  }

  onDone(listener: (end: StreamEnd) => void): void {
    this.#outer.onDone(listener);
  }
}
