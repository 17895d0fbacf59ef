/** Asks by connecting, and where bytes are expected, by what comes. Source: config.core.v3.HealthCheck.TcpHealthCheck. */
import { inField, refuseUnsupported } from '#api/config-error.ts';
import type { HealthCheck_TcpHealthCheck } from '#envoy';
import type { Connection } from '#system/network.ts';
import { compilePayload, hasAll } from './payload.ts';
import { PASSED, type Probe, type ProbeRoom, type Verdict } from './probe.ts';

/** What is sent and awaited. */
export interface TcpProbeRules {
  readonly kind: 'tcp';
  readonly send: Buffer | undefined;
  readonly receive: readonly Buffer[];
}

/** Throws ConfigError with a path relative to the message. */
export const compileTcpProbe = (config: HealthCheck_TcpHealthCheck): TcpProbeRules => {
  refuseUnsupported(config, { read: ['send', 'receive'] });
  const { send } = config;
  return {
    kind: 'tcp',
    send: send && inField('send', () => compilePayload(send)),
    receive: config.receive.map((part, index) => inField(`receive[${index}]`, () => compilePayload(part))),
  };
};

/** More than this without a match is no answer. */
const MOST_BYTES = 1024 * 1024;

/** LIVING STATE: one connection at a time, for one host. */
export class TcpProbe implements Probe {
  readonly #rules: TcpProbeRules;
  readonly #room: ProbeRoom;
  #connection: Connection | undefined;

  constructor(rules: TcpProbeRules, room: ProbeRoom) {
    this.#rules = rules;
    this.#room = room;
  }

  /** Where no bytes are awaited a connection is all that is asked for. */
  async ask(signal: AbortSignal): Promise<Verdict> {
    const connection = this.#connection ?? (await this.#open(signal));
    if (this.#rules.receive.length === 0) {
      this.close();
      return PASSED;
    }
    if (this.#rules.send) connection.write(this.#rules.send);
    await this.#hear(connection, signal);
    if (!this.#room.reusesConnection) this.close();
    return PASSED;
  }

  close(): void {
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  async #open(signal: AbortSignal): Promise<Connection> {
    const connection = await this.#room.dial(signal);
    this.#connection = connection;
    connection.on('error', () => {});
    connection.once('close', () => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    // What nobody awaits is read over, so that the end is heard.
    connection.once('end', () => connection.destroy()).resume();
    return connection;
  }

  /** Settles with the bytes that are awaited. */
  #hear(connection: Connection, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let heard: Buffer = Buffer.alloc(0);
      const leave = (): void => {
        connection.off('data', hear).off('close', ended);
        signal.removeEventListener('abort', abort);
      };
      const hear = (chunk: Buffer): void => {
        heard = Buffer.concat([heard, chunk]);
        if (hasAll(this.#rules.receive, heard)) {
          leave();
          resolve();
        } else if (heard.length > MOST_BYTES) connection.destroy();
      };
      const ended = (): void => {
        leave();
        reject(new Error('the connection ended before the answer'));
      };
      const abort = (): void => {
        leave();
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      connection.on('data', hear).once('close', ended);
      if (connection.destroyed) ended();
    });
  }
}
