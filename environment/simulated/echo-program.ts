/** The echo on in-memory connections: the second shell of its script. */
import { createHash } from 'node:crypto';
import { type EchoCarrier, EchoProgram } from '#echo';
import type { Clock } from '#system/clock.ts';
import type { BoundListener, Connection, Network, SocketAddress } from '#system/network.ts';
import { headerOf, type RequestHead, readBody, readHead } from './read-request.ts';

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Who answers, where, and in which world. */
export interface EchoPlace {
  /** The name it gives itself in answers. */
  readonly workload: string;
  readonly at: SocketAddress;
  readonly network: Network;
  readonly clock: Clock;
}

/** Listens until the listener is closed. */
export const startEchoProgram = ({ workload, at, network, clock }: EchoPlace): Promise<BoundListener> => {
  const program = new EchoProgram(workload);
  return network.listen(at, (connection) => void new EchoConnection(connection, program, clock));
};

/** Living state of one connection: one request at a time, in order. */
class EchoConnection {
  readonly #connection: Connection;
  readonly #program: EchoProgram;
  readonly #clock: Clock;
  #received = '';
  #busy = false;
  #continued = false;
  #tunnel = false;

  constructor(connection: Connection, program: EchoProgram, clock: Clock) {
    this.#connection = connection;
    this.#program = program;
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
    const isEarly = !request && this.#program.answersEarly(head);
    if (!request && !isEarly) return;
    this.#received = request ? this.#received.slice(request.length) : '';
    this.#continued = false;
    this.#busy = true;
    // What is left of a body that nobody read would be taken for the next request: such a connection ends with its answer.
    const closes = isEarly || headerOf(head, 'connection')?.toLowerCase() === 'close';
    const carrier = carrierOf(this.#connection, this.#clock, {
      headOnly: head.method === 'HEAD',
      closes,
      ended: () => this.#ended(closes),
    });
    this.#program.answer(request ?? { ...head, body: '' }, carrier).catch(() => this.#connection.destroy());
  }

  #ended(closes: boolean): void {
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

interface Framing {
  readonly headOnly: boolean;
  readonly closes: boolean;
  readonly ended: () => void;
}

const carrierOf = (connection: Connection, clock: Clock, { headOnly, closes, ended }: Framing): EchoCarrier => {
  let isChunked = false;
  return {
    get gone() {
      return connection.destroyed;
    },
    sleep: (ms) => new Promise((resolve) => clock.after(ms, resolve)),
    head({ status, headers, length }) {
      isChunked = length === undefined;
      const framing = isChunked ? ['transfer-encoding', 'chunked'] : ['content-length', String(length)];
      const fields = [...headers, framing, ['connection', closes ? 'close' : 'keep-alive']];
      const lines = [`HTTP/1.1 ${status} `, ...fields.map(([name, value]) => `${name}: ${value}`)];
      connection.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    },
    bytes(text) {
      // The body travels as UTF-8; from here on one character is one byte.
      const bytes = Buffer.from(text).toString('latin1');
      if (headOnly || bytes === '') return;
      connection.write(isChunked ? `${bytes.length.toString(16)}\r\n${bytes}\r\n` : bytes, 'latin1');
    },
    raw: (text) => void connection.write(text, 'latin1'),
    reset: () => void connection.resetAndDestroy(),
    close: () => void connection.end(),
    end() {
      if (isChunked && !headOnly) connection.write('0\r\n\r\n', 'latin1');
      ended();
    },
  };
};
