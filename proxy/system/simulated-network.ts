/** A network inside one process: any address exists, nothing is listening until somebody does. */
import { Duplex } from 'node:stream';
import { type BoundListener, ConnectError, type Connection, type Network, type SocketAddress } from './network.ts';

const systemError = (code: string, message: string): Error => Object.assign(new Error(`${code}: ${message}`), { code });

/** One end of an in-memory connection. Bytes written here can be read there; a full reader holds the writer back. */
class SimulatedSocket extends Duplex {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  #peer: SimulatedSocket | undefined;
  #blocked: (() => void) | undefined;
  #reset = false;

  constructor(local: SocketAddress, remote: SocketAddress) {
    super({ allowHalfOpen: true });
    this.local = local;
    this.remote = remote;
    this.on('error', () => {});
  }

  static pair(client: SocketAddress, server: SocketAddress): [SimulatedSocket, SimulatedSocket] {
    const near = new SimulatedSocket(client, server);
    const far = new SimulatedSocket(server, client);
    near.#peer = far;
    far.#peer = near;
    return [near, far];
  }

  resetAndDestroy(): void {
    this.#reset = true;
    this.destroy();
  }

  override _read(): void {
    const resume = this.#blocked;
    this.#blocked = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const peer = this.#peer;
    // A copy: the writer may use its buffer again, as with a real socket once the kernel has it.
    if (!peer || peer.destroyed) done(systemError('EPIPE', 'the other end is closed'));
    else if (peer.push(Buffer.from(chunk))) done();
    else peer.#blocked = done;
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#peer && !this.#peer.destroyed) this.#peer.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const peer = this.#peer;
    this.#blocked?.();
    this.#blocked = undefined;
    if (peer && !peer.destroyed) {
      if (this.#reset) peer.destroy(systemError('ECONNRESET', 'read ECONNRESET'));
      else if (!this.writableEnded) peer.push(null);
    }
    done(error);
  }
}

const keyOf = ({ address, port }: SocketAddress): string => `${address}:${port}`;
const FIRST_EPHEMERAL_PORT = 32768;

/** The network that all simulated processes share. */
export class SimulatedNetwork {
  /** Names for `resolve`. */
  readonly names = new Map<string, readonly string[]>();
  readonly #bound = new Map<string, (connection: Connection) => void>();
  #nextPort = FIRST_EPHEMERAL_PORT;

  /** The network as a process at that address sees it: its own connections come from there. */
  from(address: string): Network {
    return {
      isSimulated: true,
      listen: (at, accept) => this.#listen(at, accept),
      connect: (to, { signal }) => this.#connect(address, to, signal),
      resolve: async (hostname) => this.names.get(hostname) ?? [],
    };
  }

  async #listen(at: SocketAddress, accept: (connection: Connection) => void): Promise<BoundListener> {
    const address = { address: at.address, port: at.port || this.#nextPort++ };
    const key = keyOf(address);
    if (this.#bound.has(key)) throw systemError('EADDRINUSE', `address already in use ${key}`);
    this.#bound.set(key, accept);
    return {
      address,
      close: async () => {
        if (this.#bound.get(key) === accept) this.#bound.delete(key);
      },
    };
  }

  async #connect(from: string, to: SocketAddress, signal: AbortSignal | undefined): Promise<Connection> {
    if (signal?.aborted) throw new ConnectError('aborted', 'aborted before connecting');
    const accept = this.#bound.get(keyOf(to)) ?? this.#bound.get(`0.0.0.0:${to.port}`);
    if (!accept) throw new ConnectError('refused', `connect ECONNREFUSED ${keyOf(to)}`);
    const [near, far] = SimulatedSocket.pair({ address: from, port: this.#nextPort++ }, to);
    accept(far);
    return near;
  }
}
