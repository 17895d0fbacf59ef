/** Outermost handler: opens the exchange's record, cleans the request, matches the route, runs its walk, rescues what failed, tells who listens. */
import type { System } from '#system/system.ts';
import type { Handler } from './filter.ts';
import { appendVia, applyForwarding, type ForwardingRules } from './forwarding-headers.ts';
import { HeaderMap, setIn } from './header-map.ts';
import type { Http2Downstream } from './http2/http2-numbers.ts';
import { localReply } from './local-reply.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from './message.ts';
import { normalizePath, type PathRules } from './normalize-path.ts';
import type { ResponseFlag } from './response-flags.ts';
import type { ServedStream, ServeHttp, ServerSettings } from './serve.ts';
import { StreamError } from './stream-error.ts';
import type { DownstreamConnection, RouteMetadata, StreamEnd, StreamInfo } from './stream-info.ts';
import { StreamRecord } from './stream-record.ts';

/** A route whose walk (filters of the listener, then router) is already composed. */
export interface CompiledRoute {
  readonly name: string;
  readonly metadata?: RouteMetadata | undefined;
  /** See ServedStream. */
  readonly idleTimeoutMs?: number | undefined;
  readonly handle: Handler;
}

/** Which route; "no route" is a compiled route too, whose terminal answers NR behind the listener's filters. */
export interface RouteTable {
  match(request: HttpRequest): CompiledRoute;
}

/** Where one connection manager finds its routes: living, so that routes change while the listener stays the same object. */
export interface RouteTableSlot {
  current: RouteTable;
}

/** Hears of every finished exchange: metrics and access logs. request: after cleaning, before filters; response: as sent. */
export type StreamObserver = (finished: FinishedStream) => void;

/** An exchange that is over. request is absent when its bytes never became one; opaque: they were not meant to (TCP proxy). */
export interface FinishedStream {
  readonly request: HttpRequest | undefined;
  readonly response: HttpResponse | undefined;
  readonly stream: StreamInfo;
  readonly end: StreamEnd;
  readonly opaque?: true;
}

/** What the listener's configuration decided. */
export interface ConnectionManagerSettings {
  readonly server: ServerSettings;
  readonly forwarding: ForwardingRules;
  readonly paths: PathRules;
  readonly serverName: string;
  readonly serverHeader: 'overwrite' | 'append-if-absent' | 'pass-through';
  readonly requestIdInResponse: boolean;
  /** The port of a Host: any one, or the one that the client connected to. */
  readonly stripPort: 'none' | 'any' | 'matching';
  readonly stripTrailingDot: boolean;
}

/** Counters by field: the request path looks nothing up. */
export interface ConnectionObserver {
  opened(): void;
  closed(): void;
  http2(): Http2Downstream;
  started(): void;
  finished: readonly StreamObserver[];
}

/** What a running connection manager stands on. */
export interface ConnectionManagerRooms {
  readonly system: System;
  readonly routes: RouteTableSlot;
  readonly observer: ConnectionObserver;
  /** Shared counter of the proxy: exchange ids are unique in it. */
  readonly nextExchangeId: () => number;
}

/** Answers that Envoy's connection manager gives without calling them failures. */
const unflagged = (status: number, codeDetails: string, closes: boolean): StreamError =>
  new StreamError('DPE', { status, codeDetails, flagged: false, closes });
const UPGRADE_REFUSED = unflagged(403, 'upgrade_failed', true);
const NOT_A_PATH = unflagged(404, 'absolute_path_rejected', false);
const BAD_PATH = unflagged(400, 'path_normalization_failed', true);
const pathRedirect = (path: string): StreamError =>
  new StreamError('DPE', { status: 307, codeDetails: 'path_normalization_failed', flagged: false, headers: [['location', path]] });

/** One per HttpConnectionManager message. */
export class ConnectionManager implements ServeHttp {
  readonly settings: ServerSettings;
  readonly #settings: ConnectionManagerSettings;
  readonly #rooms: ConnectionManagerRooms;
  #http2: Http2Downstream | undefined;
  #dateText = '';
  #dateSecond = -1;
  draining = false;

  constructor(settings: ConnectionManagerSettings, rooms: ConnectionManagerRooms) {
    this.settings = settings.server;
    this.#settings = settings;
    this.#rooms = rooms;
  }

  connectionOpened(): void {
    this.#rooms.observer.opened();
  }

  connectionClosed(): void {
    this.#rooms.observer.closed();
  }

  http2(): Http2Downstream {
    this.#http2 ??= this.#rooms.observer.http2();
    return this.#http2;
  }

  serve(received: HttpRequest, downstream: DownstreamConnection, refusal?: StreamError): ServedStream {
    return new Served(received, this.#record(downstream), this, refusal);
  }

  refuse(error: StreamError, downstream: DownstreamConnection, request?: HttpRequest): HttpResponse {
    const record = this.#record(downstream);
    if (error.flagged) record.flags.add(error.flag);
    record.codeDetails = error.codeDetails;
    const response = this.dress(localReply(error), '');
    const end = { status: response.status, bytesReceived: 0, bytesSent: response.body.whole?.length ?? 0, durationMs: 0 };
    record.finishWith(end);
    this.announce({ request, response, stream: record, end });
    return response;
  }

  #record(downstream: DownstreamConnection): StreamRecord {
    const { clock } = this.#rooms.system;
    this.#rooms.observer.started();
    return new StreamRecord(this.#rooms.nextExchangeId(), downstream, clock.nowMs(), clock.wallTimeMs());
  }

  /** Runs the walk. Never rejects. */
  async answer(served: Served, record: StreamRecord): Promise<HttpResponse | undefined> {
    let response: HttpResponse;
    try {
      if (served.refusal) throw served.refusal;
      const request = this.#clean(served.request, record);
      served.request = request;
      const route = this.#rooms.routes.current.match(request);
      record.routeName = route.name;
      if (request.upgrade !== undefined && !this.settings.upgrades.has(request.upgrade)) throw UPGRADE_REFUSED;
      record.routeMetadata = route.metadata;
      served.idleTimeoutMs = route.idleTimeoutMs;
      response = await route.handle(request, record);
      if (record.codeDetails === '') record.codeDetails = 'via_upstream';
    } catch (error) {
      if (record.ended || record.flags.has('DC')) return undefined;
      response = this.#rescue(error, served.request, record);
    }
    const dressed = this.dress(response, record.requestId);
    served.sent = dressed;
    return dressed;
  }

  #rescue(error: unknown, request: HttpRequest, record: StreamRecord): HttpResponse {
    if (!(error instanceof StreamError)) {
      this.#rooms.system.log.error('http.handler-failed', {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      record.codeDetails = 'internal_error';
      return {
        status: 500,
        headers: HeaderMap.EMPTY,
        body: localReply(new StreamError('LR', { codeDetails: '' })).body,
        trailers: NO_TRAILERS,
      };
    }
    if (error.flagged) record.flags.add(error.flag);
    record.codeDetails = error.codeDetails;
    return localReply(error, request);
  }

  #clean(request: HttpRequest, record: StreamRecord): HttpRequest {
    const { forwarding, paths } = this.#settings;
    const { random } = this.#rooms.system;
    const flat = request.headers.flat.slice();
    applyForwarding(flat, record, forwarding, random);
    const cleaned = {
      ...request,
      headers: new HeaderMap(flat),
      authority: this.#authority(request.authority, record.downstream.local.port),
    };
    if (request.path.charCodeAt(0) !== 47) throw NOT_A_PATH;
    const normal = paths.normalize || paths.mergeSlashes || paths.escapedSlashes !== 'keep' ? normalizePath(request.path, paths) : request;
    if (normal === undefined) throw BAD_PATH;
    if ('redirect' in normal) throw pathRedirect(normal.path);
    return normal.path === request.path ? cleaned : { ...cleaned, path: normal.path };
  }

  #authority(authority: string, listenerPort: number): string {
    const { stripPort, stripTrailingDot } = this.#settings;
    let host = authority;
    if (stripPort === 'any') host = host.replace(/:\d+$/, '');
    else if (stripPort === 'matching' && host.endsWith(`:${listenerPort}`)) host = host.slice(0, host.lastIndexOf(':'));
    if (stripTrailingDot) host = host.replace(/\.(?=:\d+$|$)/, '');
    return host;
  }

  /** `server`, `date` and, where wanted, the request id. */
  dress(response: HttpResponse, requestId: string): HttpResponse {
    const { serverName, serverHeader, requestIdInResponse, forwarding } = this.#settings;
    const flat = response.headers.flat.slice();
    if (!response.headers.has('date')) flat.push('date', this.#date());
    if (serverHeader === 'overwrite' || (serverHeader === 'append-if-absent' && !response.headers.has('server')))
      setIn(flat, 'server', serverName);
    if (requestIdInResponse && requestId !== '') setIn(flat, 'x-request-id', requestId);
    if (forwarding.via !== '') appendVia(flat, forwarding.via);
    return { ...response, headers: new HeaderMap(flat) };
  }

  #date(): string {
    const now = this.#rooms.system.clock.wallTimeMs();
    const second = Math.floor(now / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#dateText = new Date(now).toUTCString();
    }
    return this.#dateText;
  }

  announce(finished: FinishedStream): void {
    for (const observer of this.#rooms.observer.finished) observer(finished);
  }

  nowMs(): number {
    return this.#rooms.system.clock.nowMs();
  }
}

/** The codec's handle on one exchange. */
class Served implements ServedStream {
  request: HttpRequest;
  sent: HttpResponse | undefined;
  idleTimeoutMs: number | undefined = undefined;
  readonly refusal: StreamError | undefined;
  readonly response: Promise<HttpResponse | undefined>;
  readonly #record: StreamRecord;
  readonly #manager: ConnectionManager;

  constructor(request: HttpRequest, record: StreamRecord, manager: ConnectionManager, refusal: StreamError | undefined) {
    this.request = request;
    this.refusal = refusal;
    this.#record = record;
    this.#manager = manager;
    this.response = manager.answer(this, record);
  }

  abort(flag: ResponseFlag, codeDetails: string): void {
    this.#record.abortWith(flag, codeDetails);
  }

  giveUp(error: StreamError): HttpResponse {
    this.#record.abortFor(error);
    this.sent = this.#manager.dress(localReply(error, this.request), this.#record.requestId);
    return this.sent;
  }

  note(error: unknown): void {
    if (!(error instanceof StreamError)) return;
    if (error.flagged) this.#record.flags.add(error.flag);
    this.#record.codeDetails = error.codeDetails;
  }

  finish(status: number, bytesReceived: number, bytesSent: number): void {
    const record = this.#record;
    if (record.ended) return;
    const end = { status, bytesReceived, bytesSent, durationMs: this.#manager.nowMs() - record.startedAtMs };
    record.finishWith(end);
    this.#manager.announce({ request: this.request, response: this.sent, stream: record, end });
  }
}
