/** The admin pages as something that a server codec can hand its requests to. */
import { textBody } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { localReply } from '../http/local-reply.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { SERVER_DEFAULTS, type ServedStream, type ServeHttp, type ServerSettings } from '../http/serve.ts';
import type { StreamError } from '../http/stream-error.ts';
import { adminAnswer } from './pages.ts';
import type { AdminView } from './view.ts';

const SETTINGS: ServerSettings = {
  ...SERVER_DEFAULTS,
  maxHeadBytes: 16 * 1024,
  idleTimeoutMs: 60_000,
  streamIdleTimeoutMs: 60_000,
};

/** Bodies of requests are not read. */
export class AdminHttp implements ServeHttp {
  readonly settings = SETTINGS;
  readonly draining = false;
  readonly #view: AdminView;

  constructor(view: AdminView) {
    this.#view = view;
  }

  serve(request: HttpRequest): ServedStream {
    return { response: Promise.resolve(this.#answer(request)), abort: () => {}, giveUp: localReply, note: () => {}, finish: () => {} };
  }

  refuse(error: StreamError): HttpResponse {
    return localReply(error);
  }

  connectionOpened(): void {}

  connectionClosed(): void {}

  #answer(request: HttpRequest): HttpResponse {
    const { method, path, authority, headers } = request;
    const { status, type, text } = adminAnswer({ method, path, authority, origin: headers.get('origin') }, this.#view);
    return {
      status,
      headers: HeaderMap.of(
        ['content-type', type],
        ['cache-control', 'no-cache, max-age=0'],
        ['x-content-type-options', 'nosniff'],
        ['server', 'envoy'],
      ),
      body: textBody(text),
      trailers: NO_TRAILERS,
    };
  }
}
