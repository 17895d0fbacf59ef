/** The echo on in-memory connections: the second shell of its script. */
import { createHash } from 'node:crypto';
import { type EchoPlan, planEcho } from '#echo';
import type { Clock } from '#system/clock.ts';
import type { BoundListener, Connection, Network, SocketAddress } from '#system/network.ts';
import { headerOf, type RequestHead, readBody, readHead } from './read-request.ts';

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CHUNKS = 3;

/** Who answers, where, and in which world. */
export interface EchoProgram {
  /** The name it gives itself in answers. */
  readonly workload: string;
  readonly at: SocketAddress;
  readonly network: Network;
  readonly clock: Clock;
}

/** Listens until the listener is closed. */
export const startEchoProgram = ({ workload, at, network, clock }: EchoProgram): Promise<BoundListener> =>
  network.listen(at, (connection) => void new EchoConnection(connection, workload, clock));

/** Living state of one connection: one request at a time, in order. */
class EchoConnection {
  readonly #connection: Connection;
  readonly #workload: string;
  readonly #clock: Clock;
  #received = '';
  #busy = false;
  #continued = false;
  #tunnel = false;

  constructor(connection: Connection, workload: string, clock: Clock) {
    this.#connection = connection;
    this.#workload = workload;
    this.#clock = clock;
    connection.on('data', (bytes: Buffer) => this.#take(bytes));
    connection.on('end', () => connection.end());
  }

  #take(bytes: Buffer): void {
    if (this.#tunnel) return void this.#connection.write(bytes);
    this.#received += bytes.toString('latin1');
    this.#next();
  }

  #next(): void {
    if (this.#busy || this.#connection.destroyed) return;
    try {
      const head = readHead(this.#received);
      if (head) this.#serve(head);
    } catch {
      this.#connection.destroy();
    }
  }

  #serve(head: RequestHead): void {
    if (headerOf(head, 'upgrade') !== undefined) return void this.#upgrade(head);
    if (!this.#continued && headerOf(head, 'expect')?.toLowerCase() === '100-continue') {
      this.#continued = true;
      this.#connection.write('HTTP/1.1 100 Continue\r\n\r\n');
    }
    const request = readBody(this.#received, head);
    if (!request) return;
    this.#received = this.#received.slice(request.length);
    this.#continued = false;
    this.#busy = true;
    const plan = planEcho(this.#workload, request);
    const answer = (): void => this.#answer(plan, head);
    if (plan.delayMs > 0) this.#clock.after(plan.delayMs, answer);
    else answer();
  }

  #answer(plan: EchoPlan, head: RequestHead): void {
    if (plan.reset) return void this.#connection.resetAndDestroy();
    if (this.#connection.destroyed) return;
    const closes = headerOf(head, 'connection')?.toLowerCase() === 'close';
    this.#connection.write(formatAnswer(plan, head.method === 'HEAD', closes), 'latin1');
    if (closes) return void this.#connection.end();
    this.#busy = false;
    this.#next();
  }

  #upgrade(head: RequestHead): void {
    this.#tunnel = true;
    const key = `${headerOf(head, 'sec-websocket-key') ?? ''}${WEBSOCKET_GUID}`;
    const accept = createHash('sha1').update(key).digest('base64');
    const lines = ['HTTP/1.1 101 Switching Protocols', 'upgrade: websocket', 'connection: Upgrade', `sec-websocket-accept: ${accept}`];
    this.#connection.write(`${lines.join('\r\n')}\r\n\r\n${this.#received.slice(head.bodyAt)}`, 'latin1');
  }
}

const formatAnswer = ({ status, headers, body, chunked }: EchoPlan, headOnly: boolean, closes: boolean): string => {
  // The body travels as UTF-8; from here on one character is one byte.
  const bytes = Buffer.from(body).toString('latin1');
  const framing = chunked ? ['transfer-encoding', 'chunked'] : ['content-length', String(bytes.length)];
  const fields = [...headers, framing, ['connection', closes ? 'close' : 'keep-alive']];
  const head = [`HTTP/1.1 ${status} `, ...fields.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
  return `${head}\r\n\r\n${headOnly ? '' : chunked ? inChunks(bytes) : bytes}`;
};

const inChunks = (bytes: string): string => {
  const size = Math.ceil(bytes.length / CHUNKS);
  const parts = Array.from({ length: CHUNKS }, (_, index) => bytes.slice(index * size, (index + 1) * size)).filter((part) => part !== '');
  return `${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`;
};
