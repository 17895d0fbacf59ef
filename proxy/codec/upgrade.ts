/** After a 101: two open ends, copied into each other until either is gone. */
import type { Duplex } from 'node:stream';

/** Copies both ways with back-pressure; `done` runs once, when both ends are closed. */
export const joinTunnel = (near: Duplex, far: Duplex, done: (fromNear: number, fromFar: number) => void): void => {
  let open = 2;
  const counts = [0, 0] as [number, number];
  const copy = (from: Duplex, to: Duplex, index: 0 | 1): void => {
    from.on('data', (chunk: Buffer) => {
      counts[index] += chunk.length;
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.on('error', () => {});
    from.on('close', () => {
      if (!from.readableEnded) to.destroy();
      else if (!to.writableEnded) to.end();
      if (--open === 0) done(counts[0], counts[1]);
    });
    from.resume();
  };
  copy(near, far, 0);
  copy(far, near, 1);
};
