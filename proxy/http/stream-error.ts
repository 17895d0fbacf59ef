/** The only error that the data path throws on purpose. local-reply.ts alone turns it into a response. */
import { RESPONSE_FLAGS, type ResponseFlag } from './response-flags.ts';

interface StreamErrorDetails {
  /** HTTP status of the reply; the flag's own when absent. */
  readonly status?: number;
  /** Body of the reply; empty when absent. */
  readonly text?: string;
  /** `%RESPONSE_CODE_DETAILS%`, e.g. `no_healthy_upstream`. */
  readonly codeDetails: string;
  /** What gRPC clients are told; follows from the status when absent. */
  readonly grpcStatus?: number | undefined;
  /** Extra reply headers, e.g. `x-envoy-overloaded: true`. */
  readonly headers?: readonly (readonly [string, string])[];
  /** False: the answer is no failure worth a flag in the log. */
  readonly flagged?: boolean;
  /** True: the client's connection ends with the answer. */
  readonly closes?: boolean;
  /** True: no host was given the request. */
  readonly unsent?: boolean;
  readonly cause?: unknown;
}

/** A request that this proxy answers or resets itself, because `flag`. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly flag: ResponseFlag;
  readonly status: number;
  readonly text: string;
  readonly codeDetails: string;
  readonly grpcStatus: number | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly flagged: boolean;
  readonly closes: boolean;
  readonly unsent: boolean;

  constructor(flag: ResponseFlag, details: StreamErrorDetails) {
    super(`${flag} ${details.codeDetails}`, { cause: details.cause });
    this.flag = flag;
    this.status = details.status ?? RESPONSE_FLAGS[flag].status;
    this.text = details.text ?? '';
    this.codeDetails = details.codeDetails;
    this.grpcStatus = details.grpcStatus;
    this.headers = details.headers ?? [];
    this.flagged = details.flagged ?? true;
    this.closes = details.closes ?? false;
    this.unsent = details.unsent ?? false;
  }

  /** The same with something changed. */
  with(changes: Partial<StreamErrorDetails>): StreamError {
    const { status, text, codeDetails, grpcStatus, headers, flagged, closes, unsent, cause } = this;
    return new StreamError(this.flag, { status, text, codeDetails, grpcStatus, headers, flagged, closes, unsent, cause, ...changes });
  }
}
