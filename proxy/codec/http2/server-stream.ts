/** LIVING STATE of one request and its answer on an HTTP/2 connection. */
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../../http/message.ts';
import type { ServedStream, ServeHttp } from '../../http/serve.ts';
import { StreamError } from '../../http/stream-error.ts';
import type { DownstreamConnection } from '../../http/stream-info.ts';
import { HeadError } from '../head.ts';
import { streamTimeout, wordlessRefusal } from '../refusal.ts';
import { isBodiless } from '../response-text.ts';
import { ERROR, StreamFault } from './errors.ts';
import { MalformedError, promisedLength, type RequestFields, responseBlock, trailerFields } from './fields.ts';
import type { FieldList } from './hpack/decoder.ts';
import type { Session } from './session.ts';
import { Http2Stream } from './stream.ts';

/** What a stream needs of its connection. */
export interface ServerRoom {
  readonly session: Session;
  readonly http: ServeHttp;
  readonly downstream: DownstreamConnection;
  /** Called before each answer. */
  answering(): void;
}

/** The client went away. */
export const LEFT = new StreamError('DC', { codeDetails: 'downstream_remote_disconnect' });

/** No request at all: nobody hears an answer. */
export const MALFORMED = new StreamError('DPE', { status: 0, codeDetails: 'http2.violation.of.messaging.rule' });

const RESET_BY_CLIENT = new StreamError('DC', { codeDetails: 'http2.remote_reset' });
const ABANDONED = new StreamError('DPE', { codeDetails: 'request_abandoned' });
const TOO_LARGE = new StreamError('DPE', {
  status: 431,
  text: 'Request Header Fields Too Large',
  codeDetails: 'http2.too_many_headers',
});

/** A head that was too large to keep. */
export const HEADERS_TOO_LARGE: RequestFields = {
  method: 'GET',
  scheme: 'http',
  authority: '',
  path: '/',
  headers: HeaderMap.EMPTY,
  contentLength: undefined,
  refusal: new HeadError(431, 'http2.too_many_headers'),
};

const dropBody = (response: HttpResponse): void => {
  response.upgraded?.destroy();
  if (response.body.whole !== undefined) return;
  response.body[Symbol.asyncIterator]()
    .return?.()
    .catch(() => {});
};

/** One exchange. */
export class ServerStream extends Http2Stream {
  readonly #server: ServerRoom;
  readonly #head: RequestFields;
  #served: ServedStream | undefined;
  #headSent = false;
  #interimSent = false;
  #status = 0;
  #sent = 0;

  constructor(id: number, server: ServerRoom, head: RequestFields) {
    super(id, server.session, server.session.firstWindows);
    this.#server = server;
    this.#head = head;
  }

  /** Hands the request on. Once. */
  serve(): void {
    const { http, downstream } = this.#server;
    if (this.#head === HEADERS_TOO_LARGE) {
      this.#respond(http.refuse(TOO_LARGE, downstream));
      return;
    }
    const { refusal } = this.#head;
    this.#served = http.serve(this.#request(), downstream, refusal && wordlessRefusal(refusal));
    this.#served.response.then((response) => this.#respond(response));
  }

  #request(): HttpRequest {
    const { method, scheme, authority, path } = this.#head;
    const { proxy100Continue } = this.#server.http.settings;
    let { headers } = this.#head;
    if (!proxy100Continue && headers.get('expect')?.toLowerCase() === '100-continue') {
      headers = headers.without('expect');
      if (!this.remoteEnded) this.room.sendFields(this, [':status', '100'], false);
    }
    const { body, trailers } = this.takeBody();
    const request = { method, scheme, authority, path, headers, body, trailers };
    return proxy100Continue ? { ...request, onInterim: this.#interim } : request;
  }

  /** Only the first one, as from Envoy. */
  readonly #interim = (status: number, headers: HeaderMap): void => {
    if (this.#interimSent || this.#headSent || this.isReset) return;
    this.#interimSent = true;
    this.room.sendFields(this, responseBlock({ status, headers: headers.without('content-length') }, undefined), false);
  };

  #respond(response: HttpResponse | undefined): void {
    if (this.isReset || this.#headSent || !response) {
      if (response) dropBody(response);
      else this.#server.session.resetStream(this, ERROR.internal, ABANDONED);
      return;
    }
    this.#server.answering();
    this.#headSent = true;
    this.#status = response.status;
    this.activeAtMs = this.room.nowMs();
    const toHead = this.#head.method === 'HEAD';
    if (toHead || isBodiless(response.status)) this.#sendBodiless(response);
    else this.#sendWithBody(response);
  }

  #sendBodiless(response: HttpResponse): void {
    dropBody(response);
    const headers = response.status === 204 ? response.headers.without('content-length') : response.headers;
    this.room.sendFields(this, responseBlock({ status: response.status, headers }, undefined), true);
    this.#responded();
  }

  #sendWithBody(response: HttpResponse): void {
    const { body, trailers } = response;
    const { whole } = body;
    const isAll = whole?.length === 0 && trailers === NO_TRAILERS;
    this.room.sendFields(this, responseBlock(response, whole?.length), isAll);
    if (isAll) {
      this.#responded();
      return;
    }
    if (whole === undefined || trailers !== NO_TRAILERS) {
      const sent = (bytes: number): void => {
        this.#sent += bytes;
      };
      this.pump({ body, trailers, length: whole?.length ?? promisedLength(response.headers), sent }).then(this.#responded, this.#failed);
      return;
    }
    this.#sent = whole.length;
    const leaving = this.send(whole, true);
    if (leaving) leaving.then(this.#responded, this.#failed);
    else this.#responded();
  }

  readonly #failed = (error: unknown): void => {
    if (this.isReset) return;
    this.#served?.note(error);
    this.#server.session.resetStream(this, ERROR.internal, error);
  };

  /** The answer is complete: what the client still sends is not needed (RFC 9113 §8.1). */
  readonly #responded = (): void => {
    if (!this.remoteEnded) this.#server.session.resetStream(this, ERROR.none, ABANDONED);
  };

  fields(list: FieldList, ends: boolean): void {
    if (!ends) throw new StreamFault(ERROR.protocol, this.id, 'fields that do not end the stream');
    if (list.isTooLarge) throw new StreamFault(ERROR.enhanceYourCalm, this.id, 'trailers too large');
    try {
      this.end(trailerFields(list));
      this.#server.session.settings.numbers.trailers.value++;
    } catch (error) {
      throw error instanceof MalformedError ? new StreamFault(ERROR.protocol, this.id, error.message) : error;
    }
  }

  resetByPeer(): void {
    this.#served?.abort('DC', RESET_BY_CLIENT.codeDetails);
    this.breakBodies(RESET_BY_CLIENT);
  }

  broken(error: unknown): void {
    const { flag, codeDetails } = error instanceof StreamError ? error : MALFORMED;
    this.#served?.abort(flag, codeDetails);
  }

  /** The client broke a rule; the stream is reset. */
  faulted(): void {
    if (this.#served) this.#served.abort('DPE', MALFORMED.codeDetails);
    else this.#server.http.refuse(MALFORMED, this.#server.downstream);
  }

  /** In place of the listener's, where the route says so. */
  get idleTimeoutMs(): number | undefined {
    return this.#served?.idleTimeoutMs;
  }

  /** Its request is not all here, and was not answered. */
  get isArriving(): boolean {
    return !this.remoteEnded && !this.#headSent;
  }

  /** Answers in upstream's place. */
  giveUp(error: StreamError): void {
    if (this.#served) this.#respond(this.#served.giveUp(error));
  }

  /** Nothing has moved for too long. */
  timedOut(): void {
    const served = this.#served;
    if (!served) return;
    if (!this.#headSent) {
      this.giveUp(streamTimeout(this.remoteEnded));
      return;
    }
    served.abort('SI', 'stream_idle_timeout');
    this.#server.session.resetStream(this, ERROR.cancel, new StreamError('SI', { codeDetails: 'stream_idle_timeout' }));
  }

  protected bodyAbandoned(): void {}

  /** Both ends are done, or it was reset. */
  finish(): void {
    const served = this.#served;
    this.#served = undefined;
    served?.finish(this.#status, this.received, this.#sent);
  }
}
