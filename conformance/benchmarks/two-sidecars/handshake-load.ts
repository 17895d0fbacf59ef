/**
 * Opens TLS connections as a caller's sidecar would, one after another in a few lanes, and closes each once it is open. Arguments: port, seconds, `full` or `resumed`,
 * files of chain, key and roots. Prints how many were opened and how many of them resumed a session.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';

const LANES = 4;
const [port, seconds, kind, chain = '', key = '', roots = ''] = process.argv.slice(2);
const material = { cert: readFileSync(chain), key: readFileSync(key), ca: readFileSync(roots) };
const until = performance.now() + Number(seconds) * 1000;
const counts = { opened: 0, resumed: 0, failed: 0 };

/** Gives the session to resume next time. A server may send its tickets with the first bytes it writes only: then there is none to be had without a request. */
const once = (session: Buffer | undefined): Promise<Buffer | undefined> =>
  new Promise((resolve) => {
    let ticket = session;
    const socket = connect({
      port: Number(port),
      host: '127.0.0.1',
      servername: 'callee.mesh',
      ALPNProtocols: ['http/1.1'],
      checkServerIdentity: () => undefined,
      ...material,
      ...(session && { session }),
    });
    socket.on('session', (fresh) => {
      ticket = fresh;
    });
    // An answer proves that the server accepted the client's certificate, which in TLS 1.3 comes after the client is content.
    socket.once('secureConnect', () => socket.write('GET /0 HTTP/1.1\r\nhost: callee\r\nconnection: close\r\n\r\n'));
    socket.once('data', () => {
      counts.opened++;
      if (socket.isSessionReused()) counts.resumed++;
      socket.destroy();
    });
    socket.once('error', () => {
      counts.failed++;
      socket.destroy();
    });
    socket.once('close', () => resolve(ticket));
  });

const lane = async (): Promise<void> => {
  let session: Buffer | undefined;
  while (performance.now() < until) {
    const fresh = await once(session);
    if (kind === 'resumed') session = fresh;
  }
};

await Promise.all(Array.from({ length: LANES }, lane));
process.stdout.write(JSON.stringify(counts));
