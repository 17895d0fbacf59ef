/** LIVING STATE: the listeners that are open. Given those wanted now it opens, changes and drains. */
import type { BoundListener, Connection, SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import type { LiveContext } from '../tls/live-context.ts';
import type { CompiledListener } from './compile-listener.ts';
import { type OpenConnection, serveConnection } from './listener.ts';

const addressText = ({ address, port }: SocketAddress): string => `${address}:${port}`;

interface OpenListener {
  compiled: CompiledListener;
  readonly sockets: OpenSocket[];
  readonly connections: Set<OpenConnection>;
}

/** A bound address. Its owner changes when a listener that moves keeps this address. */
interface OpenSocket {
  readonly wanted: string;
  readonly bound: BoundListener;
  owner: OpenListener;
}

/** What could not be opened. */
export interface BindFailure {
  readonly listener: string;
  readonly error: unknown;
}

/** One per proxy. `reconcile` calls must not overlap. */
export class ListenerManager {
  readonly #system: System;
  readonly #open = new Map<string, OpenListener>();
  /** Drained by request: they are not opened again. */
  readonly #stopped = new Set<string>();
  #goodbye = false;
  #over = false;
  #nextConnection = 1;

  constructor(system: System) {
    this.#system = system;
  }

  /** Open listeners with the addresses they got; for read-only views. */
  listeners(): { readonly compiled: CompiledListener; readonly addresses: readonly SocketAddress[] }[] {
    return [...this.#open.values()].map(({ compiled, sockets }) => ({ compiled, addresses: sockets.map(({ bound }) => bound.address) }));
  }

  /** What their chains show and believe. */
  tlsContexts(): LiveContext[] {
    return [...this.#open.values()].flatMap(({ compiled: { chains, defaultChain } }) =>
      [...chains, ...(defaultChain ? [defaultChain] : [])].flatMap(({ tls }) => tls?.handshakes.context ?? []),
    );
  }

  /** Makes exactly these listeners run. A changed one keeps its sockets and its connections: the next request on each is served by the new chains. */
  async reconcile(wanted: ReadonlyMap<string, CompiledListener>): Promise<readonly BindFailure[]> {
    const failures: BindFailure[] = [];
    if (this.#over) return failures;
    for (const [name, open] of this.#open) if (!wanted.has(name)) await this.#remove(name, open);
    for (const [name, compiled] of wanted) {
      const open = this.#open.get(name);
      if (open?.compiled === compiled || this.#stopped.has(name)) continue;
      if (this.#goodbye) setDraining(compiled, true);
      try {
        if (open && sameSockets(open.compiled, compiled)) open.compiled = compiled;
        else if (open) await this.#replace(name, open, compiled);
        else await this.#start(name, compiled);
      } catch (error) {
        failures.push({ listener: name, error });
        this.#system.log.error('listener.bind-failed', { name, error: String(error) });
      }
    }
    // Whichever listener changed, a connection may have come to it by way of another.
    for (const { compiled, connections } of this.#open.values()) for (const connection of connections) connection.adopt(compiled);
    return failures;
  }

  /** Answers tell clients to leave, or stop doing so. */
  sayGoodbye(on: boolean): void {
    this.#goodbye = on;
    for (const { compiled } of this.#open.values()) setDraining(compiled, on);
  }

  /** The new addresses are open before the old ones close, and an address in both never closes. On failure the old one stays as it was. */
  async #replace(name: string, old: OpenListener, compiled: CompiledListener): Promise<void> {
    const kept = await this.#start(name, compiled, old.sockets);
    await Promise.all(old.sockets.filter((socket) => !kept.includes(socket)).map(({ bound }) => bound.close()));
    for (const connection of old.connections) connection.drain();
  }

  /** before: sockets that may be taken over; gives those that were. */
  async #start(name: string, compiled: CompiledListener, before: readonly OpenSocket[] = []): Promise<readonly OpenSocket[]> {
    const open: OpenListener = { compiled, sockets: [], connections: new Set() };
    const kept: OpenSocket[] = [];
    try {
      for (const at of compiled.bindToPort ? compiled.addresses : []) {
        const known = before.find(({ wanted }) => wanted === addressText(at));
        if (known) kept.push(known);
        open.sockets.push(known ?? (await this.#bind(at, open)));
      }
    } catch (error) {
      await Promise.all(open.sockets.filter((socket) => !kept.includes(socket)).map(({ bound }) => bound.close()));
      throw error;
    }
    for (const socket of kept) socket.owner = open;
    this.#open.set(name, open);
    this.#system.log.info('listener.opened', { name, addresses: open.sockets.map(({ bound }) => addressText(bound.address)) });
    return kept;
  }

  async #bind(at: SocketAddress, open: OpenListener): Promise<OpenSocket> {
    const bound = await this.#system.network.listen(at, (connection) => this.#accept(socket.owner, connection));
    const socket: OpenSocket = { wanted: addressText(at), bound, owner: open };
    return socket;
  }

  async #remove(name: string, open: OpenListener): Promise<void> {
    this.#open.delete(name);
    await Promise.all(open.sockets.map(({ bound }) => bound.close()));
    for (const connection of open.connections) connection.drain();
    this.#system.log.info('listener.removed', { name });
  }

  #accept(open: OpenListener, connection: Connection): void {
    const { statPrefix } = open.compiled;
    const scope = this.#system.metrics.scope('listener', statPrefix || addressText(open.sockets[0]?.bound.address ?? connection.local));
    const admitted = (): void => {
      const active = scope.gauge('downstream_cx_active');
      scope.counter('downstream_cx_total').value++;
      active.value++;
      connection.once('close', () => {
        active.value--;
        scope.counter('downstream_cx_destroy').value++;
      });
    };
    const served = serveConnection(connection, open.compiled, {
      system: this.#system,
      id: this.#nextConnection++,
      scope,
      admitted,
      handOver: this.#handOver,
    });
    open.connections.add(served);
    connection.once('close', () => open.connections.delete(served));
  }

  /** The listener that a redirected connection belongs to: its exact address, else any address with that port. */
  readonly #handOver = ({ address, port }: SocketAddress): CompiledListener | undefined => {
    let wildcard: CompiledListener | undefined;
    for (const { compiled } of this.#open.values()) {
      if (compiled.bindToPort) continue;
      for (const own of compiled.addresses) {
        if (own.port !== port) continue;
        if (own.address === address) return compiled;
        if (own.address === '0.0.0.0' || own.address === '::') wildcard = compiled;
      }
    }
    return wildcard;
  };

  /** Stops accepting and says goodbye; what is left after `deadlineMs` is cut. Listeners that drained stay closed. chosen: which; all when absent. */
  async drain(deadlineMs: number, chosen?: (name: string) => boolean): Promise<void> {
    if (!chosen) this.#over = true;
    const draining = [...this.#open].filter(([name]) => chosen?.(name) ?? true);
    for (const [name] of draining) {
      this.#stopped.add(name);
      this.#open.delete(name);
    }
    await Promise.all(draining.flatMap(([, { sockets }]) => sockets.map(({ bound }) => bound.close())));
    const left = draining.flatMap(([, { connections }]) => [...connections]);
    for (const connection of left) connection.drain();
    const closed = Promise.all(left.map((connection) => connection.closed));
    const cut = this.#system.clock.after(deadlineMs, () => {
      for (const connection of left) connection.destroy();
    });
    await closed;
    cut();
  }

  close(): Promise<void> {
    return this.drain(0);
  }
}

const setDraining = ({ chains, defaultChain }: CompiledListener, on: boolean): void => {
  for (const chain of [...chains, ...(defaultChain ? [defaultChain] : [])])
    if (chain.filter.kind === 'http') chain.filter.http.draining = on;
};

const sameSockets = (a: CompiledListener, b: CompiledListener): boolean =>
  a.bindToPort === b.bindToPort && a.addresses.map(addressText).join() === b.addresses.map(addressText).join();
