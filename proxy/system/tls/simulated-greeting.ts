/** The first bytes of the simulated world's handshakes: a TLS ClientHello to the letter, so that who looks at first bytes sees what it would see of a real client. Source: RFC 8446 §4.1.2, RFC 6066 §3, RFC 7301. */
import type { Connection } from '../network.ts';

const number = (bytes: 1 | 2 | 3, value: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
};

const counted = (bytes: 1 | 2 | 3, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([number(bytes, body.length), body]);
};

const extension = (type: number, ...parts: readonly Uint8Array[]): Buffer => Buffer.concat([number(2, type), counted(2, ...parts)]);

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** One record. */
export const clientHello = (serverName: string, alpn: readonly string[]): Buffer => {
  const extensions = [
    ...(serverName === '' ? [] : [extension(0, counted(2, number(1, 0), counted(2, latin1(serverName))))]),
    ...(alpn.length === 0 ? [] : [extension(16, counted(2, ...alpn.map((name) => counted(1, latin1(name)))))]),
  ];
  const hello = Buffer.concat([
    number(2, 0x0303),
    Buffer.alloc(32),
    counted(1),
    counted(2, number(2, 0x1301)),
    counted(1, number(1, 0)),
    counted(2, ...extensions),
  ]);
  return Buffer.concat([number(1, 22), number(2, 0x0301), counted(2, number(1, 1), counted(3, hello))]);
};

const HEADER_BYTES = 5;
const HANDSHAKE = 22;

/** Takes one record off the connection; what came behind it stays. Rejects with `broken()` when something else comes. */
export const takeGreeting = (connection: Connection, broken: () => Error): Promise<void> =>
  new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const settle = (give: () => void): void => {
      connection.off('readable', look).off('end', onEnd).off('close', onEnd);
      give();
    };
    const onEnd = (): void => settle(() => reject(broken()));
    const look = (): void => {
      for (let chunk: Buffer | null = connection.read(); chunk !== null; chunk = connection.read()) bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.length < HEADER_BYTES ? Number.POSITIVE_INFINITY : HEADER_BYTES + bytes.readUInt16BE(3);
      if (bytes.length > 0 && bytes[0] !== HANDSHAKE) settle(() => reject(broken()));
      else if (bytes.length >= end)
        settle(() => {
          if (bytes.length > end) connection.unshift(bytes.subarray(end));
          resolve();
        });
    };
    connection.on('readable', look).once('end', onEnd).once('close', onEnd);
    look();
  });
