/** After a 101: two open ends, copied into each other until either is gone. */
import type { Duplex } from 'node:stream';
import type { Connection } from '#system/network.ts';
import type { HttpResponse } from '../http/message.ts';
import type { Exchange } from './exchange.ts';
import { UPSTREAM_LEFT } from './refusal.ts';
import { responseHead } from './response-text.ts';

/** How a tunnel ended. first: the end that left first; reset: it did so without a farewell. */
export interface TunnelEnd {
  readonly fromNear: number;
  readonly fromFar: number;
  readonly first: 'near' | 'far';
  readonly reset: boolean;
}

/** An end of a tunnel; a connection can be reset. */
type End = Duplex & { resetAndDestroy?(): unknown };

/** Copies both ways with back-pressure; `done` runs once, when both ends are closed; `moved` with every piece: where it came from, and its bytes. */
export const joinTunnel = (
  near: End,
  far: End,
  done: (end: TunnelEnd) => void,
  moved: (from: TunnelEnd['first'], bytes: number) => void = () => {},
): void => {
  let open = 2;
  let first: TunnelEnd['first'] | undefined;
  let reset = false;
  const counts = { near: 0, far: 0 };
  const copy = (from: End, to: End, name: TunnelEnd['first']): void => {
    from.on('data', (chunk: Buffer) => {
      counts[name] += chunk.length;
      moved(name, chunk.length);
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => {
      first ??= name;
      to.end();
    });
    from.on('error', () => {
      if (first === undefined) reset = true;
      first ??= name;
    });
    from.on('close', () => {
      first ??= name;
      if (reset && to.resetAndDestroy) to.resetAndDestroy();
      else if (!from.readableEnded) to.destroy();
      else if (!to.writableEnded) to.end();
      if (--open === 0) done({ fromNear: counts.near, fromFar: counts.far, first, reset });
    });
    from.resume();
  };
  copy(near, far, 'near');
  copy(far, near, 'far');
};

/** Tells the client of the 101 and joins it to upstream. early: what the client sent already behind its request. */
export const startTunnel = (connection: Connection, exchange: Exchange, response: HttpResponse, early: Buffer | undefined): void => {
  const far = response.upgraded;
  if (!far) throw new Error('invariant: a 101 without its connection');
  const { stream, head } = exchange;
  connection.write(responseHead(response, { close: false, length: undefined, upgrade: head.upgrade ?? '' }).text, 'latin1');
  if (early) far.write(early);
  joinTunnel(connection, far, ({ fromNear, fromFar, first }) => {
    if (first === 'near') stream.abort('DC', 'downstream_remote_disconnect');
    else stream.note(UPSTREAM_LEFT);
    stream.finish(response.status, fromNear + (early?.length ?? 0), fromFar);
  });
};
