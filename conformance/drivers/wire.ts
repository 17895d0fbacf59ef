/** A raw connection for cases that choose every byte. */
import type { Duplex } from 'node:stream';
import type { Wire } from '../define-case.ts';
import { Mismatch } from '../expect.ts';

const PATIENCE_MS = 5_000;

/** preface: bytes before everything else, such as a PROXY line. */
export const openWire = (connection: Duplex, preface: string): Wire => {
  let received = '';
  let closed = false;
  const watchers = new Set<() => void>();
  const tell = (): void => {
    for (const watcher of [...watchers]) watcher();
  };
  const close = (): void => {
    closed = true;
    tell();
  };
  connection.on('data', (bytes: Uint8Array) => {
    received += Buffer.from(bytes).toString('latin1');
    tell();
  });
  connection.on('end', close).on('close', close).on('error', close);
  if (preface !== '') connection.write(preface, 'latin1');

  const wait = (what: string, ready: () => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const settle = (give: () => void): void => {
        clearTimeout(timer);
        watchers.delete(look);
        give();
      };
      const fail = (): void => settle(() => reject(new Mismatch('bytes on the connection', what, JSON.stringify(received))));
      const look = (): void => {
        if (ready()) settle(() => resolve(received));
        else if (closed) fail();
      };
      const timer = setTimeout(fail, PATIENCE_MS);
      watchers.add(look);
      look();
    });

  return {
    write: (bytes) => void connection.write(bytes, 'latin1'),
    until: (text) => wait(`bytes with ${JSON.stringify(text)}`, () => received.includes(text)),
    untilClosed: () => wait('the end of the connection', () => closed),
    async [Symbol.asyncDispose]() {
      connection.destroy();
    },
  };
};
