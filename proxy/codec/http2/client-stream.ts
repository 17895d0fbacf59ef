/** LIVING STATE of one request to an upstream host, and its answer. */
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../../http/message.ts';
import { StreamError } from '../../http/stream-error.ts';
import { isBodiless } from '../response-text.ts';
import { ERROR, StreamFault } from './errors.ts';
import { MalformedError, promisedLength, type ResponseFields, requestBlock, responseFields, trailerFields } from './fields.ts';
import type { FieldList } from './hpack/decoder.ts';
import type { Session } from './session.ts';
import { Http2Stream } from './stream.ts';

/** What a stream needs of its connection. */
export interface ClientRoom {
  readonly session: Session;
  readonly via: NonNullable<HttpResponse['via']>;
  /** A head is here; it is handed on when all that came with it has been read. */
  arrived(stream: ClientStream): void;
}

/** Interim answers beyond are read over (as by Envoy). */
const LAST_INTERIM = 104;
const RESET = 'upstream connect error or disconnect/reset before headers. reset reason: ';

type Started = 'before' | 'after';

const upstreamReset = (flag: 'UR' | 'UC' | 'UPE', reason: string, started: Started, cause?: unknown): StreamError =>
  new StreamError(flag, {
    text: `${RESET}${reason}`,
    codeDetails: `upstream_reset_${started}_response_started{${reason.replaceAll(' ', '_')}}`,
    cause,
  });

/** Why a stream of this connection failed. */
export type Failure = (started: Started) => StreamError;

/** Upstream reset the stream. */
export const remoteReset =
  (code: number): Failure =>
  (started) =>
    upstreamReset('UR', code === ERROR.refusedStream ? 'remote refused stream reset' : 'remote reset', started);

/** The connection ended under it. */
export const terminated =
  (cause?: unknown): Failure =>
  (started) =>
    upstreamReset('UC', 'connection termination', started, cause);

/** Upstream does not speak HTTP/2 as it must. */
export const protocolError =
  (cause?: unknown): Failure =>
  (started) =>
    upstreamReset('UPE', 'protocol error', started, cause);

const abortError = (signal: AbortSignal): StreamError =>
  signal.reason instanceof StreamError
    ? signal.reason
    : new StreamError('DC', { codeDetails: 'downstream_remote_disconnect', cause: signal.reason });

/** One exchange. */
export class ClientStream extends Http2Stream {
  readonly #client: ClientRoom;
  readonly #request: HttpRequest;
  readonly #over: () => void;
  #waiting: { readonly resolve: (response: HttpResponse) => void; readonly reject: (error: unknown) => void } | undefined;
  #head: ResponseFields | undefined;
  #unsubscribe: () => void = () => {};

  /** over: called once, when both ends are done or it was reset. */
  constructor(id: number, client: ClientRoom, request: HttpRequest, over: () => void) {
    super(id, client.session, client.session.firstWindows);
    this.#client = client;
    this.#request = request;
    this.#over = over;
  }

  /** Settles with the response head; rejects with StreamError. An abort resets the stream. */
  begin(signal: AbortSignal): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      const abort = (): void => this.fail(abortError(signal));
      signal.addEventListener('abort', abort, { once: true });
      this.#unsubscribe = () => signal.removeEventListener('abort', abort);
      this.#write();
    });
  }

  #write(): void {
    const { body, trailers } = this.#request;
    const { whole } = body;
    const isAll = whole?.length === 0 && trailers === NO_TRAILERS;
    this.room.sendFields(this, requestBlock(this.#request, this.#promisesBody ? whole?.length : undefined), isAll);
    if (isAll) return;
    if (whole !== undefined && trailers === NO_TRAILERS) {
      this.send(whole, true)?.catch(() => {});
      return;
    }
    const length = whole?.length ?? promisedLength(this.#request.headers);
    this.pump({ body, trailers, length, sent: () => {} }).catch((error: unknown) => {
      if (!this.isReset) this.fail(error instanceof StreamError ? error : terminated(error)(this.#started));
    });
  }

  /** A length that was said is corrected; none is said of nothing. */
  get #promisesBody(): boolean {
    return this.#request.headers.has('content-length');
  }

  get #started(): Started {
    return this.#head ? 'after' : 'before';
  }

  /** Takes the exchange back, whoever wanted it. */
  fail(error: StreamError): void {
    if (this.isOver) return;
    this.#reject(error);
    this.#client.session.resetStream(this, ERROR.cancel, error);
  }

  #reject(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }

  fields(list: FieldList, ends: boolean): void {
    if (list.isTooLarge) throw new StreamFault(ERROR.enhanceYourCalm, this.id, 'fields too large');
    try {
      if (this.#head) this.#takeTrailers(list, ends);
      else this.#takeHead(list, ends);
    } catch (error) {
      throw error instanceof MalformedError ? new StreamFault(ERROR.protocol, this.id, error.message) : error;
    }
  }

  #takeTrailers(list: FieldList, ends: boolean): void {
    if (!ends) throw new MalformedError('fields that do not end the stream');
    this.#client.session.settings.numbers.trailers.value++;
    this.end(trailerFields(list));
  }

  #takeHead(list: FieldList, ends: boolean): void {
    const head = responseFields(list);
    if (head.status < 200) {
      if (ends) throw new MalformedError('an interim answer that ends the stream');
      if (head.status <= LAST_INTERIM) this.#request.onInterim?.(head.status, head.headers);
      return;
    }
    this.#head = head;
    this.#client.arrived(this);
    if (ends) this.end(HeaderMap.EMPTY);
    this.promise(this.#request.method === 'HEAD' || isBodiless(head.status) ? 0 : head.contentLength);
  }

  override data(payload: Uint8Array, counted: number, ends: boolean): void {
    if (!this.#head) throw new StreamFault(ERROR.protocol, this.id, 'data before a head');
    super.data(payload, counted, ends);
  }

  /** Hands the head on. */
  handOn(): void {
    const waiting = this.#waiting;
    const head = this.#head;
    if (!waiting || !head) return;
    this.#waiting = undefined;
    const { status, headers } = head;
    waiting.resolve({ status, headers, ...this.takeBody(), via: this.#client.via });
  }

  resetByPeer(code: number): void {
    if (this.remoteEnded) {
      // The answer was complete without the rest of the request.
      this.breakBodies(terminated()('after'));
      return;
    }
    this.broken(remoteReset(code));
    this.breakBodies(remoteReset(code)(this.#started));
  }

  broken(cause: unknown): void {
    this.handOn();
    this.#reject(this.#errorOf(cause));
  }

  #errorOf(cause: unknown): StreamError {
    if (cause instanceof StreamError) return cause;
    return typeof cause === 'function' ? (cause as Failure)(this.#started) : protocolError(cause)(this.#started);
  }

  /** What readers of its bodies are told. */
  override breakBodies(error: unknown): void {
    super.breakBodies(this.#errorOf(error));
  }

  protected bodyAbandoned(): void {
    this.fail(terminated()('after'));
  }

  /** The connection has forgotten it. */
  finish(): void {
    this.#unsubscribe();
    this.handOn();
    this.#over();
  }
}
