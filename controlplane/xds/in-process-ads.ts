/** Streams between two planes of one process. Messages take turns, as on a wire: neither side is called back within its own call. */
import type { AdsStream, OpenAdsStream } from '#api/ads-stream.ts';
import type { AdsServer } from './ads-server.ts';

/** A server that proxies of the same process can reach. */
export interface InProcessAds {
  readonly open: OpenAdsStream;
  /** Ends every stream, as the end of a process would; streams opened later end at once. */
  close(): void;
}

/** Connects by function calls. */
export const inProcessAds = (server: AdsServer): InProcessAds => {
  const endings = new Set<(reason: string) => void>();
  let closed = false;
  const open: OpenAdsStream = (events) => {
    let live = true;
    const later = (deliver: () => void): void =>
      queueMicrotask(() => {
        if (live) deliver();
      });
    const connection = server.accept({
      send: (response) => later(() => events.response(response)),
      refuse: (reason) => later(() => end(reason)),
    });
    const close = (): void => {
      live = false;
      endings.delete(end);
      connection.closed();
    };
    const end = (reason: string): void => {
      if (!live) return;
      close();
      events.ended(reason);
    };
    const stream: AdsStream = { send: (request) => later(() => connection.receive(request)), close };
    endings.add(end);
    if (closed) later(() => end('connection refused'));
    return stream;
  };
  return {
    open,
    close: () => {
      closed = true;
      for (const end of [...endings]) end('the control plane has ended');
    },
  };
};
